"""Runs that fell silent are found without a look at all that run."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0008_tags_are_found_in_their_collection")]

    operations = [
        migrations.AddIndex(
            "run",
            models.Index(
                condition=models.Q(("state", "running")), fields=["heartbeat_at"], name="run_by_silence"
            ),
        ),
    ]
