"""What the worker's processes do besides tasks: show that they live, and end when they are of no use."""

from __future__ import annotations

import ctypes
import gc
import logging
import signal
import warnings
from typing import Any

from celery import bootsteps
from celery.exceptions import SecurityWarning, WorkerShutdown
from celery.signals import (
    beat_embedded_init,
    celeryd_after_setup,
    setup_logging,
    worker_before_create_process,
    worker_process_init,
)
from redis.exceptions import RedisError

from registry import queue

PR_SET_PDEATHSIG = 1
log = logging.getLogger(__name__)
# Celery fears pickles that root would open; here messages are JSON, and containers run as root.
warnings.filterwarnings("ignore", category=SecurityWarning)


class SignOfLife(bootsteps.StartStopStep):
    """While the worker is connected: leave its sign in the queue, and watch that the clock ticks."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self.timer: Any = None

    def start(self, consumer: Any) -> None:
        """Begin with the first sign, so that a start is seen at once."""
        self.tell(consumer)
        self.timer = consumer.timer.call_repeatedly(queue.SIGN_SECONDS, self.tell, (consumer,))

    def stop(self, consumer: Any) -> None:
        """Stop telling: the connection is lost, or the worker ends."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def tell(self, consumer: Any) -> None:
        """Leave the sign; a worker whose clock died ends, for the supervisor starts a whole one."""
        clock = getattr(consumer.controller, "beat", None)
        if clock is not None and not clock.is_alive() and clock.pid is not None:
            raise WorkerShutdown(1)
        try:
            queue.leave_sign()
        except RedisError as error:
            # The consumer meets the same trouble on its own connection, and reconnects.
            log.warning("the queue did not take the worker's sign of life: %s", error)


@setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Leave logging to the settings: Celery sets up its own unless somebody answers this signal."""


@celeryd_after_setup.connect  # before the clock is forked, which comes first
@worker_before_create_process.connect
def share_memory(**_: Any) -> None:
    """Move what is loaded out of the collector's sight, so that its marks don't unshare the memory."""
    gc.collect()
    gc.freeze()


@worker_process_init.connect
@beat_embedded_init.connect
def die_with_parent(**_: Any) -> None:
    """Let the kernel end this process with its parent: an orphaned clock would tick for ever."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
