"""Start an installation's processes, start again whichever dies, and stop them in order (standard library only)."""

from __future__ import annotations

import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from artifacts_site.services import Service

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A process that ends this often before the installation was ever up will not get better by itself.
HOPELESS = 4


def say(sentence: str) -> None:
    """Tell the operator what happens."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


class Probe:
    """Ask /healthz over and over, without a thread, until it answers 200 for the first time."""

    def __init__(self, address: tuple[Any, ...], family: socket.AddressFamily, host: str) -> None:
        self.address, self.family = address, family
        self.request = f"GET /healthz HTTP/1.0\r\nHost: {host}\r\n\r\n".encode()
        self.socket: socket.socket | None = None
        self.answer = b""
        self.ask_at = 0.0

    def step(self) -> bool:
        """Ask, or read what was answered; tell whether all is up."""
        if self.socket is None:
            if time.monotonic() >= self.ask_at:
                self._ask()
            return False
        if not select.select([self.socket], [], [], 0)[0]:
            return False
        more = self.socket.recv(4096)
        self.answer += more
        if more and b"\r\n" not in self.answer:
            return False
        self._close()
        self.ask_at = time.monotonic() + 0.05
        return self.answer.split(b" ")[1:2] == [b"200"]

    def _ask(self) -> None:
        # The listening socket is our own: connecting succeeds before the web server is there to answer.
        self.answer, self.socket = b"", socket.socket(self.family)
        self.socket.settimeout(5)
        try:
            self.socket.connect(self.address)
            self.socket.sendall(self.request)
        except OSError:
            self._close()
            self.ask_at = time.monotonic() + 0.2

    def _close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class Supervisor:
    """Keeps the services running, first to last, until a signal asks to stop, last to first."""

    def __init__(self, services: list[Service], probe: Probe, when_up: Callable[[], None]) -> None:
        self.services, self.probe, self.when_up = services, probe, when_up
        self.up = False
        self.ends: dict[str, int] = {}
        self.stop_asked = 0
        # A signal writes a byte here, which ends the wait in select(): nothing polls.
        self.bell, ring = socket.socketpair()
        ring.setblocking(False)
        self.ring = ring
        signal.set_wakeup_fd(ring.fileno())
        for number in STOP_SIGNALS:
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> int:
        """Run until told to stop; return the exit code."""
        code = 0
        try:
            for service in self.services:
                service.start()
            while not self.stop_asked and not code:
                self._wait()
                code = self._look_after()
                self._look_whether_up()
        finally:
            self._stop()
        return code

    def _ask_to_stop(self, *_: Any) -> None:
        self.stop_asked += 1
        if self.stop_asked > 1:
            for service in self.services:
                service.kill()

    def _wait(self) -> None:
        """Sleep until a signal, a due start, or news of the probe."""
        due = [service.start_again for service in self.services if service.start_again is not None]
        ears: list[socket.socket] = [self.bell]
        if not self.up:
            due.append(time.monotonic() + 1 if self.probe.socket else self.probe.ask_at)
            ears += [self.probe.socket] if self.probe.socket else []
        patience = max(0.0, min(due) - time.monotonic()) if due else None
        if self.bell in select.select(ears, [], [], patience)[0]:
            self.bell.recv(4096)

    def _look_after(self) -> int:
        for service in self.services:
            ended = service.ended()
            if ended is not None and not self.stop_asked:
                self.ends[service.name] = self.ends.get(service.name, 0) + 1
                say(f"strongroom: the {service.name} process ended ({describe(ended)}); starting it again.")
                if not self.up and self.ends[service.name] >= HOPELESS:
                    say(f"strongroom: the {service.name} process does not stay up; its words are above.")
                    return 1
            if service.is_due() and not self.stop_asked:
                service.start()
        return 0

    def _look_whether_up(self) -> None:
        if not self.up and self.probe.step():
            self.up = True
            self.when_up()

    def _stop(self) -> None:
        """Stop the web first and the queue last: nobody is left who would need what is gone."""
        for service in reversed(self.services):
            service.signal(signal.SIGTERM)
            deadline = time.monotonic() + service.patience
            while service.process is not None and service.process.poll() is None:
                if time.monotonic() > deadline or self.stop_asked > 1:
                    service.kill()
                select.select([self.bell], [], [], 0.5)
                self._drain()
            service.kill()

    def _drain(self) -> None:
        self.bell.setblocking(False)
        try:
            self.bell.recv(4096)
        except BlockingIOError:
            pass
        finally:
            self.bell.setblocking(True)


def describe(code: int) -> str:
    """Say how a process ended."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
