"""Steps of a check: the nodes of manifests and what they name; and whom that touches which is wrong."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from registry.manifests import checking as nodes_of
from registry.manifests.touching import Touching, name_of
from registry.models import Chunk, FsckFinding, Manifest, Version
from registry.services.fsck_work import Work

Kind = FsckFinding.Kind
# Findings whose versions and paths are looked for in one walk.
_AT_ONCE = 20_000
# Of the first kinds the digest is a content's; of the second a node's that can't be read; of the third one that can.
_CONTENTS = (Kind.MISSING, Kind.SHORT, Kind.DAMAGED, Kind.UNREADABLE, Kind.MD5, Kind.UNKNOWN, Kind.SIZE)
_BROKEN = (Kind.NODE, Kind.NODE_LOST)
_NAMED = (Kind.NODE_ROW, Kind.MD5S)
# What a node names in vain is wrong only where somebody's manifest reaches the node.
_IF_REACHED = (Kind.UNKNOWN, Kind.SIZE, Kind.NODE_LOST)


def nodes(work: Work, after: int) -> None:
    """Check each node of the manifests, and that what it names is there."""
    work.total = Chunk.objects.count()
    while some := nodes_of.page_of(after):
        after = some[-1].pk
        chosen = [row for row in some if work.part.has_digest(row.sha256)]
        if chosen:
            checked = nodes_of.check(chosen)
            work.pace.take(checked.bytes)
            unmark(checked.sound, work)
            for fault in checked.faults:
                _node_fault(work, fault)
            work.count(nodes=checked.nodes, entries=checked.entries)
        work.note(after, len(some))


def unmark(rows: Iterable[nodes_of.Stored], work: Work) -> None:
    """Let nodes that are right count as right again."""
    for row in rows:
        same = Chunk.objects.filter(pk=row.pk, offset=row.offset, damaged_at__isnull=False)
        work.count(unmarked=same.update(damaged_at=None))


def _node_fault(work: Work, fault: nodes_of.NodeFault) -> None:
    """Write a fault of a node down, unless it is gone at a second look."""
    if fault.kind == nodes_of.NODE:
        broken(work, fault.pk)
        return
    if fault.pk:
        row = nodes_of.again(fault.pk)
        if row is None or fault not in nodes_of.check([row]).faults:
            return
    elif not nodes_of.missing_nodes(fault.scope_id, [fault.digest]):
        return
    subject = f"{fault.kind} {fault.scope_id} {fault.digest.hex()}"
    work.found([_of_node(fault, subject)])


def broken(work: Work, pk: int) -> None:
    """Mark a node that is not what its digest says, and write it down; unless it is right at a second look."""
    row = nodes_of.again(pk)
    said = nodes_of.frame_of(row) if row else ""
    if row is None or not isinstance(said, str):
        return
    Chunk.objects.filter(pk=pk, offset=row.offset, damaged_at=None).update(damaged_at=timezone.now())
    work.found([_of_node(row.fault(nodes_of.NODE, said), f"node {pk}")])


def _of_node(fault: nodes_of.NodeFault, subject: str) -> FsckFinding:
    return FsckFinding(
        kind=fault.kind,
        subject=subject,
        scope_id=fault.scope_id,
        digest=fault.digest.hex(),
        object_name=fault.object_name,
        offset=fault.offset,
        size=fault.size,
        said=fault.said,
        # Where the fault is one of a row that can be read, its id helps to mend it.
        touched={"row": fault.pk},
    )


def roots(work: Work, after: int) -> None:
    """Check that the roots of all manifests are there, and that versions say what their manifests say."""
    work.total = Manifest.objects.count()
    while True:
        last, faults = nodes_of.check_manifests(after)
        if not last:
            break
        for fault in faults:
            _node_fault(work, fault)
        after = last
        work.note(after)
    for pk, said in nodes_of.unlike_their_manifests():
        name = name_of(Version.objects.select_related("sequence__project__entity").get(pk=pk))
        touched = {"versions": 1, "paths": 0, "first": [[name, ""]]}
        work.found([FsckFinding(kind=Kind.VERSION, subject=f"version {pk}", said=said, touched=touched)])


def touched(work: Work, after: int) -> None:
    """Find out which versions and paths are touched; manifests are walked only where there is damage."""
    wrong = work.run.findings.filter(scope__isnull=False, kind__in=[*_CONTENTS, *_BROKEN, *_NAMED])
    for scope_id in wrong.order_by("scope_id").values_list("scope_id", flat=True).distinct():
        of_scope = wrong.filter(scope=scope_id).order_by("pk")
        broken = _digests(of_scope.filter(kind__in=_BROKEN))
        seen = 0
        while some := list(of_scope.filter(pk__gt=seen)[:_AT_ONCE]):
            seen = some[-1].pk
            _touch(scope_id, some, broken)
            work.note(after, len(some))


def _digests(findings: Iterable[FsckFinding]) -> set[bytes]:
    return {bytes.fromhex(one.digest) for one in findings}


def _touch(scope_id: int, findings: list[FsckFinding], broken: set[bytes]) -> None:
    contents = _digests(one for one in findings if one.kind in _CONTENTS)
    named = _digests(one for one in findings if one.kind in _NAMED)
    reached = Touching(scope_id, contents, broken, named).find()
    # Below a node that can't be read lies what nobody can tell to be unneeded.
    hidden = any(digest in reached for digest in broken)
    for one in findings:
        found = reached.get(bytes.fromhex(one.digest))
        if found is not None:
            one.touched |= found.as_json() | {"manifests": found.manifests}
        elif one.kind in _IF_REACHED and not hidden:
            # Nobody's manifest reaches it: it waits for collection, as what it names may have been collected.
            one.delete()
            continue
        one.save(update_fields=["touched"])
