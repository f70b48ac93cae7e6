"""Drafts of the `wandb` client keep the aliases and tags that they were begun with."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0025_trash_is_counted'),
    ]

    operations = [
        migrations.AddField(
            model_name='version',
            name='given_names',
            field=models.JSONField(blank=True, null=True),
        ),
    ]
