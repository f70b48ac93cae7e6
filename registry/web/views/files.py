"""The files of a version: folders a page at a time, previews that read only what they show, downloads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from strongroom.core.manifest import Entry

from registry.actor import Actor
from registry.errors import InvalidPath, NotFound
from registry.http.delivery import deliver, disposition
from registry.http.streams import gathered
from registry.manifests import FolderPage
from registry.models import Membership
from registry.policy import Act, can
from registry.services import archives, drifts, files, referring
from registry.web import previews
from registry.web.pages import page, show
from registry.web.views.versions import found, frame

LEVEL = 100
# Found files on a page, offered ones, and among how many these are looked for while somebody types.
HITS, OFFERED, OFFERED_AMONG = 100, 12, 50_000
LONGEST = 1024
# Folders in one another that the tree shows open; of a path of thousands, the last ones.
DEEPEST = 24


@dataclass(slots=True)
class Level:
    """One folder of the tree, opened; `below` is the opened folder inside it."""

    page: FolderPage
    open: str = ""
    below: Level | None = field(default=None)

    @property
    def open_shown(self) -> bool:
        """Is the opened folder among those of this page? In a folder of thousands it may not be."""
        return any(folder.path == self.open for folder in self.page.folders)


@page()
def browse(request: HttpRequest, actor: Actor, path: str = "", **place: Any) -> HttpResponse:
    """The tree with the folders on the way opened, and what is chosen beside it."""
    membership = found(actor, **place)
    entry = _entry(actor, membership, path)
    folder = path.rpartition("/")[0] if entry else path
    context = _frame(actor, membership, folder, request.GET.get("after")) | {
        "path": path,
        "entry": entry,
        "source": "source" in request.GET,
        "preview": previews.of(actor, membership, entry, _asked(request.GET)) if entry else None,
        "behind": referring.behind(actor, entry.ref) if entry and entry.ref else None,
    }
    context |= _standings(actor, membership, context["tree"], [entry] if entry else [])
    return show(request, "files/browse.html", context, fragment="files/_preview.html")


def _frame(
    actor: Actor, membership: Membership, folder: str = "", after: str | None = None
) -> dict[str, Any]:
    """What is around the preview, or around what was found."""
    return frame(actor, membership, "files") | {
        "tree": _tree(actor, membership, folder, after),
        "folder": folder,
        "may_download": can(actor, Act.DOWNLOAD, membership.collection.project),
    }


def _standings(actor: Actor, membership: Membership, tree: Any, also: Iterable[Entry] = ()) -> dict[str, Any]:
    """How the references that a page shows were found: of all levels of the tree at once."""
    shown = list(also)
    while tree is not None:
        shown += tree.page.files
        tree = tree.below
    watch = drifts.of_version(actor, membership)
    found = drifts.standings(actor, membership, shown, watch) if watch is not None else {}
    return {"watch": watch, "standings": found}


def _asked(query: QueryDict) -> previews.Asked:
    """Which part of a file the address asks for."""
    order = query.get("sort", "")
    table = previews.TableAsked(
        start=_whole(query.get("row")) or 0,
        column=_whole(order.removeprefix("-")),
        descending=order.startswith("-"),
        number=_whole(query.get("n")),
        first=_whole(query.get("cols")) or 0,
    )
    offset, line = _whole(query.get("offset")) or 0, _whole(query.get("line"))
    return previews.Asked(offset, line, table, "source" in query)


def _whole(text: str | None) -> int | None:
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _entry(actor: Actor, membership: Membership, path: str) -> Any:
    """The file at a path, or None when it is a folder."""
    try:
        return files.entry(actor, membership, path) if path else None
    except NotFound:
        return None


def _tree(actor: Actor, membership: Membership, folder: str, after: str | None) -> Level:
    """Open each folder from the root, or the deepest ones, down to `folder`; only the last one pages on."""
    steps = folder.split("/") if folder else []
    root = current = None
    for depth in range(max(0, len(steps) - DEEPEST), len(steps) + 1):
        path = "/".join(steps[:depth])
        last = depth == len(steps)
        level = Level(files.folder(actor, membership, path, after if last else None, LEVEL))
        if current is None:
            root = level
        else:
            current.open, current.below = path, level
        current = level
    assert root is not None
    return root


@page()
def level(request: HttpRequest, actor: Actor, path: str = "", **place: Any) -> HttpResponse:
    """One more level of the tree, or one more page of a level."""
    membership = found(actor, **place)
    listed = files.folder(actor, membership, path, request.GET.get("after"), LEVEL)
    context = {"membership": membership, "level": Level(listed), "path": "", "more": "after" in request.GET}
    context |= _standings(actor, membership, context["level"])
    return show(request, "files/_level_page.html", context, fragment="files/_level.html")


@page()
def find(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Open a file or folder by its path, or the one file that is found by a part of it; else list those that are."""
    membership = found(actor, **place)
    text, after = _sought(request, "path"), request.GET.get("after")
    if after is None and _is_there(actor, membership, text):
        return redirect("versions:file", **place, path=text) if text else redirect("versions:files", **place)
    hits = files.find(actor, membership, text, after=after, limit=HITS)
    if after is None and len(hits.entries) == 1 and hits.next is None:
        return redirect("versions:file", **place, path=hits.entries[0].path)
    context = _frame(actor, membership) | {"sought": text, "hits": hits, "after": after}
    context |= _standings(actor, membership, context["tree"], hits.entries)
    return show(request, "files/browse.html", context)


@page()
def complete(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Offer the first files whose paths hold what is typed."""
    membership = found(actor, **place)
    text = _sought(request, "q")
    hits = files.find(actor, membership, text, limit=OFFERED, most=OFFERED_AMONG) if text else None
    context = {"membership": membership, "hits": hits, "sought": text}
    return show(request, "files/complete.html", context, fragment="files/_complete.html")


def _sought(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").strip().strip("/")[:LONGEST]


def _is_there(actor: Actor, membership: Membership, path: str) -> bool:
    """Tell whether there is a file or a folder at exactly this path; the version itself is at none."""
    try:
        return not path or bool(
            _entry(actor, membership, path) or files.folder(actor, membership, path, None, 1)
        )
    except (NotFound, InvalidPath):
        return False


@page()
def download(request: HttpRequest, actor: Actor, path: str, **place: Any) -> HttpResponseBase:
    """The bytes of one file, as an attachment."""
    membership = found(actor, **place)
    entry, blob = files.content(actor, membership, path)
    return deliver(
        request,
        files.opener(actor, membership, blob),
        size=blob.size,
        sha256=blob.sha256.hex(),
        filename=entry.path,
    )


@page()
def media(request: HttpRequest, actor: Actor, path: str, **place: Any) -> HttpResponseBase:
    """A picture, sound or film for its element, or a document's bytes for the script that draws it.

    Only what begins as one, with a type that runs no script.
    """
    membership = found(actor, **place)
    entry, blob = files.content(actor, membership, path)
    kind = previews.media_type(blob)
    is_document = kind is None and previews.document_kind(blob) is not None
    if kind is None and not is_document:
        raise NotFound(f"{path} is nothing that can be shown or played. Download it instead.")
    return deliver(
        request,
        previews.opener(blob),
        size=blob.size,
        sha256=blob.sha256.hex(),
        filename=entry.path,
        content_type=kind or "application/octet-stream",
        inline=not is_document,
    )


@page()
def as_zip(request: HttpRequest, actor: Actor, path: str = "", **place: Any) -> HttpResponseBase:
    """A folder, or all files, as one archive that is made while it is sent."""
    membership = found(actor, **place)
    pieces = archives.zipped(actor, membership, path)
    name = f"{membership.collection.name}-v{membership.number}"
    filename = f"{name}-{path.rpartition('/')[2]}.zip" if path else f"{name}.zip"
    return StreamingHttpResponse(
        gathered(pieces),
        content_type="application/zip",
        headers={"Content-Disposition": disposition(filename)},
    )
