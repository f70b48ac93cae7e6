"""Runs and their edges: what a run logged, what it used."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef, Q, Subquery
from strongroom.core.names import check_label, check_metadata, check_run_name

from registry.actor import Actor, system
from registry.errors import Conflict, InvalidInput, NameTaken, NotFound
from registry.models import Event, Membership, Project, Run, RunInput, RunOutput, User, Version, named
from registry.models.runs import RunQuerySet
from registry.models.versions import MembershipQuerySet
from registry.policy import Act, check
from registry.services import events, registries
from registry.services._common import KEEP, Keep, changes, now
from registry.services._each import Each

# Ten heartbeats of the client.
SILENCE = timedelta(minutes=5)
_BATCH = 500
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def find(actor: Actor, project: Project, name: str) -> Run:
    """Find a run of a project that the person may see."""
    check(actor, Act.VIEW, project)
    found = Run.objects.for_listing().filter(project=project, name=name).first()
    if found is None:
        raise NotFound(f"{project} has no run {name}.")
    return found


def listing(
    actor: Actor,
    *,
    project: Project,
    q: str | None = None,
    state: str | None = None,
    job_type: str | None = None,
    user: str | None = None,
) -> RunQuerySet:
    """List a project's runs; `q` is looked for in both their names, without case."""
    check(actor, Act.VIEW, project)
    rows = Run.objects.for_listing().filter(project=project)
    if q:
        rows = rows.filter(Q(name__icontains=q) | Q(display_name__icontains=q))
    if state:
        rows = rows.filter(state=state)
    if job_type:
        rows = rows.filter(job_type=job_type)
    if user:
        # Looked up before: a join would keep databases from the index by maker.
        made_by = User.objects.filter(named(user)).values_list("pk", flat=True).first()
        rows = rows.filter(created_by=made_by) if made_by else rows.none()
    return rows


def called(actor: Actor, name: str, limit: int) -> list[Run]:
    """Find runs by their whole name in all projects that the person sees, the newest first."""
    check(actor, Act.VIEW, None)
    rows = Run.objects.visible_to(actor.user).filter(name=name).for_listing().without_cards()
    return list(rows.order_by("-created_at", "-pk")[:limit])


def create(
    actor: Actor,
    *,
    project: Project,
    name: str | None = None,
    display_name: str = "",
    job_type: str = "",
    config: dict[str, Any] | None = None,
    heartbeat: bool = False,
) -> tuple[Run, bool]:
    """Begin a run; a name that is there already goes on with that run, so that a repeated request is one run.

    With `heartbeat`, whoever begins it goes on to say that it runs: silence is taken for a crash.
    """
    check(actor, Act.LOG, project)
    registries.refuse(project, "Runs belong to a project: begin the run in one.")
    name = check_run_name(name) if name else "".join(secrets.choice(_ALPHABET) for _ in range(8))
    run = Run(
        project=project,
        name=name,
        display_name=check_label(display_name) if display_name else "",
        job_type=check_label(job_type) if job_type else "",
        config=_check_config(config or {}),
        created_by=actor.user,
        heartbeat_at=now() if heartbeat else None,
    )
    try:
        with transaction.atomic():
            run.save()
            events.record(actor, "run.create", project=project, subject=name)
    except IntegrityError:
        return _go_on(actor, run), False
    return run, True


def _go_on(actor: Actor, wanted: Run) -> Run:
    """Go on with a run of one's own: it is running again, and what is said of it now is added to what was."""
    found = find(actor, wanted.project, wanted.name)
    if found.created_by_id != wanted.created_by_id:
        raise NameTaken(
            f"{wanted.project} has a run {wanted.name} of somebody else already. Choose another name."
        )
    labels = {"display_name": wanted.display_name, "job_type": wanted.job_type}
    given = {field: label for field, label in labels.items() if label}
    with transaction.atomic():
        # Locked before it is read: another process of the same run may be adding to its configuration.
        row = Run.objects.select_for_update(of=("self",)).get(pk=found.pk)
        config = _check_config({**row.config, **wanted.config})
        Run.objects.filter(pk=row.pk).update(heartbeat_at=wanted.heartbeat_at)
        return _save(actor, found, {**given, "state": Run.State.RUNNING, "config": config})


def beat(actor: Actor, *, run: Run, summary: dict[str, Any] | Keep = KEEP) -> Run:
    """Note that a run still runs, without an event; one that was taken for crashed runs again, with one.

    A run that has ended otherwise stays as it ended. A summary is noted on its way as well: it may change every
    few seconds for days, and its end is what an event tells of.
    """
    check(actor, Act.LOG, run.project)
    noted = {} if summary is KEEP else {"summary": _check_config(summary)}
    if Run.objects.filter(pk=run.pk, state=Run.State.RUNNING).update(heartbeat_at=now(), **noted):
        return run
    with transaction.atomic():
        row = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
        if row.state != Run.State.CRASHED or row.heartbeat_at is None:
            return Run.objects.for_listing().get(pk=run.pk)
        Run.objects.filter(pk=row.pk).update(heartbeat_at=now())
        return _save(actor, run, {"state": Run.State.RUNNING})


def mark_silent(at: datetime | None = None) -> int:
    """Mark runs as crashed whose script has not been heard of for `SILENCE`; returns how many.

    Only runs with heartbeats are judged: those of other clients may be silent for days. Each is judged again
    under its lock, so that a heartbeat a moment before wins and two workers beside each other do no harm.
    """
    silent = Q(state=Run.State.RUNNING, heartbeat_at__lt=(at or now()) - SILENCE)
    each = Each("silent runs could not be marked")
    for run in Run.objects.filter(silent).select_related("project__entity").order_by("heartbeat_at")[:_BATCH]:
        each.do(_mark_silent, run, silent)
    return each.finish()


def _mark_silent(run: Run, silent: Q) -> bool:
    with transaction.atomic():
        if not Run.objects.select_for_update(of=("self",)).filter(silent, pk=run.pk).exists():
            return False
        _save(system(), run, {"state": Run.State.CRASHED})
    return True


def edit(
    actor: Actor,
    *,
    run: Run,
    state: str | Keep = KEEP,
    summary: dict[str, Any] | Keep = KEEP,
    config: dict[str, Any] | Keep = KEEP,
    display_name: str | Keep = KEEP,
) -> Run:
    """Change a run; a final state sets the time it finished at."""
    check(actor, Act.LOG, run.project)
    wanted: dict[str, Any] = {}
    if state is not KEEP:
        if state not in Run.State.values:
            raise InvalidInput(
                f'"{state}" is not a state of a run. Choose one of: {", ".join(Run.State.values)}.'
            )
        wanted["state"] = state
    if summary is not KEEP:
        wanted["summary"] = _check_config(summary)
    if config is not KEEP:
        wanted["config"] = _check_config(config)
    if display_name is not KEEP:
        wanted["display_name"] = check_label(display_name)
    return _save(actor, run, wanted)


def _save(actor: Actor, run: Run, wanted: dict[str, Any]) -> Run:
    with transaction.atomic():
        row = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
        before, after = changes(row, wanted)
        if after:
            finished = {"finished_at": _finished_at(row, after)} if "state" in after else {}
            Run.objects.filter(pk=row.pk).update(**after, **finished)
            events.record(
                actor, "run.edit", project=run.project, subject=run.name, before=before, after=after
            )
    return Run.objects.for_listing().get(pk=run.pk)


def _finished_at(run: Run, after: dict[str, Any]) -> datetime | None:
    return None if after["state"] == Run.State.RUNNING else run.finished_at or now()


def use(actor: Actor, *, run: Run, membership: Membership, use_as: str = "") -> None:
    """Record that a run used a version; once, however often it says so."""
    check(actor, Act.LOG, run.project)
    check(actor, Act.VIEW, membership.collection.project)
    use_as = check_label(use_as) if use_as else ""
    with transaction.atomic():
        _, fresh = RunInput.objects.get_or_create(
            run=run, version=membership.version, defaults={"membership": membership, "use_as": use_as}
        )
        if fresh:
            events.append([_edge(actor, "version.use", run, membership)])


def log_again(actor: Actor, *, run: Run, membership: Membership) -> None:
    """Record that a run logged a version that is there already; once, however often it says so."""
    check(actor, Act.LOG, run.project)
    if membership.version.sequence.project_id != run.project_id:
        raise Conflict(
            f"{membership.name} is of the project {membership.version.sequence.project}, and the run {run.name} of"
            f" {run.project}: a run logs in its own project. Record it as something the run used, or log a copy there."
        )
    with transaction.atomic():
        events.append(record_same(actor, run, membership))


def record_output(run: Run, version: Version) -> bool:
    """Record that a run logged a version, inside the commit's transaction; says whether that is news."""
    return RunOutput.objects.get_or_create(run=run, version=version)[1]


def record_same(actor: Actor, run: Run, membership: Membership) -> list[Event]:
    """Record that a run logged what was there already; returns the event to append, should that be news."""
    if not record_output(run, membership.version):
        return []
    return [_edge(actor, "version.log_unchanged", run, membership)]


def _edge(actor: Actor, act: str, run: Run, membership: Membership) -> Event:
    """Tell what a run did with a version that was there.

    Who sees the version may not see the run: it is named only where both are in one project.
    """
    return events.make(
        actor,
        act,
        collection=membership.collection,
        version=membership.version,
        subject=membership.name,
        after={"run": run.name} if run.project_id == membership.collection.project_id else {},
    )


def inputs(actor: Actor, run: Run) -> MembershipQuerySet:
    """List what a run used and the person may see, in the order of use."""
    edges = RunInput.objects.filter(run=run)
    used = _seen(actor).filter(pk__in=edges.values("membership_id"))
    place = Subquery(edges.filter(membership=OuterRef("pk")).values("pk")[:1])
    return used.annotate(place=place).order_by("place")


def outputs(actor: Actor, run: Run) -> MembershipQuerySet:
    """List what a run logged and the person may see, in the order of logging."""
    logged = _seen(actor).sources().filter(version__in=RunOutput.objects.filter(run=run).values("version_id"))
    return logged.order_by("pk")


def outputs_in_trash(actor: Actor, run: Run) -> int:
    """Count what a run logged, was deleted since, and can still be restored by those who see the run."""
    check(actor, Act.VIEW, run.project)
    logged = RunOutput.objects.filter(run=run).values("version_id")
    return Membership.objects.trashed().sources().filter(version__in=logged).count()


def logged_by(actor: Actor, membership: Membership) -> Run | None:
    """Return the run that logged a version, if one did and the person may see it."""
    if membership.version.run_id is None:
        return None
    return Run.objects.visible_to(actor.user).for_listing().filter(pk=membership.version.run_id).first()


def used_by(actor: Actor, membership: Membership) -> RunQuerySet:
    """List the runs that used a version and that the person may see, last use first."""
    rows = Run.objects.visible_to(actor.user).for_listing().filter(inputs__version=membership.version_id)
    return rows.annotate(used_at=F("inputs__created_at")).order_by("-used_at", "-pk")


def _seen(actor: Actor) -> MembershipQuerySet:
    return Membership.objects.committed().for_listing().shown_to(actor.user)


def _check_config(value: dict[str, Any]) -> dict[str, Any]:
    return check_metadata(value, max_keys=None)
