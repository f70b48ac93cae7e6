"""The acts of one kind on a collection are found without a look at all others."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0013_people_have_identities")]

    operations = [
        migrations.AddIndex(
            "event",
            models.Index(fields=["collection_id", "act", "-id"], name="event_by_collection_act"),
        ),
    ]
