"""Sequences as drafts begin them: hidden, without a settled type, until the first commit."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from strongroom.core.names import check_type_name

from registry.actor import Actor
from registry.errors import Conflict, NameTaken, TypeMismatch
from registry.models import ArtifactType, Collection, Project
from registry.models.prepared import Prepared
from registry.services import locks, words


def _here(project: int, name: str) -> QuerySet[Collection]:
    return Collection.objects.filter(project=project, name=name, deleted_at=None).select_related("type")


_PRESENT = Prepared[Collection](_here)
_LOCKED = Prepared[Collection](lambda project, name: _here(project, name).select_for_update(of=("self",)))


def begin(
    actor: Actor, *, project: Project, name: str, type: str, lock: bool = False
) -> tuple[Collection, bool]:
    """Find or make the sequence that a draft will be logged to; call it inside a transaction.

    A sequence made here stays hidden until the first commit establishes it.
    """
    found = (_LOCKED if lock else _PRESENT).first(project.pk, name)
    if found is not None and not lock and not _is_settled(found, type):
        # It is locked before its type is made, as by whoever commits: the other way round, each waits for the other.
        found = _LOCKED.first(project.pk, name)
    if found is not None and found.kind == Collection.Kind.PORTFOLIO:
        raise NameTaken(
            f"{name} is a portfolio of {project}: it takes links to versions, and none of its own. "
            "Log under another name, then link the version to it.",
            name=name,
        )
    if found is not None and _is_settled(found, type):
        check_type(found, type)
        found.project = project
        return found, False
    _refuse_registry(project)
    check_type_name(type)
    kind, _ = ArtifactType.objects.get_or_create(project=project, name=type)
    if found is not None:
        # Begun by a draft of another type that was never committed: it has not settled the type.
        Collection.objects.filter(pk=found.pk).update(type=kind)
        found.type, found.project = kind, project
        return found, False
    locks.hold_project(project)
    try:
        with transaction.atomic():
            made = Collection.objects.create(
                project=project, type=kind, name=name, established=False, created_by=actor.user
            )
            words.of_new_collection(made)
    except IntegrityError:
        return begin(actor, project=project, name=name, type=type, lock=lock)
    return made, True


def _is_settled(found: Collection, type: str) -> bool:
    return found.established or found.type.name == type


def _refuse_registry(project: Project) -> None:
    if project.kind == Project.Kind.REGISTRY:
        raise Conflict(
            f"{project} is a registry: it holds links to versions, and none of its own. "
            "Log the version to a project of a team, then link it."
        )


def forget_begun(sequence_id: int) -> None:
    """Remove a sequence that drafts had begun, once it has none and was never committed to."""
    try:
        with transaction.atomic():
            rows = Collection.objects.filter(pk=sequence_id, established=False)
            # The lock comes before the look at its drafts: one that begins at this moment is seen, or waits.
            if rows.select_for_update().first() is not None:
                rows.filter(sources=None).delete()
    except IntegrityError:
        # A draft began between the look and the deletion: the sequence is needed again.
        return


def name_taken(project: Project, name: str, sentence: str) -> NameTaken:
    """Return why a name is not free: `sentence`, unless what has it is only begun, which nobody sees."""
    if Collection.objects.filter(project=project, name=name, deleted_at=None, established=False).exists():
        sentence = (
            f"Somebody is logging the first version of a new collection {name} to {project}. "
            f"Wait until it is there or was given up, then try again."
        )
    return NameTaken(sentence, name=name)


def settle_type(sequence: Collection, type: str) -> None:
    """Give a sequence the type of what is committed first; the next must have it. Call it with it locked."""
    if sequence.established:
        check_type(sequence, type)
    elif sequence.type.name != type:
        sequence.type, _ = ArtifactType.objects.get_or_create(project_id=sequence.project_id, name=type)
        sequence.save(update_fields=["type"])


def check_type(sequence: Collection, type: str) -> None:
    """Refuse a version of another type than its sequence has, naming that."""
    if sequence.type.name != type:
        raise TypeMismatch(
            f'{sequence.name} is a collection of type "{sequence.type.name}", so a version of type "{type}" '
            f"can't be logged to it. Use that type, or another name.",
            type=sequence.type.name,
        )
