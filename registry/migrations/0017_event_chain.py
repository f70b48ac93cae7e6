"""Each event is chained to the one before by hash; those that are there are sealed in the order of their ids."""

from django.db import migrations, models
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from registry.models import chain, guards
from registry.models.fields import PositionField, Sha256Field

_BATCH = 1000


def apply(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 17)
    chain.apply(schema_editor, schema_editor.connection.vendor)


def apply_without(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 16)


def remove(apps, schema_editor):
    guards.remove(schema_editor, schema_editor.connection.vendor)
    chain.remove(schema_editor, schema_editor.connection.vendor)


def seal(apps, schema_editor):
    """Seal a batch at a time, so that millions of events fit into any memory."""
    events, seals = apps.get_model("registry", "Event"), apps.get_model("registry", "EventSeal")
    there = {field.attname for field in events._meta.fields}
    fields = [name for name in chain.FIELDS if name in there]
    last, position, previous = 0, 0, None
    while found := list(events.objects.filter(id__gt=last).order_by("id").values("id", *fields)[:_BATCH]):
        digests, made = [], []
        for row in found:
            last, position = row.pop("id"), position + 1
            digest = chain.digest_of(row)
            previous = chain.link(previous, last, digest)
            digests.append((digest, last))
            made.append(seals(position=position, event_id=last, hash=previous))
        with schema_editor.connection.cursor() as cursor:
            cursor.executemany("UPDATE registry_event SET digest = %s WHERE id = %s", digests)
        seals.objects.bulk_create(made)


class Migration(migrations.Migration):
    dependencies = [("registry", "0016_own_acts_are_found")]

    operations = [
        migrations.RunPython(remove, apply_without),
        migrations.AddField("event", "digest", Sha256Field(null=True)),
        migrations.CreateModel(
            name="EventSeal",
            fields=[
                ("position", PositionField(primary_key=True, serialize=False)),
                ("event_id", models.BigIntegerField(unique=True)),
                ("hash", Sha256Field()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Exact(Length("hash"), 32), name="event_seal_hash_whole"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("position__gt", 0)), name="event_seal_position_counted"
                    ),
                ],
            },
        ),
        migrations.RunPython(seal, migrations.RunPython.noop),
        migrations.AlterField("event", "digest", Sha256Field()),
        migrations.AddConstraint(
            "event",
            models.CheckConstraint(condition=Exact(Length("digest"), 32), name="event_digest_whole"),
        ),
        migrations.AddIndex("event", models.Index(fields=["act", "-id"], name="event_by_act_anywhere")),
        migrations.AddIndex(
            "event", models.Index(fields=["actor_name", "-id"], name="event_by_actor_anywhere")
        ),
        migrations.RunPython(apply, remove),
    ]
