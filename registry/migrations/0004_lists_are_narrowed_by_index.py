"""Long lists that can be narrowed or sorted otherwise have an index for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0003_event_names_the_loser")]

    operations = [
        migrations.AddIndex(
            "collection",
            models.Index(
                condition=models.Q(("deleted_at", None), ("established", True)),
                fields=["-updated_at", "-id"],
                name="collection_live_by_change",
            ),
        ),
        migrations.AddIndex("event", models.Index(fields=["project_id", "act", "-id"], name="event_by_act")),
        migrations.AddIndex(
            "event", models.Index(fields=["project_id", "actor_name", "-id"], name="event_by_actor")
        ),
        migrations.AddIndex("event", models.Index(fields=["at"], name="event_by_time")),
        migrations.AddIndex(
            "run", models.Index(fields=["project", "state", "-created_at", "-id"], name="run_by_state")
        ),
        migrations.AddIndex(
            "run", models.Index(fields=["project", "job_type", "-created_at", "-id"], name="run_by_job_type")
        ),
        migrations.AddIndex(
            "run", models.Index(fields=["project", "created_by", "-created_at", "-id"], name="run_by_maker")
        ),
    ]
