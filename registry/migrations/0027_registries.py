"""Registries have settings and members of their own; links stand in portfolios alone."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from registry.models import guards


def apply(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 27)


def apply_those_before(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 26)


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0026_given_names'),
    ]

    operations = [
        migrations.CreateModel(
            name='Registry',
            fields=[
                ('project', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='registry', serialize=False, to='registry.project')),
                ('icon', models.CharField(choices=[('stack-2', 'Stack'), ('box', 'Box'), ('database', 'Database'), ('table', 'Table'), ('photo', 'Picture'), ('braces', 'Braces'), ('hierarchy-2', 'Tree'), ('building', 'Building')], default='stack-2', max_length=16)),
                ('accepted_types', models.JSONField(blank=True, default=list)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('icon__in', ['stack-2', 'box', 'database', 'table', 'photo', 'braces', 'hierarchy-2', 'building'])), name='registry_icon_known')],
            },
        ),
        migrations.CreateModel(
            name='RegistryMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('restricted_viewer', 'Restricted viewer'), ('viewer', 'Viewer'), ('member', 'Member'), ('admin', 'Admin')], default='viewer', max_length=17)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='registry_members', to='registry.project')),
                ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='registry_memberships', to='registry.team')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='registry_memberships', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [
                    models.CheckConstraint(condition=models.Q(models.Q(('team', None), ('user__isnull', False)), models.Q(('team__isnull', False), ('user', None)), _connector='OR'), name='registry_member_is_a_person_or_a_team'),
                    models.UniqueConstraint(fields=('project', 'user'), name='registry_person_once'),
                    models.UniqueConstraint(fields=('project', 'team'), name='registry_team_once'),
                    models.CheckConstraint(condition=models.Q(('role__in', ['restricted_viewer', 'viewer', 'member', 'admin'])), name='registry_role_known'),
                ],
            },
        ),
        migrations.RunPython(apply, apply_those_before),
    ]
