"""Bringing groups of equal files: what is there stays, the cache is asked, then the server, by bundle or alone."""

from __future__ import annotations

from strongroom._http import Session
from strongroom.progress import Progress
from strongroom.staging import SMALL
from strongroom.transfer import bundles
from strongroom.transfer.fetch import Fetcher
from strongroom.transfer.placing import Group, Placer
from strongroom.transfer.pool import BoundedPool

LOOKED_AT = 500
FETCHERS = 2
BUNDLE_FILES = 1000


def bring(
    groups: list[Group], session: Session, version: str, placer: Placer, bar: Progress, *, look: bool
) -> None:
    """Bring one window of entries: each digest once, small ones many to a request."""
    if look:
        lacking: list[Group] = []
        with BoundedPool(FETCHERS) as pool:
            for at in range(0, len(groups), LOOKED_AT):
                pool.submit(_settle, groups[at : at + LOOKED_AT], placer, lacking, pool.watched(bar.add))
        groups = sorted(lacking, key=lambda group: group.paths[0])
    with BoundedPool(FETCHERS) as pool:
        fetcher = Fetcher(session, version, placer, pool.watched(bar.add))
        small = [group for group in groups if group.size <= SMALL]
        for some in bundles.group(small, most=BUNDLE_FILES):
            pool.submit(fetcher.fetch_bundle, some)
        for group in groups:
            if group.size > SMALL:
                pool.submit(fetcher.fetch_large, group)


def _settle(groups: list[Group], placer: Placer, lacking: list[Group], watch: bundles.Watch) -> None:
    """Do what needs no server; what is left to fetch is added to `lacking`."""
    for group in groups:
        total = group.size * len(group.paths)
        if placer.settle(group):
            watch(total)
        else:
            watch(total - group.size * len(group.paths))
            lacking.append(group)
