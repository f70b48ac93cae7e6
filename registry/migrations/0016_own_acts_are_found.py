"""What a person did is found without a look at what all others did."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0015_search_names")]

    operations = [
        migrations.AddIndex("event", models.Index(fields=["actor_id", "-id"], name="event_by_person")),
    ]
