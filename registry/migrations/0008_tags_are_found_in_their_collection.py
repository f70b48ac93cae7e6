"""Tags of versions are found within one collection by an index, however many collections use them."""

import django.db.models.deletion
from django.db import migrations, models

from registry.models import guards


def apply(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 8)


def apply_without(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 7)


def remove(apps, schema_editor):
    guards.remove(schema_editor, schema_editor.connection.vendor)


def fill(apps, schema_editor):
    schema_editor.execute(
        "UPDATE registry_versiontag SET sequence_id ="
        " (SELECT sequence_id FROM registry_version WHERE id = registry_versiontag.version_id)"
    )


def place(null):
    return models.ForeignKey(
        null=null,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        to="registry.collection",
    )


class Migration(migrations.Migration):
    dependencies = [("registry", "0007_people_of_teams_are_in_their_organization")]

    operations = [
        migrations.RunPython(remove, apply_without),
        migrations.AddField("versiontag", "sequence", place(null=True)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField("versiontag", "sequence", place(null=False)),
        migrations.AddIndex(
            "versiontag",
            models.Index(fields=["sequence", "name", "version"], name="version_tag_in_sequence"),
        ),
        migrations.RunPython(apply, remove),
    ]
