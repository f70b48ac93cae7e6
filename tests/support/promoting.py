"""A registry with a protected alias, two linked versions, and people of each role, for tests of promotions."""

from __future__ import annotations

from dataclasses import dataclass

from registry.actor import Actor, system
from registry.models import Event, Membership, Project, Promotion, ProtectedAlias, User
from registry.services import (
    aliases,
    links,
    promotions,
    protection_rules,
    registries,
    registry_members,
    reviews,
    teams,
    versions,
)
from tests import factories as make
from tests.factories import People

OPERATOR = system("command")


@dataclass
class World:
    """alice administers the registry, bob proposes, aiko and priya review, vera looks, nora may only see."""

    people: People
    project: Project
    registry: Project
    aiko: User
    priya: User
    nora: User
    holder: Membership
    candidate: Membership

    @property
    def alice(self) -> Actor:
        return make.actor(self.people.alice)

    @property
    def bob(self) -> Actor:
        return make.actor(self.people.bob)

    def who(self, user: User, door: str = "web") -> Actor:
        """Return a person as a request has them: read anew."""
        return make.actor(User.objects.get(pk=user.pk), door)

    def rule(self, pattern: str = "production", **given) -> ProtectedAlias:
        return protection_rules.set_rule(self.alice, project=self.registry, pattern=pattern, **given)

    def open(self, **given):
        wanted = {"membership": self.candidate, "alias": "production", **given}
        return promotions.open(self.bob, **wanted)

    def another(self, **details) -> Membership:
        """Log one more version and link it."""
        logged = make.log(self.people.bob, self.project, "resnet", **details)
        return links.link(OPERATOR, membership=logged, target_path=self.target).membership

    def approve(self, promotion, user: User | None = None, **given):
        return reviews.approve(self.who(user or self.aiko), promotion=promotion, **given)

    @property
    def target(self) -> str:
        return f"{self.registry.entity.name}/{self.registry.name}/defects"


def world(*, protect: bool = True) -> World:
    """Make it: `production` is at the first link, and by default protected with one approval of a member."""
    people = make.people()
    project = make.project(people)
    registry = registries.create(
        OPERATOR, organization=people.organization, name="models", visibility="private"
    )
    roles = {"aiko": "member", "priya": "member", "nora": "restricted_viewer"}
    made = {name: make.user(make.unique(name)) for name in roles}
    roles |= {"alice": "admin", "bob": "member", "vera": "viewer"}
    for name, role in roles.items():
        user = made.get(name) or getattr(people, name)
        teams.add_member(OPERATOR, place=people.organization, user=user, role="member")
        registry_members.set_role(OPERATOR, registry=registry, role=role, username=user.username)
    target = f"{registry.entity.name}/{registry.name}/defects"
    placed = []
    for f1 in (0.91, 0.94):
        logged = make.log(people.bob, project, "resnet")
        versions.edit(OPERATOR, membership=logged, metadata={"val": {"f1": f1}, "latency_ms": 20 + 1 / f1})
        placed.append(links.link(OPERATOR, membership=logged, target_path=target).membership)
    aliases.move(OPERATOR, membership=placed[0], name="production")
    found = World(people, project, registry, **made, holder=placed[0], candidate=placed[1])
    if protect:
        found.rule()
    return found


def fresh(promotion: Promotion) -> Promotion:
    """Read a promotion anew."""
    return Promotion.objects.whole().get(pk=promotion.pk)


def acts(promotion: Promotion) -> list[str]:
    """Name what events tell of a promotion, in their order."""
    rows = Event.objects.filter(subject=f"promotion {promotion.number}", project_id=promotion.project_id)
    return list(rows.order_by("id").values_list("act", flat=True))
