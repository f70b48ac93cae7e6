"""Checks of versions in a registry, and whose the names are that scripts post under."""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0028_promotions'),
    ]

    operations = [
        migrations.CreateModel(
            name='CheckName',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=128)),
                ('folded', models.CharField(max_length=512)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('key', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='registry.apikey')),
                ('owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='check_names', to='registry.project')),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(fields=('project', 'folded'), name='check_name_once_per_registry'), models.CheckConstraint(condition=models.Q(models.Q(('name', ''), _negated=True), models.Q(('folded', ''), _negated=True)), name='check_name_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='VersionCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=128)),
                ('folded', models.CharField(max_length=512)),
                ('built_in', models.BooleanField(default=False)),
                ('state', models.CharField(choices=[('pending', 'Running'), ('success', 'Passed'), ('failure', 'Failed'), ('error', 'Could not be made')], default='pending', max_length=7)),
                ('finding', models.TextField(blank=True)),
                ('details', models.JSONField(blank=True, default=dict)),
                ('link', models.TextField(blank=True)),
                ('evidence', models.CharField(blank=True, max_length=64)),
                ('position', models.JSONField(blank=True, default=dict)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('holder', models.CharField(blank=True, max_length=32)),
                ('held_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('membership', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='checks', to='registry.membership')),
                ('posted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('promotion', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='checks', to='registry.promotion')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(condition=models.Q(('built_in', True), ('state', 'pending')), fields=['created_at'], name='version_check_waiting')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('promotion', None)), fields=('membership', 'folded'), name='version_check_once_per_name'), models.UniqueConstraint(condition=models.Q(('promotion__isnull', False)), fields=('promotion', 'folded'), name='promotion_check_once_per_name'), models.CheckConstraint(condition=models.Q(models.Q(('name', ''), _negated=True), models.Q(('folded', ''), _negated=True)), name='version_check_has_name'), models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'success', 'failure', 'error'])), name='version_check_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('finished_at', None), ('state', 'pending')), models.Q(models.Q(('state', 'pending'), _negated=True), ('finished_at__isnull', False)), _connector='OR'), name='version_check_ended_has_date'), models.CheckConstraint(condition=models.Q(models.Q(('held_at', None), ('holder', '')), models.Q(models.Q(('holder', ''), _negated=True), ('built_in', True), ('held_at__isnull', False), ('state', 'pending')), _connector='OR'), name='version_check_held_while_made'), models.CheckConstraint(condition=models.Q(('promotion', None), ('built_in', True), _connector='OR'), name='version_check_posted_of_version'), models.CheckConstraint(condition=models.Q(models.Q(('built_in', False), ('evidence', '')), models.Q(('built_in', True), django.db.models.lookups.Exact(models.Func(models.F('evidence'), models.Value('0123456789abcdef'), function='RTRIM', output_field=models.TextField()), models.Value('')), django.db.models.lookups.Exact(django.db.models.functions.text.Length('evidence'), 64)), _connector='OR'), name='version_check_evidence_whole')],
            },
        ),
    ]
