"""Projects and teams go to the trash, trash periods and quotas are a team's own, and stored bytes are kept as counts."""

from datetime import timedelta

import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import F

from registry.models import guards


def apply(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 20)


def remove(apps, schema_editor):
    guards.remove(schema_editor, schema_editor.connection.vendor)


def date_the_trash(apps, schema_editor):
    """Until now the date followed from the setting; from now on it is kept."""
    deleted = apps.get_model("registry", "Collection").objects.exclude(deleted_at=None)
    deleted.update(purge_at=F("deleted_at") + timedelta(days=settings.TRASH_DAYS))


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0019_fsck"),
    ]

    operations = [
        migrations.RunPython(remove, apply),
        migrations.CreateModel(
            name="StorageCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("counted_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("versions", models.PositiveBigIntegerField()),
                ("named", models.PositiveBigIntegerField()),
                ("stored", models.PositiveBigIntegerField()),
                ("blobs", models.PositiveBigIntegerField()),
                ("by_one", models.PositiveBigIntegerField()),
                ("shared", models.PositiveBigIntegerField()),
                ("trashed", models.PositiveBigIntegerField()),
                ("drafted", models.PositiveBigIntegerField()),
                ("unused", models.PositiveBigIntegerField()),
                ("unused_blobs", models.PositiveBigIntegerField()),
                ("newest_blob", models.PositiveBigIntegerField(default=0)),
                ("newest_event", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="StorageShare",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("versions", models.PositiveBigIntegerField()),
                ("named", models.PositiveBigIntegerField()),
                ("stored", models.PositiveBigIntegerField()),
                ("alone", models.PositiveBigIntegerField()),
                ("idle_since", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="VersionShare",
            fields=[
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="share",
                        serialize=False,
                        to="registry.version",
                    ),
                ),
                ("live", models.BooleanField()),
                ("alone", models.PositiveBigIntegerField()),
                ("used", models.BooleanField(default=False)),
                ("idle_since", models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="project",
            name="project_name_once_per_entity",
        ),
        migrations.AddField(
            model_name="collection",
            name="purge_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="entity",
            name="deleted_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="entity",
            name="purge_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="entity",
            name="purged_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="project",
            name="deleted_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="project",
            name="deleted_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="purge_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="project",
            name="purged_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="quota_hard",
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="quota_soft",
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="trash_days",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="entity",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("deleted_at", None), ("purge_at", None), ("purged_at", None)),
                    models.Q(("deleted_at__isnull", False), ("kind", "team"), ("purge_at__isnull", False)),
                    _connector="OR",
                ),
                name="entity_deleted_is_a_team_with_a_date",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at", None)),
                fields=("entity", "name"),
                name="project_name_once_per_entity",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("deleted_at", None), ("purge_at", None)),
                    models.Q(("deleted_at__isnull", False), ("purge_at__isnull", False)),
                    _connector="OR",
                ),
                name="project_deleted_has_purge_date",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("purged_at", None), ("deleted_at__isnull", False), _connector="OR"),
                name="project_purged_only_when_deleted",
            ),
        ),
        migrations.AddConstraint(
            model_name="team",
            constraint=models.CheckConstraint(
                condition=models.Q(("trash_days", None), ("trash_days__lte", 36500), _connector="OR"),
                name="team_trash_days_within_reason",
            ),
        ),
        migrations.AddField(
            model_name="storagecount",
            name="entity",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="registry.entity",
            ),
        ),
        migrations.AddField(
            model_name="storageshare",
            name="collection",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="storage_shares",
                to="registry.collection",
            ),
        ),
        migrations.AddField(
            model_name="storageshare",
            name="entity",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="registry.entity"
            ),
        ),
        migrations.AddField(
            model_name="storageshare",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="storage_shares",
                to="registry.project",
            ),
        ),
        migrations.AddField(
            model_name="versionshare",
            name="entity",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="registry.entity",
            ),
        ),
        migrations.AddConstraint(
            model_name="storagecount",
            constraint=models.UniqueConstraint(fields=("entity", "day"), name="storage_count_once_a_day"),
        ),
        migrations.AddConstraint(
            model_name="storagecount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "stored",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("by_one"), "+", models.F("shared")
                                    ),
                                    "+",
                                    models.F("trashed"),
                                ),
                                "+",
                                models.F("drafted"),
                            ),
                            "+",
                            models.F("unused"),
                        ),
                    )
                ),
                name="storage_count_adds_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="storageshare",
            constraint=models.UniqueConstraint(
                condition=models.Q(("collection", None)),
                fields=("project",),
                name="storage_share_once_per_project",
            ),
        ),
        migrations.AddConstraint(
            model_name="storageshare",
            constraint=models.UniqueConstraint(
                fields=("collection",), name="storage_share_once_per_collection"
            ),
        ),
        migrations.AddConstraint(
            model_name="storageshare",
            constraint=models.CheckConstraint(
                condition=models.Q(("alone__lte", models.F("stored"))),
                name="storage_share_alone_within_stored",
            ),
        ),
        migrations.AddIndex(
            model_name="versionshare",
            index=models.Index(fields=["entity", "live", "-alone", "-version"], name="version_share_by_size"),
        ),
        migrations.AddIndex(
            model_name="versionshare",
            index=models.Index(
                fields=["entity", "live", "idle_since", "version"], name="version_share_by_use"
            ),
        ),
        migrations.RunPython(apply, remove),
        migrations.RunPython(date_the_trash, migrations.RunPython.noop),
    ]
