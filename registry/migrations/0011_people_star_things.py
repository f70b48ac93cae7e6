"""People star projects and collections, and see what happened since they were home."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0010_people_invite_and_choose'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='home_seen_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name='Star',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('collection', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registry.collection')),
                ('project', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registry.project')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='stars', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'project'), name='star_once_per_project'), models.UniqueConstraint(fields=('user', 'collection'), name='star_once_per_collection'), models.CheckConstraint(condition=models.Q(models.Q(('collection__isnull', False), ('project__isnull', True)), models.Q(('collection__isnull', True), ('project__isnull', False)), _connector='OR'), name='star_on_one_thing')],
            },
        ),
    ]
