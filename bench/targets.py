"""What the results are held against: ratios to MLflow at its best, to the limits, and a few absolute bounds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A bound of one metric.

    `best` is a driver's prefix or name to compare with, a metric of our own when it has a dot, and nothing when
    the bound is absolute. `at_least` bounds how many times better we are; `at_most` how many times the other's
    time (or the value itself) we may need; with `cpu`, CPU seconds of both sides count, not the value.
    """

    metric: str
    best: str = ""
    at_least: float | None = None
    at_most: float | None = None
    cpu: bool = False


def faster(metric: str, times: float) -> Target:
    """At least so many times better than MLflow at its best."""
    return Target(metric, "mlflow", at_least=times)


def within(metric: str, other: str, times: float, *, cpu: bool = False) -> Target:
    """At most so many times what the other needs."""
    return Target(metric, other, at_most=times, cpu=cpu)


def below(metric: str, bound: float) -> Target:
    """At most this."""
    return Target(metric, at_most=bound)


NGINX, TAR, COPY = "limit_nginx", "limit_nginx:mode=tar", "limit_cp"
TARGETS = (
    faster("W1.log_big", 1.5),
    within("W1.log_big", NGINX, 1.8),
    faster("W2.log_small", 20),
    within("W2.log_small", TAR, 1.2),
    faster("W2.log_mid", 5),
    within("W2.log_mid", NGINX, 2),
    faster("W3.get_big", 1.0),
    within("W3.get_big", NGINX, 2),
    within("W3.get_big", NGINX, 1.5, cpu=True),
    faster("W3.get_small", 18),
    within("W3.get_small", NGINX, 1.1),
    faster("W3.get_mid", 4),
    within("W3.get_mid", NGINX, 3),
    faster("W4.relog_same", 60),
    within("W4.relog_same", COPY, 3),
    faster("W5.relog_10", 60),
    below("W5.relog_10", 0.5),
    faster("W6.seq", 4),
    Target("W6.seq", at_least=300),
    faster("W6.c8_own", 4),
    faster("W6.c8_same", 4),
    faster("W7.first_page.c1.p50", 6),
    below("W7.first_page.c1.p50", 6),
    faster("W7.first_page.c8.p95", 5),
    below("W7.first_page.c8.p95", 50),
    faster("W7.deep_page.c1.p50", 6),
    within("W7.deep_page.c1.p50", "W7.first_page.c1.p50", 1.2),
    faster("W7.filter_tag.c1.p50", 4),
    faster("W7.filter_tag.c8.p95", 4),
    below("W7.by_alias.c1.p50", 3.4),
    faster("W7.by_alias.c8.rps", 2),
    faster("W7.ui_page.c1.p50", 2.5),
    faster("W7.ui_page.c8.p95", 2),
    below("X.bytes.ui_page", 60_000),
    faster("W8.idle_pss", 10),
    below("W8.idle_pss", 220),
    below("W8.log_big_grown", 100),
    below("W8.log_small_grown", 100),
    faster("W9.cold_start", 4),
    below("W9.cold_start", 1.5),
    faster("W10.get_x1", 0.9),
    Target("W10.get_x1", NGINX, at_least=0.8),
    faster("W10.get_x4", 0.95),
    Target("W10.get_x4", NGINX, at_least=0.95),
    below("X.client_import", 0.15),
    below("X.store_copies", 1.05),
)
