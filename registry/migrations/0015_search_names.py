"""Names, descriptions of projects, aliases and tags are found by words: make the index anew, and fill it."""

from itertools import chain, islice

from django.db import migrations, models

from registry.models import words

_BATCH = 500


def make(apps, schema_editor):
    words.drop(schema_editor)
    words.create(schema_editor, schema_editor.connection.vendor)


def fill(apps, schema_editor):
    Project, Collection, Membership = (
        apps.get_model("registry", name) for name in ("Project", "Collection", "Membership")
    )
    places = Project.objects.order_by().values_list("pk", "entity__name", "name", "description")
    for pk, owner, name, card in places.iterator(_BATCH):
        words.ProjectWords.put(pk, pk, names=chain(words.parts(owner), words.parts(name)), texts=[card])
    tags = apps.get_model("registry", "CollectionTag").objects
    sets = Collection.objects.order_by().values_list("pk", "project_id", "name", "description")
    for batch in _batches(sets):
        held = _grouped(tags.filter(collection__in=[pk for pk, *_ in batch]).values_list("collection_id", "name"))
        for pk, project, name, card in batch:
            words.CollectionWords.put(pk, project, names=words.parts(name), texts=[*held.get(pk, []), card])
    _fill_versions(apps, Membership)


def _fill_versions(apps, Membership):
    aliases = apps.get_model("registry", "Alias").objects
    tags = apps.get_model("registry", "VersionTag").objects
    logged = models.Q(collection=models.F("version__sequence"))
    said = [models.Case(models.When(logged, then=f"version__{name}")) for name in ("description", "metadata")]
    rows = Membership.objects.order_by().values_list(
        "pk", "version_id", "collection__project_id", "collection__name", "number", *said
    )
    for batch in _batches(rows):
        held = _grouped(aliases.filter(membership__in=[row[0] for row in batch]).values_list("membership_id", "name"))
        tagged = _grouped(tags.filter(version__in=[row[1] for row in batch]).values_list("version_id", "name"))
        for pk, version, project, name, number, card, metadata in batch:
            marks = [f"v{number}", *held.get(pk, []), *tagged.get(version, [])]
            texts = [card or "", *words.of_values(metadata or {})]
            words.VersionWords.put(pk, project, names=words.parts(name), marks=marks, texts=texts)


def _batches(rows):
    left = rows.iterator(_BATCH)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _grouped(pairs):
    found = {}
    for key, name in pairs:
        found.setdefault(key, []).append(name)
    return found


class Migration(migrations.Migration):
    dependencies = [("registry", "0014_what_aliases_pointed_to_is_found")]

    operations = [
        migrations.CreateModel(
            name="ProjectWords",
            fields=[
                ("rowid", models.BigIntegerField(primary_key=True, serialize=False)),
                ("words", words.WordsField()),
            ],
            options={"db_table": "registry_projectwords", "managed": False},
        ),
        migrations.RunPython(make, migrations.RunPython.noop),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
