"""What cards said before, and what a registry asks of them."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0032_inbox'),
    ]

    operations = [
        migrations.CreateModel(
            name='CardTemplate',
            fields=[
                ('project', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='card_template', serialize=False, to='registry.project')),
                ('text', models.TextField(blank=True)),
                ('required', models.JSONField(blank=True, default=list)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='CardRevision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(blank=True)),
                ('written_at', models.DateTimeField(default=django.utils.timezone.now, null=True)),
                ('collection', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='card_revisions', to='registry.collection')),
                ('version', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='card_revisions', to='registry.version')),
                ('written_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('version__isnull', False)), fields=['version', '-id'], name='card_revision_of_version'), models.Index(condition=models.Q(('collection__isnull', False)), fields=['collection', '-id'], name='card_revision_of_collection')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('collection', None), ('version__isnull', False)), models.Q(('collection__isnull', False), ('version', None)), _connector='OR'), name='card_revision_of_one_card')],
            },
        ),
    ]
