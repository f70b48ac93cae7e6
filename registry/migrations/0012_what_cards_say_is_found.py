"""Make the full-text index, and fill it with what is there."""

from django.db import migrations, models

from registry.models import words

_BATCH = 100


def make(apps, schema_editor):
    words.create(schema_editor, schema_editor.connection.vendor)


def drop(apps, schema_editor):
    words.drop(schema_editor)


def fill(apps, schema_editor):
    Collection, Membership = (apps.get_model("registry", name) for name in ("Collection", "Membership"))
    tags = apps.get_model("registry", "CollectionTag").objects
    tagged = tags.values("collection_id")
    told = Collection.objects.filter(~models.Q(description="") | models.Q(pk__in=tagged))
    for pk, project, card in told.order_by().values_list("pk", "project_id", "description").iterator(_BATCH):
        held = tags.filter(collection_id=pk).values_list("name", flat=True)
        words.CollectionWords.put(pk, project, [*held, card])
    logged = Membership.objects.filter(collection=models.F("version__sequence"))
    logged = logged.exclude(version__description="", version__metadata={}).order_by()
    said = logged.values_list("pk", "collection__project_id", "version__description", "version__metadata")
    for pk, project, card, metadata in said.iterator(_BATCH):
        words.VersionWords.put(pk, project, [card, *words.of_values(metadata)])


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
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
