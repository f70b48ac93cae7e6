"""The Celery application: how tasks are sent, taken, limited and started by the clock, all in one place."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "artifacts_site.settings")

from celery import Celery
from celery.schedules import crontab
from django.conf import settings

from celery_worker.lifecycle import SignOfLife
from registry.schedule import PERIODIC, QUEUE_RETURN, TASK_LIMIT, Periodic

app = Celery("strongroom", broker=settings.REDIS_URL, include=["celery_worker.tasks"])
app.steps["consumer"].add(SignOfLife)


def _crontab(each: Periodic) -> crontab:
    if each.minutes < 60:
        return crontab(minute=f"*/{each.minutes}")
    return crontab(minute="0", hour=f"*/{each.minutes // 60}")


app.conf.update(
    # Messages are ids as JSON: nothing that is unpickled, nothing that goes stale.
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    # A task is acknowledged when it is done; a killed worker's tasks go to another one.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=int(TASK_LIMIT.total_seconds()),
    task_soft_time_limit=int(TASK_LIMIT.total_seconds()) - 30,
    # With kombu's own throttle a killed worker's tasks come back only after a sweep of minutes. The
    # visibility timeout must exceed the longest task, or a task that still runs would start twice.
    broker_transport_options={
        "visibility_timeout": int(QUEUE_RETURN.total_seconds()),
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # Work that was under way when the queue vanished is taken again from there, not finished twice.
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    # The clock's own entries: each expires before the next one, so that a stopped worker finds no backlog.
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        each.task: {
            "task": each.task,
            "schedule": _crontab(each),
            "options": {"expires": each.minutes * 60 - 5},
        }
        for each in PERIODIC
    },
    timezone="UTC",
)
