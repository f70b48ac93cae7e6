"""How gunicorn serves the pages and the API; read by gunicorn itself, as `-c python:artifacts_site.gunicorn_conf`."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
from typing import Any

from artifacts_site.environment import env_bool, env_int
from artifacts_site.gunicorn_worker import REQUEST_LINE

# Threads, not one request a process: a download that stalls holds a thread, never a page.
# Our own gthread: there a peer that falls silent holds its thread for a while only.
worker_class = "artifacts_site.gunicorn_worker.PatientWorker"
workers = env_int("STRONGROOM_WEB_PROCESSES", 2, least=1, most=64)
threads = env_int("STRONGROOM_WEB_THREADS", 8, least=1, most=256)
# Loaded before the fork, the code is in memory once, however many processes there are.
preload_app = True
# For gthread a worker's own sign of life, not the length of a request: uploads may take hours.
timeout = 120
graceful_timeout = 20
keepalive = 15
loglevel = "warning"
control_socket_disable = True
# Paths may have 4,096 characters, three bytes each when percent-encoded, and cursors 8,192.
limit_request_line = REQUEST_LINE
_trust_proxy = env_bool("STRONGROOM_TRUST_PROXY", default=False)
forwarded_allow_ips = "*" if _trust_proxy else "127.0.0.1,::1"
if not _trust_proxy:
    # Gunicorn would believe whoever connects from this machine that the connection is https.
    secure_scheme_headers: dict[str, str] = {}
if os.path.isdir("/dev/shm"):  # noqa: S108  # a sign of life on a slow disk would look like a dead worker
    worker_tmp_dir = "/dev/shm"  # noqa: S108


def when_ready(_server: Any) -> None:
    """Move what is loaded out of the collector's sight, so that its marks don't unshare the memory."""
    gc.collect()
    gc.freeze()


def post_fork(_server: Any, _worker: Any) -> None:
    """Let the kernel end a worker with its master: an orphan would go on taking requests."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
