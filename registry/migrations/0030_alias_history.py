"""Who held an alias when is kept in rows of its own; what events tell of the past is taken over."""

from datetime import datetime, timezone

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from registry.models import guards

_BATCH = 2000
_ACTS = ('alias.move', 'alias.remove', 'version.delete', 'version.expire', 'version.restore')
_LATEST = 'latest'


def apply(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 30)


def apply_without(apps, schema_editor):
    guards.apply(schema_editor, schema_editor.connection.vendor, 29)


def take_over(apps, schema_editor):
    """Write what events tell of aliases; then what is so now, where no event told it."""
    last = _from_events(apps)
    _as_it_is(apps, last)


def _from_events(apps):
    Event, Collection, AliasMove = (apps.get_model('registry', name) for name in ('Event', 'Collection', 'AliasMove'))
    last, seen = {}, 0
    while True:
        rows = list(Event.objects.filter(act__in=_ACTS, pk__gt=seen).order_by('pk')[:_BATCH])
        if not rows:
            return last
        seen = rows[-1].pk
        there = set(
            Collection.objects.filter(pk__in={row.collection_id for row in rows}).values_list('pk', flat=True)
        )
        moves = [
            AliasMove(
                collection_id=row.collection_id,
                name=name,
                at=row.at,
                number=number,
                how=how,
                actor_id=row.actor_id,
                actor_name=row.actor_name,
            )
            for row in rows
            if row.collection_id in there
            for name, number, how in _told(row)
        ]
        AliasMove.objects.bulk_create(moves)
        last.update({(move.collection_id, move.name): (move.number, move.at) for move in moves})


def _told(event):
    """Yield what an event did to aliases: name, number of the holder from then on, how."""
    if event.act == 'alias.move':
        number = _number(str(event.after or ''))
        if number is not None and event.subject:
            yield event.subject, number, 'move'
    elif event.act == 'alias.remove':
        if event.subject:
            yield event.subject, None, 'remove'
    elif event.act == 'version.restore':
        number = _number('v' + event.subject.rpartition(':v')[2])
        for name in _names(event.after):
            # That `latest` came back has an event of its own.
            if name != _LATEST and number is not None:
                yield name, number, 'restore'
    else:
        for name in _names(event.before):
            yield name, None, 'delete' if event.act == 'version.delete' else 'expire'


def _names(side):
    return [str(name) for name in side.get('aliases') or [] if name] if isinstance(side, dict) else []


def _number(text):
    digits = text[1:]
    return int(digits) if text[:1] == 'v' and digits.isascii() and digits.isdigit() else None


def _as_it_is(apps, last):
    Alias, AliasMove = (apps.get_model('registry', name) for name in ('Alias', 'AliasMove'))
    seen = 0
    while True:
        rows = list(Alias.objects.filter(pk__gt=seen).select_related('membership', 'created_by').order_by('pk')[:_BATCH])
        if not rows:
            break
        seen = rows[-1].pk
        newest = _newest(apps, [row.collection_id for row in rows if row.name == _LATEST])
        moves = []
        for row in rows:
            told = last.pop((row.collection_id, row.name), (None, None))
            if row.name == _LATEST:
                told = _later(told, newest.get(row.collection_id, (None, None)))
            if told[0] != row.membership.number:
                by = row.created_by
                moves.append(
                    AliasMove(
                        collection_id=row.collection_id,
                        name=row.name,
                        at=max(row.created_at, told[1] or row.created_at),
                        number=row.membership.number,
                        how='move',
                        actor_id=by.pk if by else None,
                        actor_name=by.username if by else 'strongroom',
                    )
                )
        AliasMove.objects.bulk_create(moves)
    at = datetime.now(timezone.utc)
    AliasMove.objects.bulk_create(
        (
            AliasMove(collection_id=collection, name=name, at=at, number=None, how='remove', actor_name='strongroom')
            for (collection, name), (number, _) in last.items()
            if number is not None
        ),
        batch_size=_BATCH,
    )


def _newest(apps, collections):
    """Return the number of the version that came last to each collection, and when."""
    Membership = apps.get_model('registry', 'Membership')
    rows = Membership.objects.filter(collection__in=collections)
    tops = rows.order_by().values('collection').annotate(top=models.Max('number')).values_list('collection', 'top')
    found = {}
    for collection, top in tops:
        at = Membership.objects.filter(collection=collection, number=top).values_list('created_at', flat=True).get()
        found[collection] = (top, at)
    return found


def _later(one, other):
    if one[1] is None or other[1] is None:
        return other if one[1] is None else one
    return one if one[1] >= other[1] else other


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0029_checks'),
    ]

    operations = [
        migrations.CreateModel(
            name='AliasMove',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=128)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('number', models.PositiveBigIntegerField(null=True)),
                ('how', models.CharField(choices=[('move', 'Moved'), ('remove', 'Removed'), ('delete', 'Deleted with its version'), ('expire', 'Expired with its version'), ('unlink', 'Unlinked with its version'), ('restore', 'Restored with its version'), ('fall', 'Fell back')], max_length=7)),
                ('actor_id', models.BigIntegerField(null=True)),
                ('actor_name', models.CharField(max_length=128)),
                ('reason', models.TextField(blank=True)),
                ('promotion_id', models.BigIntegerField(null=True)),
                ('collection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='alias_moves', to='registry.collection')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['collection', 'name', '-at', '-id'], name='alias_move_by_time'),
                    models.Index(fields=['collection', '-at', '-id'], name='alias_move_newest_first'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='alias_move_names_an_alias'),
                    models.CheckConstraint(condition=models.Q(models.Q(('how__in', ['move', 'restore', 'fall']), ('number__isnull', False)), models.Q(('how__in', ['remove', 'delete', 'expire', 'unlink']), ('number', None)), _connector='OR'), name='alias_move_comes_or_goes'),
                ],
            },
        ),
        migrations.AddIndex(
            model_name='membership',
            index=models.Index(fields=['collection', '-created_at'], name='membership_by_time'),
        ),
        migrations.RunPython(apply, apply_without),
        migrations.RunPython(take_over, migrations.RunPython.noop),
    ]
