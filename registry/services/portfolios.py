"""Portfolios: collections that hold links, of one type each; a registry holds nothing else."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from strongroom.core.names import check_collection_name, check_description, check_type_name

from registry.actor import Actor
from registry.errors import Conflict, TypeMismatch
from registry.models import ArtifactType, Collection, Membership, Project
from registry.policy import Act, check
from registry.services import events, locks, protection, registries, sequences, words


def create(actor: Actor, *, project: Project, name: str, type: str, description: str = "") -> Collection:
    """Make an empty portfolio."""
    check(actor, Act.LINK, project)
    check_collection_name(name)
    check_type_name(type)
    description = check_description(description)
    with transaction.atomic():
        made = _made(actor, project, name, type, description)
    if made is None:
        raise sequences.name_taken(
            project, name, f"{project} has a collection {name} already. Choose another name."
        )
    return made


def establish(actor: Actor, *, project: Project, name: str, type: str) -> Collection:
    """Find or make the portfolio that a version is linked to, and lock it; call it inside a transaction.

    The rights were checked, and the sequence of the version is locked.
    """
    rows = Collection.objects.filter(project=project, name=name, deleted_at=None)
    found = rows.first() or _made(actor, project, name, type, "") or rows.get()
    row = locks.lock(found)
    if row.kind != Collection.Kind.PORTFOLIO:
        sentence = (
            f"{project} has a collection {name} already that versions are logged to. A portfolio, which takes "
            "links, needs a name of its own."
        )
        raise sequences.name_taken(project, name, sentence)
    if row.type.name != type:
        raise TypeMismatch(
            f'{name} is a portfolio of the type "{row.type.name}", so a version of the type "{type}" can\'t be '
            "linked to it. Choose another portfolio, or a new name.",
            type=row.type.name,
        )
    return row


def _made(actor: Actor, project: Project, name: str, type: str, description: str) -> Collection | None:
    """Make an empty portfolio; None when its name is taken, maybe since a moment ago."""
    locks.hold_project(project)
    registries.refuse_type(project, type)
    kind, _ = ArtifactType.objects.get_or_create(project=project, name=type)
    try:
        with transaction.atomic():
            made = Collection.objects.create(
                project=project,
                type=kind,
                kind=Collection.Kind.PORTFOLIO,
                name=name,
                description=description,
                created_by=actor.user,
            )
    except IntegrityError:
        return None
    words.of_collection(made)
    after = {"type": type}
    events.record(actor, "collection.create", collection=made, subject=str(made), after=after)
    return made


def refuse_protected(collection: Collection) -> None:
    """Raise InUse when a version holds a protected alias in a portfolio that is about to go."""
    held = collection.aliases.values_list("name", flat=True)
    protection.refuse_going(collection.name, collection, held, going="deleted")


def refuse_new_type(collection: Collection) -> None:
    """Raise Conflict when a collection can't take another type: what is linked is of the portfolio's."""
    if collection.kind == Collection.Kind.PORTFOLIO:
        if Membership.objects.filter(collection=collection).exists():
            raise Conflict(
                f"{collection.name} holds links to versions of its type, and keeps it. Unlink them first, or make "
                "another portfolio.",
                field="type",
            )
    elif _is_linked(collection):
        # Which portfolio it is, not everybody may know.
        raise Conflict(
            f'Versions of {collection.name} are linked into a portfolio of the type "{collection.type.name}". '
            "Unlink them first, then change the type.",
            field="type",
        )


def _is_linked(sequence: Collection) -> bool:
    rows = Membership.objects.committed().filter(version__sequence=sequence, collection__deleted_at=None)
    return rows.exclude(collection=sequence).exists()
