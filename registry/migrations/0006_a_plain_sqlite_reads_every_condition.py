"""Conditions without REGEXP(), which only Django's connections have: any `sqlite3` checks and copies the database."""

from django.db import migrations
from django.db.models import CheckConstraint, F, Func, Q, TextField, Value
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from registry.models import guards

_CHANGED = (
    ("alias", "alias_is_not_a_version_number"),
    ("manifest", "manifest_digest_whole"),
    ("version", "version_digest_whole"),
)


def apply(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 6)


def remove(apps, schema_editor):
    guards.remove(schema_editor, schema_editor.connection.vendor)


def _without(column, characters):
    return Func(F(column), Value(characters), function="RTRIM", output_field=TextField())


def _digest():
    hexadecimal = Q(Exact(_without("digest", "0123456789abcdef"), Value("")))
    return Q(digest="") | hexadecimal & Q(Exact(Length("digest"), 32))


def _numbered():
    return Q(Exact(_without("name", "0123456789"), Value("v"))) & ~Q(name="v")


class Migration(migrations.Migration):
    dependencies = [("registry", "0005_only_deleted_versions_are_purged")]

    operations = [
        migrations.RunPython(remove, apply),
        *(migrations.RemoveConstraint(model, name) for model, name in _CHANGED),
        *(
            migrations.AddConstraint(model, CheckConstraint(condition=condition, name=name))
            for (model, name), condition in zip(_CHANGED, (~_numbered(), _digest(), _digest()), strict=True)
        ),
        migrations.RunPython(apply, remove),
    ]
