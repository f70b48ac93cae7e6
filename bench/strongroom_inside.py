"""What the Strongroom driver does in the server's own environment: make accounts, and load many versions."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

BATCH, TEN = 1000, 10


def provision(user: str, password: str, key: str, teams: int) -> None:
    """Do what an operator's script does: migrate, an admin, a member of some teams, their key, and a colleague."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("createuser", "operator", "--admin")
    call_command("createuser", user, "--password", password)
    # Home tells what others did: pages are read by somebody who logged nothing.
    call_command("createuser", f"{user}-reader", "--password", password)
    call_command("createorg", "bench-org")
    for at in range(teams):
        call_command("createteam", f"team-{at}", "--org", "bench-org")
        call_command("addmember", "--team", f"team-{at}", user, "member")
        call_command("addmember", "--team", f"team-{at}", f"{user}-reader", "member")
    call_command("createapikey", user, "--key", key)


def seed(entity: str, project: str, collection: str, count: int) -> None:
    """Give a collection of one version `count` of them, with the tags and aliases of W7."""
    from django.db import transaction

    from registry.models import Alias, Collection, Membership

    place = Collection.objects.get(project__entity__name=entity, project__name=project, name=collection)
    first = place.memberships.select_related("version").get()
    with transaction.atomic():
        for start in range(1, count, BATCH):
            add(place, first, range(start, min(start + BATCH, count)))
        tag(place)
        Collection.objects.filter(pk=place.pk).update(version_count=count, next_number=count)
        last = {
            at: Membership.objects.get(collection=place, number=(at + 1) * count // 10 - 1)
            for at in range(10)
        }
        Alias.objects.bulk_create(
            Alias(collection=place, membership=row, name=f"a{at}", created_by=first.created_by)
            for at, row in last.items()
        )
        Alias.objects.filter(collection=place, name="latest").update(membership=last[9])


def add(place: Any, first: Any, numbers: range) -> None:
    """Insert versions that share the manifest of the first one."""
    from registry.models import Membership, Version

    model = first.version
    rows = []
    for number in numbers:
        at = model.created_at + timedelta(microseconds=number)
        rows.append(
            Version(
                sequence=place, state="COMMITTED", manifest_id=model.manifest_id, digest=model.digest,
                size=model.size, file_count=model.file_count, commit_hash=f"{number:040x}",
                description=f"nightly build {number}", type_name=model.type_name, created_by_id=model.created_by_id,
                created_at=at, committed_at=at, updated_at=at,
            )
        )  # fmt: skip
    made = Version.objects.bulk_create(rows)
    Membership.objects.bulk_create(
        Membership(
            collection=place, version=version, number=number, created_by_id=first.created_by_id,
            created_at=version.created_at,
        )
        for number, version in zip(numbers, made, strict=True)
    )  # fmt: skip


def tag(place: Any) -> None:
    """Give each version its number as a tag, and its stage: prod for every hundredth, the newest among them."""
    from registry.models import VersionTag

    VersionTag.objects.filter(version__sequence=place).delete()
    rows = place.memberships.values_list("version_id", "number")
    VersionTag.objects.bulk_create(
        (
            VersionTag(version_id=version, sequence=place, name=name)
            for version, number in rows
            for name in (f"idx-{number}", "stage-dev" if (number + 1) % 100 else "stage-prod")
        ),
        batch_size=5000,
    )


def describe(entity: str, project: str, collection: str, count: int) -> None:
    """Give each version of a collection metadata, and index its words, as a commit does."""
    from django.db import transaction

    from registry.models import Membership, Version
    from registry.services import words

    rows = Membership.objects.filter(
        collection__project__entity__name=entity,
        collection__project__name=project,
        collection__name=collection,
        number__lt=count,
    ).select_related("version", "collection")
    with transaction.atomic():
        for row in rows:
            row.version.metadata = {
                # No order that the numbers have, too.
                "accuracy": round(0.5 + row.number * 7919 % 10_000 / 20_000, 4),
                "epochs": row.number % 90,
                "optimizer": {"name": ("adam", "sgd")[row.number % 2], "lr": 0.001},
            }
            words.of_new_version(row)
        Version.objects.bulk_update([row.version for row in rows], ["metadata"], batch_size=BATCH)


def fill(entity: str, project: str, like: str, count: int) -> None:
    """Make collections of one version each, with a tag and an alias, that share the manifest of one that is there."""
    from django.db import transaction

    from registry.models import Alias, Collection, CollectionTag, Membership, Version
    from registry.services import statistics, words

    first = Membership.objects.select_related("version", "collection").get(
        collection__project__entity__name=entity, collection__project__name=project, collection__name=like, number=0
    )  # fmt: skip
    model, place = first.version, first.collection
    with transaction.atomic():
        made = Collection.objects.bulk_create(
            [
                Collection(
                    project_id=place.project_id, type_id=place.type_id, name=f"model-{at:05}",
                    description=f"Detector of line {at}.", next_number=1, version_count=1,
                    created_by_id=place.created_by_id, created_at=when, updated_at=when,
                )
                for at in range(count)
                for when in [place.created_at + timedelta(milliseconds=at)]
            ],
            batch_size=BATCH,
        )  # fmt: skip
        CollectionTag.objects.bulk_create(
            (CollectionTag(collection=each, name=f"line-{at % 50}") for at, each in enumerate(made)), batch_size=BATCH
        )  # fmt: skip
        for each in made:
            words.of_collection(each)
        versions = Version.objects.bulk_create(
            [
                Version(
                    sequence=each, state="COMMITTED", manifest_id=model.manifest_id, digest=model.digest,
                    size=model.size, file_count=model.file_count, commit_hash=f"{each.pk:040x}",
                    type_name=model.type_name, created_by_id=model.created_by_id, created_at=each.created_at,
                    committed_at=each.created_at, updated_at=each.created_at,
                )
                for each in made
            ],
            batch_size=BATCH,
        )  # fmt: skip
        places = Membership.objects.bulk_create(
            [
                Membership(
                    collection=each, version=version, number=0, created_by_id=first.created_by_id,
                    created_at=each.created_at,
                )
                for each, version in zip(made, versions, strict=True)
            ],
            batch_size=BATCH,
        )  # fmt: skip
        Alias.objects.bulk_create(
            (Alias(collection=row.collection, membership=row, name="latest") for row in places),
            batch_size=BATCH,
        )
    statistics.refresh()


def shelve(entity: str, project: str, collection: str, user: str, links: int) -> None:
    """Make a registry whose registered models hold ten versions each of a collection, each with a promotion."""
    from django.db import transaction

    from registry.actor import system
    from registry.models import Project, User
    from registry.services import protection_rules, registries, registry_members, statistics, teams

    who, home = system("command"), Project.objects.get(entity__name=entity, name=project)
    place = home.entity.team.organization
    registry = registries.create(who, organization=place, name="models", visibility="organization")
    person = User.objects.get(username=user)
    teams.add_member(who, place=place, user=person, role="member")
    registry_members.set_role(who, registry=registry, role="admin", username=user)
    names = ["strongroom/card", "strongroom/lineage", "ci/latency"]
    protection_rules.set_rule(who, project=registry, pattern="production", required_checks=names)
    with transaction.atomic():
        for at, row in enumerate(_portfolios(registry, home, collection, links)):
            _propose(registry, row, at, person)
    statistics.refresh()


def _portfolios(registry: Any, home: Any, collection: str, links: int) -> Any:
    """Link the versions of a collection, ten a portfolio; yield the last link of each, which holds `latest`."""
    from registry.models import Alias, AliasMove, ArtifactType, Collection, Membership
    from registry.services import words

    kind = ArtifactType.objects.create(project=registry, name="model")
    rows = Membership.objects.filter(collection__project=home, collection__name=collection, number__lt=links)
    rows = list(rows.order_by("number").select_related("version"))
    for at in range(0, links, TEN):
        made = Collection.objects.create(
            project=registry, type=kind, kind="portfolio", name=f"model-{at // TEN:05}", next_number=TEN,
            version_count=TEN, description=f"Detector of line {at // TEN}.", created_at=rows[at].created_at,
        )  # fmt: skip
        words.of_collection(made)
        there = Membership.objects.bulk_create(
            Membership(collection=made, version=row.version, number=number, created_at=row.created_at)
            for number, row in enumerate(rows[at : at + TEN])
        )
        held = {"latest": there[-1], "production": there[-2], "staging": there[-1]}
        for name, row in held.items():
            Alias.objects.create(collection=made, membership=row, name=name)
        AliasMove.objects.bulk_create(
            AliasMove(collection=made, name=name, at=row.created_at, number=row.number, how="move", actor_name="ada")
            for name in ("production", "staging")
            for row in there[: held[name].number + 1]
        )  # fmt: skip
        yield there[-1]


def _propose(registry: Any, row: Any, at: int, author: Any) -> None:
    """Ask that a link follow the one before it; of ten promotions one is still in review."""
    from registry.models import Membership, Promotion

    state = "promoted" if at % TEN else "open"
    Promotion.objects.create(
        project=registry, number=at + 1, collection=row.collection, alias="production", candidate=row,
        candidate_number=row.number, version=row.version, author=author, title=f"v{row.number} to production",
        base=Membership.objects.get(collection=row.collection, number=row.number - 1), base_number=row.number - 1,
        state=state, closed_at=row.created_at if at % TEN else None, created_at=row.created_at,
        updated_at=row.created_at,
    )  # fmt: skip


def main() -> None:
    """Run one of them with the arguments of the command line; numbers are numbers."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "artifacts_site.settings"
    os.umask(0o077)
    os.makedirs(os.environ["STRONGROOM_DATA"], exist_ok=True)
    django.setup()
    what, *arguments = sys.argv[1:]
    *words, count = arguments
    known = {"provision": provision, "seed": seed, "describe": describe, "fill": fill, "shelve": shelve}
    known[what](*words, int(count))  # type: ignore[operator]


if __name__ == "__main__":
    main()
