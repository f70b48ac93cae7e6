"""Whoever is in a team is in its organization: what was possible without is repaired."""

from django.db import migrations


def let_in(apps, schema_editor):
    people = apps.get_model("registry", "TeamMember").objects.using(schema_editor.connection.alias)
    members = apps.get_model("registry", "OrganizationMember").objects.using(schema_editor.connection.alias)
    wanted = set(people.values_list("team__organization", "user"))
    lacking = wanted - set(members.values_list("organization", "user"))
    members.bulk_create(
        [members.model(organization_id=organization, user_id=user) for organization, user in sorted(lacking)],
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [("registry", "0006_a_plain_sqlite_reads_every_condition")]

    operations = [migrations.RunPython(let_in, migrations.RunPython.noop)]
