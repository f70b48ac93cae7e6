"""Make the full-text index; 0015, which adds to it, fills it with what is there."""

from django.db import migrations, models

from registry.models import words


def make(apps, schema_editor):
    words.create(schema_editor, schema_editor.connection.vendor)


def drop(apps, schema_editor):
    words.drop(schema_editor)


class Migration(migrations.Migration):
    dependencies = [("registry", "0011_people_star_things")]

    operations = [
        migrations.CreateModel(
            name="CollectionWords",
            fields=[
                ("rowid", models.BigIntegerField(primary_key=True, serialize=False)),
                ("words", words.WordsField()),
            ],
            options={"db_table": "registry_collectionwords", "managed": False},
        ),
        migrations.CreateModel(
            name="VersionWords",
            fields=[
                ("rowid", models.BigIntegerField(primary_key=True, serialize=False)),
                ("words", words.WordsField()),
            ],
            options={"db_table": "registry_versionwords", "managed": False},
        ),
        migrations.AddIndex(
            model_name="alias",
            index=models.Index(fields=["name", "membership"], name="alias_by_name"),
        ),
        migrations.RunPython(make, drop),
    ]
