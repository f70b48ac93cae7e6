"""The errors of the registry are those of the artifact format: one tree, in `strongroom.core.errors`."""

from strongroom.core.errors import *  # noqa: F403  # the same names, so that no second list can drift
from strongroom.core.errors import StrongroomError as RegistryError

__all__ = ["RegistryError"]
