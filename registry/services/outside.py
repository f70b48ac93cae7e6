"""What a reference names, for the services: judged before anything waits, and found later by workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from strongroom.core.entries import Entry
from strongroom.core.paths import check_entry_path
from strongroom.core.references import expand, kind_of, scheme_of
from strongroom.core.references.azure import Azure
from strongroom.core.references.base import Scheme
from strongroom.core.references.gcs import Gcs
from strongroom.core.references.local import Local
from strongroom.core.references.s3 import S3

from registry.actor import Actor
from registry.errors import InvalidInput
from registry.models import Entity, ReferenceOrder
from registry.outbound import Outside, buckets, outside_of, rules, urls

_Judge = Callable[[str, Outside], object]


def judge(actor: Actor, entity: Entity, uri: str, name: str, *, checksum: bool) -> None:
    """Raise unless the server may go where a reference points: before anything waits, and before anybody is asked.

    What only an answer can tell, as where a name leads to, is judged once more when it is asked.
    """
    scheme, kind = scheme_of(uri), kind_of(uri)
    if name:
        check_entry_path(name)
    elif not (scheme.plain(uri).path if not checksum or kind == "other" else _named(scheme, kind, uri)):
        raise InvalidInput(f"{uri} needs a name: its address has none that could be the path.", uri=uri)
    if kind in ("http", "azure"):
        # Also where nobody goes there: no address with a password in it is kept.
        urls.parse(uri)
    if checksum and kind in _JUDGES:
        with outside_of(entity, actor) as reach:
            _JUDGES[kind](uri, reach)


def _named(scheme: Scheme, kind: str, uri: str) -> bool:
    """Tell whether what is looked at has a path of its own; below a prefix or a folder each object has."""
    return kind not in ("http", "artifact") or bool(scheme.name(uri))


def kept(uri: str) -> str:
    """Return a URI as it may be kept: one of Azure without the signature that it came with, and which is not used."""
    is_azure = uri[:6].lower() == "https:" and kind_of(uri) == "azure"
    return Azure().parse(uri).whole if is_azure else uri


def _azure(uri: str, reach: Outside) -> None:
    place = Azure().parse(uri)
    buckets.store_of(reach.entity.name, "azure", f"{place.account}/{place.bucket}")


_JUDGES: dict[str, _Judge] = {
    "http": lambda uri, reach: rules.check_target(urls.parse(uri)),
    "s3": lambda uri, reach: buckets.store_of(reach.entity.name, "s3", S3().parse(uri).bucket),
    "gs": lambda uri, reach: buckets.store_of(reach.entity.name, "gcs", Gcs().parse(uri).bucket),
    "azure": _azure,
    "file": lambda uri, reach: reach.local(Local().parse(uri)),
    "artifact": lambda uri, reach: list(scheme_of(uri).look(uri, reach, max_objects=1)),
}


def found(actor: Actor, entity: Entity, order: ReferenceOrder) -> Iterator[Entry]:
    """Give what a reference names as entries, behind what earlier tries have found."""
    # Of none left, one is asked for: whether there is any decides, and the caller counts.
    left = max(1, order.max_objects - order.found_count)
    with outside_of(entity, actor) as reach:
        yield from expand(
            order.uri,
            order.name or None,
            checksum=order.checksum,
            max_objects=left,
            reach=reach,
            after=order.cursor,
        )
