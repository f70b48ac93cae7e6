"""The acts by which doors are held against each other: by a service, by REST, and on a page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from registry.actor import Actor
from registry.models import Collection, Membership
from registry.services import (
    aliases,
    collections,
    drifts,
    links,
    projects,
    relogging,
    retention,
    tags,
    trash,
    version_checks,
    versions,
)
from tests import factories

DAY = 86400
PEOPLE = ("admin", "viewer", "stranger")


@dataclass
class World:
    """A collection of three versions (v1 holds `prod`, v2 is in the trash), and another collection."""

    people: factories.People
    entity: str
    project: str
    first: Membership
    second: Membership
    secrets: dict[str, str] = field(default_factory=dict)

    def rest(self, collection: str) -> str:
        return f"/api/v1/projects/{self.entity}/{self.project}/collections/{collection}"

    def page(self, collection: str) -> str:
        return f"/{self.entity}/{self.project}/artifacts/{collection}"


@dataclass(frozen=True)
class Case:
    """One act: by a service, as (method, address, body) of REST, and as (address, form) of a page.

    `code` is what it ends in for an admin, None when it is done. The service looks up its things as a door does.
    """

    name: str
    service: Callable[[Actor, World], Any]
    rest: tuple[str, str, Any]
    page: tuple[str, dict[str, str]]
    code: str | None = None
    of: str = "resnet"

    def __str__(self) -> str:
        return self.name


def version(actor: Actor, world: World, ref: str = "v0") -> Membership:
    name, _, number = ref.rpartition(":")
    return versions.find(actor, collection(actor, world, name or "resnet"), number)


def collection(actor: Actor, world: World, name: str = "resnet") -> Collection:
    return collections.find(actor, projects.find(actor, world.entity, world.project), name)


def edit(ref: str = "v0", **change: Any) -> Callable[[Actor, World], Any]:
    return lambda actor, world: versions.edit(actor, membership=version(actor, world, ref), **change)


def move(name: str) -> Callable[[Actor, World], Any]:
    return lambda actor, world: aliases.move(actor, membership=version(actor, world), name=name)


def remove(name: str) -> Callable[[Actor, World], Any]:
    return lambda actor, world: aliases.remove(actor, collection=collection(actor, world), name=name)


def tag(act: Callable[..., Any], name: str) -> Callable[[Actor, World], Any]:
    return lambda actor, world: act(actor, membership=version(actor, world), name=name)


def delete(ref: str, confirmed: bool) -> Callable[[Actor, World], Any]:
    return lambda actor, world: versions.delete(
        actor, membership=version(actor, world, ref), delete_aliases=confirmed
    )


def restore(ref: str) -> Callable[[Actor, World], Any]:
    def act(actor: Actor, world: World) -> Any:
        place = projects.find(actor, world.entity, world.project)
        return trash.restore(actor, membership=versions.find_deleted(actor, place, "resnet", ref))

    return act


def bury(confirmed: bool) -> Callable[[Actor, World], Any]:
    return lambda actor, world: collections.delete(
        actor, collection=collection(actor, world), delete_aliases=confirmed
    )


def dig_up(name: str) -> Callable[[Actor, World], Any]:
    def act(actor: Actor, world: World) -> Any:
        place = projects.find(actor, world.entity, world.project)
        return collections.restore(actor, collection=collections.find_deleted(actor, place, name))

    return act


def change(**given: Any) -> Callable[[Actor, World], Any]:
    return lambda actor, world: collections.edit(actor, collection=collection(actor, world), **given)


def policy(ttl: Any) -> Callable[[Actor, World], Any]:
    return lambda actor, world: retention.set_policy(actor, target=collection(actor, world), ttl=ttl)


def named(act: str, name: str, at: str = "v0") -> tuple[str, dict[str, str]]:
    return f"/{at}/edit/names", {"act": act, "name": name}


def lasting(kind: str, days: int | None = None) -> tuple[str, dict[str, str]]:
    return "/v0/edit/ttl", {"kind": kind, "days": "" if days is None else str(days)}


def settings(**given: str) -> tuple[str, dict[str, str]]:
    return "/settings", {"name": "resnet", "type": "model", "tags": "", **given}


SEEN_NOTHING = hashlib.sha256(b"{}").hexdigest()
MANY = {f"k{n}": n for n in range(101)}
V0, V1 = "/versions/v0", "/versions/v1"
CASES = [
    Case(
        "a new alias", move("best"), ("put", "/aliases/best", {"version": "v0"}), named("add-alias", "best")
    ),
    Case(
        "an alias that another version holds",
        move("prod"),
        ("put", "/aliases/prod", {"version": "v0"}),
        named("add-alias", "prod"),
    ),
    Case(
        "an alias like a version",
        move("v7"),
        ("put", "/aliases/v7", {"version": "v0"}),
        named("add-alias", "v7"),
        "invalid_alias",
    ),
    Case(
        "an alias with a colon",
        move("a:b"),
        ("put", "/aliases/a:b", {"version": "v0"}),
        named("add-alias", "a:b"),
        "invalid_alias",
    ),
    Case(
        "no alias more",
        remove("prod"),
        ("delete", "/aliases/prod", None),
        named("remove-alias", "prod", at="v1"),
    ),
    Case(
        "an alias that nobody holds",
        remove("nope"),
        ("delete", "/aliases/nope", None),
        named("remove-alias", "nope"),
        "not_found",
    ),
    Case("a tag", tag(tags.add, "x y"), ("put", f"{V0}/tags/x y", None), named("add-tag", "x y")),
    Case(
        "a wrong tag",
        tag(tags.add, "no!"),
        ("put", f"{V0}/tags/no!", None),
        named("add-tag", "no!"),
        "invalid_tag",
    ),
    Case(
        "no tag more", tag(tags.remove, "old"), ("delete", f"{V0}/tags/old", None), named("remove-tag", "old")
    ),
    Case(
        "a tag it does not have",
        tag(tags.remove, "nope"),
        ("delete", f"{V0}/tags/nope", None),
        named("remove-tag", "nope"),
        "not_found",
    ),
    Case(
        "a description",
        edit(description="# New"),
        ("patch", V0, {"description": "# New"}),
        ("/v0/edit/card", {"description": "# New", "seen": hashlib.sha256(b"").hexdigest()}),
    ),
    Case(
        "metadata",
        edit(metadata={"f1": 0.5}),
        ("patch", V0, {"metadata": {"f1": 0.5}}),
        ("/v0/edit/metadata", {"metadata": '{"f1": 0.5}', "seen": SEEN_NOTHING}),
    ),
    Case(
        "too much metadata",
        edit(metadata=MANY),
        ("patch", V0, {"metadata": MANY}),
        ("/v0/edit/metadata", {"metadata": json.dumps(MANY), "seen": SEEN_NOTHING}),
        "invalid_metadata",
    ),
    Case("a ttl", edit(ttl=7 * DAY), ("patch", V0, {"ttl": 7 * DAY}), lasting("days", 7)),
    Case("never", edit(ttl="never"), ("patch", V0, {"ttl": "never"}), lasting("never")),
    Case("no ttl", edit(ttl=0), ("patch", V0, {"ttl": 0}), lasting("days", 0), "invalid_ttl"),
    Case(
        "ages",
        edit(ttl=500_000 * DAY),
        ("patch", V0, {"ttl": 500_000 * DAY}),
        lasting("days", 500_000),
        "invalid_ttl",
    ),
    Case("a deletion", delete("v0", False), ("delete", V0, None), ("/v0/delete", {})),
    Case(
        "a deletion in spite of an alias",
        delete("v1", False),
        ("delete", V1, None),
        ("/v1/delete", {}),
        "has_aliases",
    ),
    Case(
        "a deletion with aliases",
        delete("v1", True),
        ("delete", f"{V1}?delete_aliases=true", None),
        ("/v1/delete", {"delete_aliases": "on", "seen_aliases": "latest/prod"}),
    ),
    Case(
        "a deletion of what the run of a draft uses",
        delete("held:v0", True),
        ("delete", f"{V0}?delete_aliases=true", None),
        ("/v0/delete", {"delete_aliases": "on", "seen_aliases": "latest"}),
        "in_use",
        of="held",
    ),
    Case(
        "what was deleted",
        edit("v2", ttl="never"),
        ("patch", "/versions/v2", {"ttl": "never"}),
        ("/v2/edit/ttl", {"kind": "never"}),
        "gone",
    ),
    Case(
        "what never was",
        edit("v9", ttl="never"),
        ("patch", "/versions/v9", {"ttl": "never"}),
        ("/v9/edit/ttl", {"kind": "never"}),
        "not_found",
    ),
    Case("a restoration", restore("v2"), ("post", "/versions/v2/restore", None), ("/v2/restore", {})),
    Case(
        "a restoration of what is there",
        restore("v0"),
        ("post", f"{V0}/restore", None),
        ("/v0/restore", {}),
        "not_in_trash",
    ),
    Case(
        "a new name",
        change(name="renamed", type="model", tags=[]),
        ("patch", "", {"name": "renamed"}),
        settings(name="renamed"),
    ),
    Case(
        "a name that is taken",
        change(name="other"),
        ("patch", "", {"name": "other"}),
        settings(name="other"),
        "name_taken",
    ),
    Case(
        "a wrong name",
        change(name="a b"),
        ("patch", "", {"name": "a b"}),
        settings(name="a b"),
        "invalid_name",
    ),
    Case(
        "a wrong tag of a collection",
        change(tags=["no!"]),
        ("patch", "", {"tags": ["no!"]}),
        settings(tags="no!"),
        "invalid_tag",
    ),
    Case(
        "a reserved type",
        change(type="job"),
        ("patch", "", {"type": "job"}),
        settings(type="job"),
        "reserved_type",
    ),
    Case(
        "a deletion of a collection in spite of aliases",
        bury(False),
        ("delete", "", None),
        ("/delete", {"typed": "resnet"}),
        "has_aliases",
    ),
    Case(
        "a deletion of a collection",
        bury(True),
        ("delete", "?delete_aliases=true", None),
        ("/delete", {"typed": "resnet", "delete_aliases": "on", "seen_aliases": "latest/prod"}),
    ),
    Case("a collection back", dig_up("bin"), ("post", "/restore", None), ("/restore", {}), of="bin"),
    Case(
        "a collection back that is there",
        dig_up("resnet"),
        ("post", "/restore", None),
        ("/restore", {}),
        "not_in_trash",
    ),
    Case(
        "a collection back that never was",
        dig_up("nothing"),
        ("post", "/restore", None),
        ("/restore", {}),
        "not_found",
        of="nothing",
    ),
    Case(
        "a policy",
        policy(30 * DAY),
        ("put", "/ttl", {"ttl": 30 * DAY}),
        ("/ttl", {"kind": "days", "days": "30"}),
    ),
    Case(
        "a policy of nothing",
        policy(-DAY),
        ("put", "/ttl", {"ttl": -DAY}),
        ("/ttl", {"kind": "days", "days": "-1"}),
        "invalid_ttl",
    ),
    Case(
        "a link",
        lambda actor, world: links.link(actor, membership=version(actor, world), target_path="shelf"),
        ("post", f"{V0}/link", {"target_path": "shelf"}),
        ("/v0/link", {"target_path": "shelf"}),
    ),
    Case(
        "a link to a path of the wrong form",
        lambda actor, world: links.link(actor, membership=version(actor, world), target_path="a/b/c/d"),
        ("post", f"{V0}/link", {"target_path": "a/b/c/d"}),
        ("/v0/link", {"target_path": "a/b/c/d"}),
        "invalid_reference",
    ),
    Case(
        "a link into a registry that is not there",
        lambda actor, world: links.link(
            actor, membership=version(actor, world), target_path="wandb-registry-none/x"
        ),
        ("post", f"{V0}/link", {"target_path": "wandb-registry-none/x"}),
        ("/v0/link", {"target_path": "wandb-registry-none/x"}),
        "not_found",
    ),
    Case(
        "unlinking what is no link",
        lambda actor, world: links.unlink(actor, membership=version(actor, world)),
        ("delete", f"{V0}/link", None),
        ("/v0/unlink", {}),
        "conflict",
    ),
    Case(
        "built-in checks of a version that is in no registry",
        lambda actor, world: version_checks.rerun(actor, membership=version(actor, world)),
        ("post", f"{V0}/checks/rerun", {}),
        ("/v0/checks", {"act": "run_checks"}),
        "invalid_input",
    ),
    Case(
        "a check where there are no references",
        lambda actor, world: drifts.ask(actor, membership=version(actor, world)),
        ("post", f"{V0}/drift/check", None),
        ("/v0/references", {"act": "check"}),
        "invalid_input",
    ),
    Case(
        "a check of references a moment after another",
        lambda actor, world: drifts.ask(actor, membership=version(actor, world, "linked:v0")),
        ("post", f"{V0}/drift/check", None),
        ("/v0/references", {"act": "check"}),
        "rate_limited",
        of="linked",
    ),
    Case(
        "a version from what is there now",
        lambda actor, world: relogging.log(actor, membership=version(actor, world, "linked:v0")),
        ("post", f"{V0}/drift/log", {}),
        ("/v0/references/log", {}),
        of="linked",
    ),
]
