"""Teams say what retention keeps; what expired, what soon will, and the clock are noted."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0020_storage'),
    ]

    operations = [
        migrations.AddField(
            model_name='team',
            name='kept_newest',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='team',
            name='ttl_grace_until',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name='Clock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seen_at', models.DateTimeField()),
                ('boot', models.CharField(blank=True, max_length=64)),
                ('uptime', models.BigIntegerField(default=0)),
                ('newest_version', models.BigIntegerField(default=0)),
                ('is_behind', models.BooleanField(default=False)),
                ('held_since', models.DateTimeField(blank=True, null=True)),
                ('held_boot', models.CharField(blank=True, max_length=64)),
                ('held_uptime', models.BigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='clock_only_one')],
            },
        ),
        migrations.CreateModel(
            name='ExpiryLetter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sent_at', models.DateTimeField()),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='ExpiryNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('told_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='expiry_notices', to=settings.AUTH_USER_MODEL)),
                ('version', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='expiry_notice', to='registry.version')),
            ],
        ),
        migrations.CreateModel(
            name='ExpiryRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('versions', models.PositiveBigIntegerField(default=0)),
                ('size', models.PositiveBigIntegerField(default=0)),
                ('entity', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='expiry_runs', to='registry.entity')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('entity', 'at'), name='expiry_run_once_per_entity')],
            },
        ),
    ]
