"""An event names the version that lost an alias by its act."""

from django.db import migrations, models

from registry.models import guards


def apply(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 3)


def remove(apps, schema_editor):
    guards.remove(schema_editor, schema_editor.connection.vendor)


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_guards")]

    operations = [
        migrations.RunPython(remove, apply),
        migrations.AddField("event", "taken_from_id", models.BigIntegerField(null=True)),
        migrations.AddIndex(
            "event",
            models.Index(
                condition=models.Q(("taken_from_id__isnull", False)),
                fields=["taken_from_id", "-id"],
                name="event_by_loser",
            ),
        ),
        migrations.RunPython(apply, remove),
    ]
