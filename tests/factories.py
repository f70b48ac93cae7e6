"""People, teams and versions for tests, made by the services themselves, with real bytes."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from dataclasses import dataclass

from registry.actor import Actor, system
from registry.models import Membership, Organization, Project, RegistryRole, Team, User
from registry.services import accounts, drafts, projects, registries, registry_members, teams, uploads

_names = itertools.count(1)


def unique(word: str) -> str:
    """Return a name that no other test uses."""
    return f"{word}{next(_names)}"


def actor(user: User | None, door: str = "web") -> Actor:
    return Actor(user=user, door=door, address="192.0.2.1")


def user(name: str | None = None, **details) -> User:
    return accounts.create_user(system("command"), username=name or unique("user"), **details)


@dataclass
class People:
    """alice owns the team, bob is a member, vera a viewer; olga is of the organization, charlie a stranger."""

    organization: Organization
    team: Team
    alice: User
    bob: User
    vera: User
    olga: User
    charlie: User
    root: User

    @property
    def roles(self) -> dict[str, User | None]:
        return {
            "anonymous": None,
            "stranger": self.charlie,
            "organization": self.olga,
            "viewer": self.vera,
            "member": self.bob,
            "admin": self.alice,
            "instance": self.root,
        }


def people() -> People:
    """Make a team in an organization with one person of each role."""
    operator = system("command")
    names = ("alice", "bob", "vera", "olga", "charlie", "root")
    made = {name: user(unique(name), is_admin=name == "root") for name in names}
    organization = teams.create_organization(operator, name=unique("acme"))
    team = teams.create_team(operator, name=unique("vision"), organization=organization)
    for name, role in (("alice", "admin"), ("bob", "member"), ("vera", "viewer")):
        teams.add_member(operator, place=team, user=made[name], role=role)
    teams.add_member(operator, place=organization, user=made["olga"], role="member")
    return People(organization, team, **made)


def colleague(people: People) -> User:
    """Make one more person of the organization, in none of its teams."""
    made = user()
    teams.add_member(system("command"), place=people.organization, user=made, role="member")
    return made


def project(people: People, name: str | None = None, **details) -> Project:
    return projects.create(
        actor(people.alice), entity=people.team.entity, name=name or unique("project"), **details
    )


def head(people: People) -> User:
    """Make an admin of the organization."""
    made = user()
    teams.add_member(system("command"), place=people.organization, user=made, role="admin")
    return made


def registry(people: People, name: str | None = None, **details) -> Project:
    """Make a registry of the organization; its own members are to be added."""
    return registries.create(
        system("command"), organization=people.organization, name=name or unique("models"), **details
    )


def registry_people(people: People, registry: Project) -> dict[str, User | None]:
    """Make a person for each role in a registry; those of roles have nothing but that, and are in no team."""
    made: dict[str, User | None] = {
        "anonymous": None,
        "stranger": people.charlie,
        "organization": people.olga,
    }
    for role in RegistryRole.values:
        made[role] = colleague(people)
        registry_members.set_role(
            system("command"), registry=registry, username=made[role].username, role=role
        )
    return made | {"head": head(people), "instance": people.root}


def frames(contents: list[bytes]) -> bytes:
    """Return a bundle body."""
    return b"".join(hashlib.sha256(c).digest() + len(c).to_bytes(8, "big") + c for c in contents)


def manifest_lines(files: dict[str, bytes], references: dict[str, str] | None = None) -> list[bytes]:
    """Return NDJSON lines of a manifest, in path order."""
    entries = [
        {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in files.items()
    ]
    entries += [
        {"path": path, "ref": uri, "digest": uri, "size": None} for path, uri in (references or {}).items()
    ]
    entries.sort(key=lambda entry: entry["path"])
    return [(json.dumps(entry) + "\n").encode() for entry in entries]


def send(who: Actor, draft, files: dict[str, bytes]) -> None:
    """Send the bytes of files to a draft in one bundle."""
    body = frames(list(files.values()))
    uploads.receive_bundle(who, draft=draft, stream=io.BytesIO(body), length=len(body))


def log(
    by: User,
    project: Project,
    name: str = "resnet",
    files: dict[str, bytes] | None = None,
    type: str = "model",
    aliases: list[str] | None = None,
    tags: list[str] | None = None,
    references: dict[str, str] | None = None,
    **details,
) -> Membership:
    """Log a version by the whole protocol and return it."""
    who = actor(by, "api")
    files = {"weights.bin": unique("bytes").encode()} if files is None else files
    draft, _ = drafts.begin(who, project=project, collection=name, type=type, **details)
    drafts.stage(who, draft=draft, lines=manifest_lines(files, references))
    if files:
        send(who, draft, files)
    return drafts.commit(who, draft=draft, aliases=aliases or [], tags=tags or []).membership
