"""People are told of promotions in an inbox of their own, and by mail unless they do not want it."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0031_webhooks'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='mails_inbox',
            field=models.BooleanField(default=True),
        ),
        migrations.CreateModel(
            name='InboxNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('asked', 'Your review is asked for'), ('reviewed', 'Reviewed'), ('commented', 'Commented'), ('mentioned', 'You were mentioned'), ('closed', 'Closed')], max_length=9)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('seen_at', models.DateTimeField(blank=True, null=True)),
                ('told_at', models.DateTimeField(blank=True, null=True)),
                ('comment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='registry.promotioncomment')),
                ('promotion', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='registry.promotion')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-at', '-id'], name='notice_newest_first'), models.Index(condition=models.Q(('seen_at', None)), fields=['user', '-at'], name='notice_unread'), models.Index(condition=models.Q(('told_at', None)), fields=['at'], name='notice_to_be_told')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('comment', None)), fields=('user', 'promotion', 'kind'), name='notice_once_a_kind'), models.UniqueConstraint(condition=models.Q(('comment__isnull', False)), fields=('user', 'comment'), name='notice_once_a_comment'), models.CheckConstraint(condition=models.Q(models.Q(('comment', None), ('kind__in', ['asked', 'reviewed', 'closed'])), models.Q(('comment__isnull', False), ('kind__in', ['commented', 'mentioned'])), _connector='OR'), name='notice_of_a_comment_or_none')],
            },
        ),
    ]
