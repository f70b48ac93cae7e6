"""Large versions from what is there now are made by workers."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0026_given_names'),
    ]

    operations = [
        migrations.AddField(
            model_name='resolution',
            name='renews',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registry.version'),
        ),
        migrations.AddField(
            model_name='resolution',
            name='mark',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='resolution',
            name='done_count',
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddConstraint(
            model_name='resolution',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('renews', None), ('mark', ''), ('done_count', 0)), models.Q(('renews__isnull', False), ('asked_at__isnull', False), models.Q(('mark', ''), _negated=True)), _connector='OR'), name='resolution_renewal_whole'),
        ),
    ]
