"""Set the triggers that refuse what no constraint can."""

from django.db import migrations

from registry.models import guards


def apply(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 2)


def remove(apps, schema_editor):
    guards.remove(schema_editor, schema_editor.connection.vendor)


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]

    operations = [migrations.RunPython(apply, remove)]
