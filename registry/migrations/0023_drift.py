"""References are looked at again: what is watched, and what was found to be not as it was recorded."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
import django.db.models.lookups
import registry.models.fields
from django.db import migrations, models

from registry.models import guards


def apply(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 23)


def remove(apps, schema_editor):
    guards.remove(schema_editor, schema_editor.connection.vendor)


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0022_references'),
    ]

    operations = [
        migrations.RunPython(remove, apply),
        migrations.CreateModel(
            name='ReferenceDrift',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveBigIntegerField()),
                ('path', models.TextField()),
                ('path_sha256', registry.models.fields.Sha256Field()),
                ('uri', models.TextField()),
                ('state', models.CharField(choices=[('changed', 'Changed'), ('missing', 'Missing'), ('unreachable', 'Unreachable')], max_length=11)),
                ('refused', models.BooleanField(default=False)),
                ('since', models.DateTimeField()),
                ('checked_at', models.DateTimeField()),
                ('why', models.TextField(blank=True)),
                ('digest', models.TextField(blank=True)),
                ('size', models.PositiveBigIntegerField(blank=True, null=True)),
                ('extra', models.JSONField(blank=True, default=dict)),
            ],
        ),
        migrations.CreateModel(
            name='ReferenceWatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('total', models.PositiveBigIntegerField(blank=True, null=True)),
                ('unwatched', models.PositiveBigIntegerField(default=0)),
                ('changed', models.PositiveBigIntegerField(default=0)),
                ('missing', models.PositiveBigIntegerField(default=0)),
                ('unreachable', models.PositiveBigIntegerField(default=0)),
                ('state', models.CharField(blank=True, choices=[('', 'Not checked yet'), ('ok', 'As recorded'), ('changed', 'Changed'), ('missing', 'Missing'), ('unreachable', 'Unreachable')], default='', max_length=11)),
                ('checked_at', models.DateTimeField(blank=True, null=True)),
                ('state_since', models.DateTimeField(blank=True, null=True)),
                ('next_at', models.DateTimeField()),
                ('asked_at', models.DateTimeField(blank=True, null=True)),
                ('begun_at', models.DateTimeField(blank=True, null=True)),
                ('after', models.TextField(blank=True)),
                ('seen', models.PositiveBigIntegerField(default=0)),
                ('seen_unwatched', models.PositiveBigIntegerField(default=0)),
                ('claim', models.CharField(blank=True, max_length=32)),
                ('claimed_until', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name='manifest',
            name='reference_count',
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name='manifest',
            index=models.Index(condition=models.Q(('reference_count', None)), fields=['id'], name='manifest_uncounted'),
        ),
        migrations.AddConstraint(
            model_name='manifest',
            constraint=models.CheckConstraint(condition=models.Q(('reference_count', None), ('reference_count__lte', models.F('entry_count')), _connector='OR'), name='manifest_references_of_entries'),
        ),
        migrations.AddField(
            model_name='referencewatch',
            name='scope',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registry.entity'),
        ),
        migrations.AddField(
            model_name='referencewatch',
            name='version',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='watch', to='registry.version'),
        ),
        migrations.AddField(
            model_name='referencedrift',
            name='watch',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drifts', to='registry.referencewatch'),
        ),
        migrations.AddIndex(
            model_name='referencewatch',
            index=models.Index(fields=['next_at', 'scope'], name='watch_due'),
        ),
        migrations.AddIndex(
            model_name='referencewatch',
            index=models.Index(condition=models.Q(('state__in', ['changed', 'missing', 'unreachable'])), fields=['-state_since'], name='watch_drifted'),
        ),
        migrations.AddConstraint(
            model_name='referencewatch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('checked_at', None), ('state', ''), ('state_since', None)), models.Q(('checked_at__isnull', False), ('state__in', ['ok', 'changed', 'missing', 'unreachable']), ('state_since__isnull', False)), _connector='OR'), name='watch_state_known'),
        ),
        migrations.AddConstraint(
            model_name='referencewatch',
            constraint=models.CheckConstraint(condition=models.Q(('begun_at__isnull', False), models.Q(('after', ''), ('seen', 0), ('seen_unwatched', 0)), _connector='OR'), name='watch_place_of_a_look'),
        ),
        migrations.AddConstraint(
            model_name='referencewatch',
            constraint=models.CheckConstraint(condition=models.Q(('seen_unwatched__lte', models.F('seen'))), name='watch_unwatched_among_seen'),
        ),
        migrations.AddConstraint(
            model_name='referencewatch',
            constraint=models.CheckConstraint(condition=models.Q(('begun_at__isnull', False), ('total', None), ('total__gte', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('unwatched'), '+', models.F('changed')), '+', models.F('missing')), '+', models.F('unreachable'))), _connector='OR'), name='watch_states_within_total'),
        ),
        migrations.AddConstraint(
            model_name='referencewatch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('claim', ''), ('claimed_until', None)), models.Q(models.Q(('claim', ''), _negated=True), ('claimed_until__isnull', False)), _connector='OR'), name='watch_claim_whole'),
        ),
        migrations.AddIndex(
            model_name='referencedrift',
            index=models.Index(fields=['watch', 'state', 'position'], name='drift_by_state'),
        ),
        migrations.AddConstraint(
            model_name='referencedrift',
            constraint=models.UniqueConstraint(fields=('watch', 'position'), name='drift_once_per_reference'),
        ),
        migrations.AddConstraint(
            model_name='referencedrift',
            constraint=models.UniqueConstraint(fields=('watch', 'path_sha256'), name='drift_once_per_path'),
        ),
        migrations.AddConstraint(
            model_name='referencedrift',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['changed', 'missing', 'unreachable'])), name='drift_state_known'),
        ),
        migrations.AddConstraint(
            model_name='referencedrift',
            constraint=models.CheckConstraint(condition=models.Q(('refused', False), ('state', 'unreachable'), _connector='OR'), name='drift_refused_is_unreachable'),
        ),
        migrations.AddConstraint(
            model_name='referencedrift',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'changed'), models.Q(('digest', ''), ('size', None)), _connector='OR'), name='drift_found_only_when_changed'),
        ),
        migrations.AddConstraint(
            model_name='referencedrift',
            constraint=models.CheckConstraint(condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length('path_sha256'), 32), name='drift_sha256_whole'),
        ),
        migrations.RunPython(apply, remove),
    ]
