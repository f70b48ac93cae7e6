"""Names of checks: what they may be, which are the server's, and whose the others are in a registry.

A name belongs to who posts under it first, and while that person's key lives, to that key: nobody else, and no other
key, says in its place that all is well. An admin of the registry gives a name free.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from strongroom.core.names import check_check_name, fold_alias

from registry.actor import Actor
from registry.errors import NameTaken
from registry.models import CheckName, Project
from registry.policy import Act, check
from registry.services import events, keys
from registry.services._common import now
from registry.services.built_in_checks import BY_NAME, RESERVED

fold = fold_alias


def check_posted(name: str) -> str:
    """Return a name that results may be posted under; refuse those of the server."""
    found = check_check_name(name)
    if fold(found).startswith(RESERVED):
        known = " The server makes that check itself." if fold(found) in BY_NAME else ""
        raise NameTaken(
            f'Names that begin with "{RESERVED}" are those of built-in checks.{known} Post under another name.',
            field="name",
            name=found,
        )
    return found


def claim(actor: Actor, project: Project, name: str) -> CheckName:
    """Return the name as this person's, or this key's, in a registry; refuse one that is another's.

    Call it within the transaction that posts: the row is locked until its end.
    """
    row = _locked(project, name) or _made(actor, project, name) or _locked(project, name)
    if row is None:
        raise NameTaken(f"The name {name} was given free meanwhile. Post again.", field="name", name=name)
    if not _is_own(actor, row):
        raise _taken(row)
    key = actor.key.pk if actor.key else None
    if row.key_id != key or row.owner_id is None:
        CheckName.objects.filter(pk=row.pk).update(key=actor.key, owner=actor.user)
    return row


def listing(actor: Actor, *, project: Project, q: str | None = None) -> QuerySet[CheckName]:
    """List the names that checks are posted under in a registry; `q` is a part of the name."""
    check(actor, Act.VIEW, project)
    rows = CheckName.objects.filter(project=project).select_related("owner", "key")
    return rows.filter(folded__contains=fold(q)) if q else rows


def release(actor: Actor, *, project: Project, name: str) -> bool:
    """Give a name free: whoever posts under it next has it. What was posted stays.

    Returns whether it was anybody's; giving a free name free changes nothing.
    """
    check(actor, Act.PROTECT, project)
    with transaction.atomic():
        row = _locked(project, name)
        if row is None:
            return False
        row.delete()
        owner = row.owner.username if row.owner else None
        events.record(actor, "check.release", project=project, subject=row.name, before={"owner": owner})
        return True


def _locked(project: Project, name: str) -> CheckName | None:
    rows = CheckName.objects.select_for_update(of=("self",)).select_related("owner", "key")
    return rows.filter(project=project, folded=fold(name)).first()


def _made(actor: Actor, project: Project, name: str) -> CheckName | None:
    try:
        with transaction.atomic():
            return CheckName.objects.create(
                project=project,
                name=name,
                folded=fold(name),
                owner=actor.user,
                key=actor.key,
                created_at=now(),
            )
    except IntegrityError:
        return None


def _is_own(actor: Actor, row: CheckName) -> bool:
    if row.owner_id is None:
        # Whose it was is gone; what they posted under is nobody's.
        return True
    if actor.user is None or actor.user.pk != row.owner_id:
        return False
    if row.key is None or (actor.key is not None and actor.key.pk == row.key_id):
        return True
    return not keys.is_live(row.key.pk, row.owner_id)


def _taken(row: CheckName) -> NameTaken:
    owner = row.owner.username if row.owner else "somebody else"
    by = f"{owner}, with the key {row.key.prefix}…" if row.key else owner
    return NameTaken(
        f"Checks named {row.name} are posted by {by}. Post with that key, under another name, or ask an admin of "
        f"the registry to give the name free.",
        field="name",
        name=row.name,
        owner=owner,
    )
