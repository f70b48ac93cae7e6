"""Checks of the store are kept: how far each came, what it found, and whether admins took note."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0018_collector'),
    ]

    operations = [
        migrations.CreateModel(
            name='FsckFinding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('missing', 'The object is gone'), ('short', 'The object is cut short'), ('damaged', 'The bytes are not those of the digest'), ('unreadable', 'The disk does not give the bytes'), ('md5', 'The MD5 in the row is not that of the bytes'), ('unknown', 'A manifest names a content that has no row'), ('size', 'A manifest gives another size than the row of the content'), ('node', 'A part of a manifest is damaged'), ('node-lost', 'A part of a manifest has no row'), ('node-row', 'The row of a part of a manifest says something else than the part'), ('md5s', 'The MD5s kept with a part of a manifest are not those of its contents'), ('object-size', 'The length of an object is not that of its row'), ('version', 'A version says something else than its manifest'), ('total', 'A kept total is wrong'), ('orphan', 'An object that no row knows')], max_length=11)),
                ('subject', models.CharField(max_length=160)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('object_name', models.CharField(blank=True, max_length=128)),
                ('offset', models.PositiveBigIntegerField(blank=True, null=True)),
                ('size', models.PositiveBigIntegerField(blank=True, null=True)),
                ('said', models.TextField(blank=True)),
                ('touched', models.JSONField(blank=True, default=dict)),
                ('outcome', models.CharField(choices=[('open', 'Open'), ('planned', 'Can be mended'), ('mended', 'Mended')], default='open', max_length=7)),
                ('mending', models.TextField(blank=True)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='FsckRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('by', models.CharField(choices=[('command', 'Command'), ('clock', 'Every day')], default='command', max_length=7)),
                ('state', models.CharField(choices=[('running', 'Running'), ('interrupted', 'Interrupted'), ('done', 'Done')], default='running', max_length=11)),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('options', models.JSONField(blank=True, default=dict)),
                ('part', models.PositiveIntegerField(default=1)),
                ('parts', models.PositiveIntegerField(default=1)),
                ('reads_data', models.BooleanField(default=False)),
                ('position', models.JSONField(blank=True, default=dict)),
                ('counts', models.JSONField(blank=True, default=dict)),
                ('found', models.PositiveBigIntegerField(default=0)),
                ('left', models.PositiveBigIntegerField(default=0)),
                ('alarming', models.BooleanField(default=False)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='installation',
            name='damage_acknowledged_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name='chunk',
            index=models.Index(condition=models.Q(('damaged_at__isnull', False)), fields=['damaged_at'], name='chunk_damaged'),
        ),
        migrations.AddField(
            model_name='fsckfinding',
            name='scope',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registry.entity'),
        ),
        migrations.AddConstraint(
            model_name='fsckrun',
            constraint=models.CheckConstraint(condition=models.Q(('by__in', ['command', 'clock'])), name='fsck_run_by_known'),
        ),
        migrations.AddConstraint(
            model_name='fsckrun',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['running', 'interrupted', 'done'])), name='fsck_run_state_known'),
        ),
        migrations.AddConstraint(
            model_name='fsckrun',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('state', 'done')), models.Q(models.Q(('state', 'done'), _negated=True), ('finished_at', None)), _connector='OR'), name='fsck_run_done_has_date'),
        ),
        migrations.AddConstraint(
            model_name='fsckrun',
            constraint=models.CheckConstraint(condition=models.Q(('part__gte', 1), ('part__lte', models.F('parts'))), name='fsck_run_part_of_parts'),
        ),
        migrations.AddConstraint(
            model_name='fsckrun',
            constraint=models.CheckConstraint(condition=models.Q(('left__lte', models.F('found'))), name='fsck_run_left_of_found'),
        ),
        migrations.AddField(
            model_name='fsckfinding',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='findings', to='registry.fsckrun'),
        ),
        migrations.AddConstraint(
            model_name='fsckfinding',
            constraint=models.UniqueConstraint(fields=('run', 'subject'), name='fsck_finding_once_per_run'),
        ),
        migrations.AddConstraint(
            model_name='fsckfinding',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['missing', 'short', 'damaged', 'unreadable', 'md5', 'unknown', 'size', 'node', 'node-lost', 'node-row', 'md5s', 'object-size', 'version', 'total', 'orphan'])), name='fsck_finding_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='fsckfinding',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['open', 'planned', 'mended'])), name='fsck_finding_outcome_known'),
        ),
    ]
