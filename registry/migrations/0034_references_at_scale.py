"""Large versions from what is there now are made by workers; places that are out of reach have one row each."""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import registry.models.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0033_cards"),
    ]

    operations = [
        migrations.AddField(
            model_name="resolution",
            name="renews",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="registry.version",
            ),
        ),
        migrations.AddField(
            model_name="resolution",
            name="mark",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="resolution",
            name="done_count",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddConstraint(
            model_name="resolution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("done_count", 0), ("mark", ""), ("renews", None)),
                    models.Q(
                        ("asked_at__isnull", False),
                        ("renews__isnull", False),
                        models.Q(("mark", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="resolution_renewal_whole",
            ),
        ),
        migrations.AddField(
            model_name="referencedrift",
            name="place_sha256",
            field=registry.models.fields.Sha256Field(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="referencedrift",
            name="others",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="referencedrift",
            name="met",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddConstraint(
            model_name="referencedrift",
            constraint=models.UniqueConstraint(fields=("watch", "place_sha256"), name="drift_once_per_place"),
        ),
        migrations.AddConstraint(
            model_name="referencedrift",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("met", 0), ("others", 0), ("place_sha256", None)),
                    models.Q(
                        django.db.models.lookups.Exact(
                            django.db.models.functions.text.Length("place_sha256"), 32
                        ),
                        ("place_sha256__isnull", False),
                        ("refused", True),
                    ),
                    _connector="OR",
                ),
                name="drift_place_is_refused",
            ),
        ),
    ]
