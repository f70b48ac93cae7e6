"""The artifact: one noun, in four parts (contents, facts, reading, life)."""

from __future__ import annotations

from strongroom.artifact._contents import Contents
from strongroom.artifact._facts import ArtifactTTL, Facts
from strongroom.artifact._life import Life
from strongroom.artifact._reading import Reading

__all__ = ["Artifact", "ArtifactTTL"]


class Artifact(Contents, Facts, Reading, Life):
    """A versioned set of files: made empty, filled, then logged; or used as it was logged.

    Fill it with `add_file`, `add_dir` and `new_file`, then log it with `run.log_artifact()` or `save()`.
    `name` may have letters, digits, underscores, hyphens and dots, and is unique in its project. `type`
    groups artifacts, such as `dataset` or `model`. `description` is the card, in markdown. `metadata`
    is a dictionary of at most 100 keys.
    """
