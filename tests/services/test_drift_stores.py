"""References into buckets are watched with the credentials of the operator: the version that was recorded counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from strongroom.core import references

from artifacts_site.stores import Store
from registry.models import ReferenceDrift
from registry.outbound import outside_of
from registry.services import drift
from tests.support.drifting import log, states, watch_of

pytestmark = pytest.mark.django_db
NOW = timezone.now() + timedelta(hours=1)
DAY = timedelta(days=1)


def allow(settings, people, store):
    """Let the server read a test's bucket."""
    key = store.environment["AWS_ACCESS_KEY_ID"]
    kept = Store(
        people.team.entity.name, "s3", (store.bucket,), endpoint=store.endpoint, region="us-east-1",
        key_id=key, secret=store.environment["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    settings.OUTBOUND = replace(settings.OUTBOUND, stores=(kept,), rate=10_000, at_once=16)


def put(store, **objects: bytes):
    for key, body in objects.items():
        store.client.put_object(Bucket=store.bucket, Key=f"set/{key}", Body=body)


def logged(people, project, store):
    with outside_of(people.team.entity) as reach:
        found = references.expand(f"s3://{store.bucket}/set/", reach=reach)
        return log(people.bob, project, [entry.to_json() for entry in found])


def test_objects_that_change_and_go_are_found(people, project, settings, s3_store):
    allow(settings, people, s3_store)
    put(s3_store, a=b"one", b=b"two", c=b"three")
    made = logged(people, project, s3_store)
    drift.run(NOW + DAY)
    assert (states(made), watch_of(made).ok) == ({}, 3)
    put(s3_store, a=b"another")
    s3_store.client.delete_object(Bucket=s3_store.bucket, Key="set/c")
    drift.run(NOW + 2 * DAY)
    assert states(made) == {"a": "changed", "c": "missing"}
    row = ReferenceDrift.objects.get(path="a")
    assert (row.size, bool(row.digest)) == (7, True)


def test_a_new_version_of_an_object_is_a_change_while_the_recorded_one_is_kept(
    people, project, settings, versioned_s3_store
):
    store = versioned_s3_store
    allow(settings, people, store)
    put(store, a=b"one", b=b"two")
    made = logged(people, project, store)
    drift.run(NOW + DAY)
    assert states(made) == {}
    put(store, a=b"another")
    drift.run(NOW + 2 * DAY)
    assert states(made) == {"a": "changed"}
    # What was recorded can still be had.
    assert "is still there" in ReferenceDrift.objects.get().why
    for version in store.client.list_object_versions(Bucket=store.bucket)["Versions"]:
        store.client.delete_object(Bucket=store.bucket, Key=version["Key"], VersionId=version["VersionId"])
    drift.run(NOW + 3 * DAY)
    assert set(states(made).values()) == {"missing"}


def test_without_credentials_it_is_out_of_reach(people, project, settings, s3_store):
    allow(settings, people, s3_store)
    put(s3_store, a=b"one")
    made = logged(people, project, s3_store)
    settings.OUTBOUND = replace(settings.OUTBOUND, stores=())
    drift.run(NOW + DAY)
    row = ReferenceDrift.objects.get()
    assert (states(made), row.refused) == ({"a": "unreachable"}, True)
    assert "no credentials" in row.why
