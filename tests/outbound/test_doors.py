"""The same ways around by the doors that take an address: refused at once, or found by a worker to lead nowhere."""

from __future__ import annotations

import pytest
from strongroom.core.errors import StrongroomError

from artifacts_site.outbound import Root
from registry.models import ReferenceOrder
from registry.services import drafts, references, resolving
from tests import factories
from tests.api.support import Api
from tests.outbound.conftest import place
from tests.outbound.test_roots import SPELLINGS
from tests.outbound.test_web import LOOPBACK
from tests.outbound.watching import Watched

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.people()


@pytest.fixture
def draft(people):
    bob = factories.actor(people.bob)
    project = factories.project(people)
    return drafts.begin(bob, project=project, collection="data", type="dataset")[0]


@pytest.fixture
def addresses(policy, names, canary, tmp_path):
    """Every spelling of this machine, and of a file beside a root, as a URI."""
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "folder" / "file").write_text("inside")
    (tmp_path / "canary").write_text("secret")
    (root / "link").symlink_to(tmp_path / "canary")
    policy(ports=frozenset({80, 443, canary.port}), roots=(Root(str(root)),), seconds=2)
    names(
        **{"127_0_0_1_nip_io": [["127.0.0.1"]], "app_localtest_me": [["127.0.0.1"]]},
        metadata_google_internal=[["169.254.169.254"]],
        six_example_org=[["::1"]],
        mapped_example_org=[["::ffff:127.0.0.1"]],
        mixed_example_org=[["127.0.0.1", "93.184.216.34"]],
    )
    files = [spelling.format(root=root, canary=tmp_path / "canary") for spelling in SPELLINGS]
    watched = Watched(tmp_path / "canary")
    yield [f"http://{host}:{canary.port}/x" for host in LOOPBACK] + [f"file://{path}" for path in files]
    assert watched.happened() == set()
    watched.close()


def test_no_address_added_by_rest_reaches_what_it_should_not(draft, people, addresses):
    api, refused = Api(people.bob), 0
    for uri in addresses:
        answer = api.post(f"/drafts/{draft.public_id}/references", {"uri": uri, "name": "x"})
        assert answer.status_code < 500, uri[:200]
        refused += answer.status_code >= 400
        if answer.status_code < 300:
            resolving.work(draft.pk)
            order = ReferenceOrder.objects.get()
            assert (order.state != "resolved", order.found_count) == (True, 0), uri[:200]
            references.drop(factories.actor(people.bob), draft=draft, order=order)
    assert refused > 100


def test_what_was_allowed_when_it_was_added_is_judged_again_by_the_worker(draft, people, policy, canary):
    """The operator changes the rules between the two."""
    bob = factories.actor(people.bob)
    policy(private=(place("127.0.0.1", canary.port),))
    references.add(bob, draft=draft, uri=f"http://127.0.0.1:{canary.port}/x", name="x")
    policy(private=())
    resolving.work(draft.pk)
    order = ReferenceOrder.objects.get()
    assert (order.state, "STRONGROOM_OUTBOUND" in order.why) == ("failed", True)
    with pytest.raises(StrongroomError):
        drafts.commit(bob, draft=draft)
