"""References to entries of other versions: noted with the content, shown in lineage, told before a deletion."""

from __future__ import annotations

import pytest

from registry import manifests
from registry.models import VersionReference
from registry.services import deletions, drafts, lineage, referring, small_logs, trash, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


def uri(membership, path: str = "weights.bin") -> str:
    return f"wandb-artifact://{f'Artifact:{membership.version_id}'.encode().hex()}/{path}"


def edges() -> set[tuple[int, int]]:
    return set(VersionReference.objects.values_list("source_id", "target_id"))


@pytest.fixture
def base(people, project):
    return make.log(people.bob, project, "base")


def refer(people, project, *bases, name="made"):
    return make.log(
        people.bob, project, name, {}, references={f"r{n}": uri(base) for n, base in enumerate(bases)}
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (f"wandb-artifact://{b'Artifact:12'.hex()}/a/b", 12),
        (f"wandb-artifact://{b'Artifact:12'.hex()}", 12),
        (f"wandb-artifact://{b'Artifact:0'.hex()}/a", None),
        (f"wandb-artifact://{b'Artifact:99999999999999999999'.hex()}/a", None),
        (f"wandb-artifact://{b'Artifact:9223372036854775808'.hex()}/a", None),
        ("wandb-artifact://zz/a", None),
        ("wandb-artifact://é/a", None),
        ("s3://bucket/key", None),
    ],
)
def test_a_uri_names_a_version_or_none(text, number):
    assert manifests.version_of(text) == number


def test_what_a_version_refers_to_is_noted_as_it_is_logged(people, project, base):
    made = refer(people, project, base, base)
    assert edges() == {(made.version_id, base.version_id)}


def test_a_small_log_notes_it_too_and_the_same_content_again_does_not(bob, people, project, base):
    entries = [{"path": "r", "ref": uri(base), "digest": "d", "size": None}]
    for _ in range(2):
        done = small_logs.log_small(bob, project=project, collection="made", type="model", entries=entries)
    assert edges() == {(done.membership.version_id, base.version_id)}


def test_a_manifest_that_is_staged_anew_forgets_what_the_one_before_referred_to(bob, people, project, base):
    other = make.log(people.bob, project, "other")
    draft, _ = drafts.begin(bob, project=project, collection="made", type="model")
    for each in (base, other):
        drafts.stage(bob, draft=draft, lines=make.manifest_lines({}, {"r": uri(each)}))
    assert edges() == {(draft.pk, other.version_id)}
    drafts.abandon(bob, draft=draft)
    assert edges() == set()


def test_nobody_refers_to_what_they_may_not_see_or_to_nothing(people, project, base):
    hidden = make.log(
        people.charlie,
        make.projects.create(make.actor(people.charlie), entity=people.charlie.entity, name="own"),
        "secret",
    )
    nothing = f"wandb-artifact://{b'Artifact:999999'.hex()}/x"
    made = make.log(
        people.bob, project, "made", {}, references={"a": uri(hidden), "b": nothing, "c": uri(base)}
    )
    assert edges() == {(made.version_id, base.version_id)}


def test_lineage_leads_along_references_both_ways(bob, people, project, base):
    made = refer(people, project, base)
    last = refer(people, project, made, name="last")
    graph = lineage.graph(bob, membership=made, up=1, down=1)
    v = {name: f"v{row.version_id}" for name, row in (("base", base), ("made", made), ("last", last))}
    assert {(edge.source, edge.target) for edge in graph.edges} == {
        (v["base"], v["made"]),
        (v["made"], v["last"]),
    }
    assert {key: node.distance for key, node in graph.nodes.items()} == {
        v["base"]: -2,
        v["made"]: 0,
        v["last"]: 2,
    }
    near = lineage.graph(bob, membership=made, up=0, down=0)
    assert (near.nodes[v["made"]].more_up, near.nodes[v["made"]].more_down) == (1, 1)


def test_lineage_counts_what_one_may_not_see(people, project, base):
    other = make.projects.create(make.actor(people.alice), entity=people.team.entity, name="shared")
    make.projects.edit(make.actor(people.alice), project=other, visibility="organization")
    made = make.log(people.bob, other, "made", {}, references={"r": uri(base)})
    graph = lineage.graph(make.actor(people.olga), membership=made, up=1, down=0)
    assert list(graph.nodes) == [f"v{made.version_id}"]
    assert graph.hidden == 1


def test_both_sides_are_listed_for_who_sees_them(bob, people, project, base):
    made = refer(people, project, base)
    assert list(referring.targets(bob, membership=made)) == [base]
    assert list(referring.sources(bob, membership=base)) == [made]
    trash.move(bob, made, cause="person")
    assert not referring.sources(bob, membership=base).exists()


def test_a_deletion_tells_who_refers_to_it_and_goes_on_all_the_same(bob, people, project, base):
    made = refer(people, project, base)
    account = deletions.of_versions(bob, [base])
    assert (account.referrers, account.referrer_count) == ([made.qualified_name], 1)
    assert account.may_go
    assert deletions.of_versions(bob, [made]).referrer_count == 0
    versions.delete(bob, membership=base, delete_aliases=True)


def test_a_collection_that_goes_with_all_that_refers_to_it_tells_of_nobody(bob, people, project, base):
    make.log(people.bob, project, "base", {}, references={"r": uri(base)})
    assert deletions.of_collection(bob, base.collection).referrer_count == 0
