"""Stories of a feed in few lines: what one person did in a row is gathered by what kind of act it was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from registry.web.told import Story

# Acts on many things of one collection, as the noun of these; or, without one, of a project.
_OF_COLLECTION = {"version": "versions", "alias": "aliases", "tag": "versions"}
_OF_PROJECT = {"run": "runs", "collection": "collections"}
# Verbs that name one thing, said of many.
_VERBS = {
    "alias.move": "set",
    "alias.remove": "removed",
    "collection.delete": "deleted",
    "collection.restore": "restored",
    "run.create": "started",
    "run.edit": "updated",
    "version.edit": "edited",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One act, or several of a kind: the newest is told for all of them, which stand inside."""

    stories: Sequence[Story]

    @property
    def story(self) -> Story:
        return self.stories[0]

    @property
    def many(self) -> bool:
        return len(self.stories) > 1

    @property
    def times(self) -> int:
        """How often the same thing was done to one thing; 0, where it was done to several."""
        return len(self.stories) if len({story.event.subject for story in self.stories}) == 1 else 0

    @property
    def verb(self) -> str:
        return _VERBS.get(self.story.event.act, self.story.verb)

    @property
    def what(self) -> str:
        """How many of what, or "" where there is no word for them."""
        kind = self.story.event.act.partition(".")[0]
        noun = (_OF_COLLECTION | _OF_PROJECT).get(kind, "")
        count = len({story.event.subject for story in self.stories})
        return f"{count:,} {noun}" if noun else ""

    @property
    def of(self) -> str:
        """The collection that all of them are of, also one that was deleted since."""
        event = self.story.event
        if event.act.partition(".")[0] not in _OF_COLLECTION:
            return ""
        return self.story.of or event.subject.rpartition(":")[0]


def gather(stories: Iterable[Story], since: datetime | None = None) -> list[Line]:
    """Gather what the same person did in the same project without a break; `since` is a break, too."""
    lines = []
    for _, row in groupby(stories, lambda story: _row(story, since)):
        kinds: dict[tuple[str, int | None], list[Story]] = {}
        for story in row:
            kinds.setdefault(_kind(story), []).append(story)
        lines += [Line(alike) for alike in kinds.values()]
    return lines


def apart(lines: Sequence[Line], since: datetime | None) -> tuple[list[Line], list[Line]]:
    """Part what is new since a time from what was there before; without one, all is new."""
    fresh = [line for line in lines if since is None or line.story.event.at >= since]
    return fresh, list(lines[len(fresh) :])


def _row(story: Story, since: datetime | None) -> tuple[int | None, str, int | None, bool]:
    event = story.event
    return event.actor_id, event.actor_name, event.project_id, since is not None and event.at < since


def _kind(story: Story) -> tuple[str, int | None]:
    event = story.event
    of_collection = event.act.partition(".")[0] in _OF_COLLECTION or event.act == "collection.edit"
    return event.act, event.collection_id if of_collection else None
