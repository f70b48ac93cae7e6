"""What the trash of an entity and of a project has is kept with what was counted, and not added up at each view."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0024_direct_uploads")]

    operations = [
        migrations.AddField("storagecount", "trash", models.PositiveBigIntegerField(null=True)),
        migrations.AddField("storageshare", "trash", models.PositiveBigIntegerField(null=True)),
    ]
