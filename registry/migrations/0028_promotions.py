"""Protected aliases have rules, and promotions are asked for, reviewed and made."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0027_registries'),
    ]

    operations = [
        migrations.CreateModel(
            name='Promotion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveBigIntegerField()),
                ('alias', models.CharField(max_length=128)),
                ('candidate_number', models.PositiveBigIntegerField()),
                ('base_number', models.PositiveBigIntegerField(blank=True, null=True)),
                ('title', models.CharField(max_length=200)),
                ('reason', models.TextField(blank=True)),
                ('state', models.CharField(choices=[('open', 'In review'), ('changes_requested', 'Changes requested'), ('approved', 'Approved'), ('promoted', 'Promoted'), ('refused', 'Refused'), ('withdrawn', 'Withdrawn'), ('out_of_date', 'Out of date')], default='open', max_length=17)),
                ('round', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('closing', models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name='PromotionComment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('body', models.TextField()),
                ('on', models.CharField(blank=True, choices=[('', 'The whole'), ('file', 'A file'), ('metadata', 'A metadata key')], default='', max_length=8)),
                ('anchor', models.CharField(blank=True, max_length=1024)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('settled_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='PromotionReview',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verdict', models.CharField(choices=[('approve', 'Approve'), ('request_changes', 'Request changes'), ('refuse', 'Refuse')], max_length=15)),
                ('body', models.TextField(blank=True)),
                ('round', models.PositiveIntegerField()),
                ('evidence', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='PromotionReviewer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddField(
            model_name='protectedalias',
            name='approvals',
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='protectedalias',
            name='approvals_fall',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='protectedalias',
            name='approver_role',
            field=models.CharField(blank=True, choices=[('', 'Nobody by role'), ('viewer', 'Viewers, members and admins'), ('member', 'Members and admins'), ('admin', 'Admins')], default='member', max_length=6),
        ),
        migrations.AddField(
            model_name='protectedalias',
            name='approver_team',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='registry.team'),
        ),
        migrations.AddField(
            model_name='protectedalias',
            name='approvers',
            field=models.ManyToManyField(blank=True, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='protectedalias',
            name='author_may_approve',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='protectedalias',
            name='check_settings',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='protectedalias',
            name='promoter_role',
            field=models.CharField(choices=[('viewer', 'Viewer'), ('member', 'Member'), ('admin', 'Admin')], default='admin', max_length=6),
        ),
        migrations.AddField(
            model_name='protectedalias',
            name='required_checks',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='protectedalias',
            name='updated_at',
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddConstraint(
            model_name='protectedalias',
            constraint=models.CheckConstraint(condition=models.Q(('approvals__lte', 20)), name='protected_alias_approvals_in_bounds'),
        ),
        migrations.AddConstraint(
            model_name='protectedalias',
            constraint=models.CheckConstraint(condition=models.Q(('approver_role__in', ['', 'viewer', 'member', 'admin'])), name='protected_alias_approver_role_known'),
        ),
        migrations.AddConstraint(
            model_name='protectedalias',
            constraint=models.CheckConstraint(condition=models.Q(('promoter_role__in', ['member', 'admin'])), name='protected_alias_promoter_role_known'),
        ),
        migrations.AddField(
            model_name='promotion',
            name='author',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='promotions', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='promotion',
            name='base',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='registry.membership'),
        ),
        migrations.AddField(
            model_name='promotion',
            name='candidate',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='promotions', to='registry.membership'),
        ),
        migrations.AddField(
            model_name='promotion',
            name='closed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='promotion',
            name='collection',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='promotions', to='registry.collection'),
        ),
        migrations.AddField(
            model_name='promotion',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='promotions', to='registry.project'),
        ),
        migrations.AddField(
            model_name='promotion',
            name='rollback_of',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='registry.promotion'),
        ),
        migrations.AddField(
            model_name='promotion',
            name='version',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='promotions', to='registry.version'),
        ),
        migrations.AddField(
            model_name='promotioncomment',
            name='promotion',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='registry.promotion'),
        ),
        migrations.AddField(
            model_name='promotioncomment',
            name='settled_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='promotioncomment',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='promotionreview',
            name='promotion',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='registry.promotion'),
        ),
        migrations.AddField(
            model_name='promotionreview',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='promotionreviewer',
            name='asked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='promotionreviewer',
            name='promotion',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviewers', to='registry.promotion'),
        ),
        migrations.AddField(
            model_name='promotionreviewer',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='asked_reviews', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='promotion',
            index=models.Index(fields=['project', 'state', '-number'], name='promotion_by_state'),
        ),
        migrations.AddIndex(
            model_name='promotion',
            index=models.Index(fields=['collection', 'alias', '-number'], name='promotion_by_alias'),
        ),
        migrations.AddIndex(
            model_name='promotion',
            index=models.Index(fields=['-updated_at', '-id'], name='promotion_by_change'),
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.UniqueConstraint(fields=('project', 'number'), name='promotion_number_once_per_registry'),
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['open', 'changes_requested', 'approved', 'out_of_date'])), fields=('candidate', 'alias'), name='promotion_open_once_per_candidate'),
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.CheckConstraint(condition=models.Q(('number__gt', 0), ('round__gt', 0)), name='promotion_numbers_counted'),
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('title', ''), _negated=True), models.Q(('alias', ''), _negated=True)), name='promotion_says_what_it_asks_for'),
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('state__in', ['open', 'changes_requested', 'approved', 'out_of_date'])), models.Q(('closed_at__isnull', False), ('state__in', ['promoted', 'refused', 'withdrawn'])), _connector='OR'), name='promotion_closed_has_date'),
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.CheckConstraint(condition=models.Q(('base_number', None), models.Q(('base_number', models.F('candidate_number')), _negated=True), _connector='OR'), name='promotion_changes_the_holder'),
        ),
        migrations.AddConstraint(
            model_name='promotioncomment',
            constraint=models.CheckConstraint(condition=models.Q(('body', ''), _negated=True), name='promotion_comment_says_something'),
        ),
        migrations.AddConstraint(
            model_name='promotioncomment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('anchor', ''), ('on', '')), models.Q(('on__in', ['file', 'metadata']), models.Q(('anchor', ''), _negated=True)), _connector='OR'), name='promotion_comment_hangs_on_something'),
        ),
        migrations.AddConstraint(
            model_name='promotionreview',
            constraint=models.CheckConstraint(condition=models.Q(('verdict__in', ['approve', 'request_changes', 'refuse'])), name='promotion_review_verdict_known'),
        ),
        migrations.AddConstraint(
            model_name='promotionreview',
            constraint=models.CheckConstraint(condition=models.Q(('round__gt', 0)), name='promotion_review_round_counted'),
        ),
        migrations.AddConstraint(
            model_name='promotionreviewer',
            constraint=models.UniqueConstraint(fields=('promotion', 'user'), name='promotion_reviewer_once'),
        ),
    ]
