"""Drafts have references that the server resolves; versions refer to entries of others."""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
import registry.models.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0021_retention'),
    ]

    operations = [
        migrations.CreateModel(
            name='ReferenceOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uri', models.TextField()),
                ('name', models.TextField(blank=True)),
                ('key', registry.models.fields.Sha256Field()),
                ('checksum', models.BooleanField(default=True)),
                ('max_objects', models.PositiveBigIntegerField()),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('resolving', 'Resolving'), ('resolved', 'Resolved'), ('failed', 'Failed')], default='waiting', max_length=9)),
                ('code', models.CharField(blank=True, max_length=64)),
                ('why', models.TextField(blank=True)),
                ('found_count', models.PositiveBigIntegerField(default=0)),
                ('found_bytes', models.PositiveBigIntegerField(default=0)),
                ('batch_count', models.PositiveBigIntegerField(default=0)),
                ('cursor', models.TextField(blank=True)),
                ('in_order', models.BooleanField(default=True)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('try_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('draft', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reference_orders', to='registry.version')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='ReferenceBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveBigIntegerField()),
                ('entry_count', models.PositiveIntegerField()),
                ('data', models.BinaryField()),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='batches', to='registry.referenceorder')),
            ],
            options={
                'ordering': ['number'],
            },
        ),
        migrations.CreateModel(
            name='Resolution',
            fields=[
                ('draft', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='resolution', serialize=False, to='registry.version')),
                ('door', models.CharField(max_length=16)),
                ('address', models.CharField(blank=True, max_length=64)),
                ('asked_at', models.DateTimeField(blank=True, null=True)),
                ('aliases', models.JSONField(blank=True, default=list)),
                ('tags', models.JSONField(blank=True, default=list)),
                ('code', models.CharField(blank=True, max_length=64)),
                ('why', models.TextField(blank=True)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('holder', models.CharField(blank=True, max_length=32)),
                ('held_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('key', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='registry.apikey')),
            ],
        ),
        migrations.CreateModel(
            name='VersionReference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='refers_to', to='registry.version')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='referred_to_by', to='registry.version')),
            ],
        ),
        migrations.AddIndex(
            model_name='referenceorder',
            index=models.Index(condition=models.Q(('state__in', ['waiting', 'resolving'])), fields=['draft'], name='reference_to_do'),
        ),
        migrations.AddConstraint(
            model_name='referenceorder',
            constraint=models.UniqueConstraint(fields=('draft', 'key'), name='reference_once_per_draft'),
        ),
        migrations.AddConstraint(
            model_name='referenceorder',
            constraint=models.CheckConstraint(condition=models.Q(('uri', ''), _negated=True), name='reference_uri_not_empty'),
        ),
        migrations.AddConstraint(
            model_name='referenceorder',
            constraint=models.CheckConstraint(condition=django.db.models.lookups.Exact(django.db.models.functions.text.Length('key'), 32), name='reference_key_whole'),
        ),
        migrations.AddConstraint(
            model_name='referenceorder',
            constraint=models.CheckConstraint(condition=models.Q(('max_objects__gte', 1)), name='reference_takes_one_at_least'),
        ),
        migrations.AddConstraint(
            model_name='referenceorder',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'resolving', 'resolved', 'failed'])), name='reference_state_known'),
        ),
        migrations.AddConstraint(
            model_name='referenceorder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), models.Q(('code', ''), _negated=True), models.Q(('why', ''), _negated=True)), models.Q(('code', ''), ('state', 'resolved'), ('why', '')), ('state__in', ['waiting', 'resolving']), _connector='OR'), name='reference_failure_whole'),
        ),
        migrations.AddConstraint(
            model_name='referenceorder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('state__in', ['resolved', 'failed'])), models.Q(('finished_at', None), ('state__in', ['waiting', 'resolving'])), _connector='OR'), name='reference_finished_has_date'),
        ),
        migrations.AddConstraint(
            model_name='referenceorder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'resolved'), _negated=True), ('found_count__gte', 1), _connector='OR'), name='reference_resolved_is_something'),
        ),
        migrations.AddConstraint(
            model_name='referencebatch',
            constraint=models.UniqueConstraint(fields=('order', 'number'), name='reference_batch_once'),
        ),
        migrations.AddConstraint(
            model_name='referencebatch',
            constraint=models.CheckConstraint(condition=models.Q(('entry_count__gte', 1), ('entry_count__lte', 1000)), name='reference_batch_in_bounds'),
        ),
        migrations.AddIndex(
            model_name='resolution',
            index=models.Index(fields=['held_at'], name='resolution_by_sign'),
        ),
        migrations.AddConstraint(
            model_name='resolution',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('held_at', None), ('holder', '')), models.Q(models.Q(('holder', ''), _negated=True), ('held_at__isnull', False)), _connector='OR'), name='resolution_held_since'),
        ),
        migrations.AddConstraint(
            model_name='resolution',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('code', ''), ('why', '')), models.Q(models.Q(('code', ''), _negated=True), models.Q(('why', ''), _negated=True), ('asked_at__isnull', False)), _connector='OR'), name='resolution_failure_whole'),
        ),
        migrations.AddConstraint(
            model_name='versionreference',
            constraint=models.UniqueConstraint(fields=('source', 'target'), name='version_reference_once'),
        ),
        migrations.AddConstraint(
            model_name='versionreference',
            constraint=models.CheckConstraint(condition=models.Q(('source', models.F('target')), _negated=True), name='version_reference_to_another'),
        ),
    ]
