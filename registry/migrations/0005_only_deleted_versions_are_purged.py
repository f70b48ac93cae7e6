"""The database refuses a purged version that is not deleted; and types, contents and places of others."""

from django.db import migrations, models

from registry.models import guards


def apply(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 5)


def remove(apps, schema_editor):
    guards.remove(schema_editor, schema_editor.connection.vendor)


class Migration(migrations.Migration):
    dependencies = [("registry", "0004_lists_are_narrowed_by_index")]

    operations = [
        migrations.RunPython(remove, apply),
        migrations.AddConstraint(
            "version",
            models.CheckConstraint(
                condition=models.Q(("purged_at", None), ("state", "DELETED"), _connector="OR"),
                name="version_purged_only_when_deleted",
            ),
        ),
        migrations.RunPython(apply, remove),
    ]
