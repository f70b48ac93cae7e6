"""The errors of the client: the one tree of `strongroom.core.errors`, under the name that scripts import."""

from strongroom.core.errors import *  # noqa: F403  # one tree: what the server says is raised under the same name
