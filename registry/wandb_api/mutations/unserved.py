"""Acts of the client that this server does not do yet."""

from __future__ import annotations

from typing import Any

from registry.wandb_api.unserved import not_yet

_MEMBERS, _TEAMS = "The members of projects", "Teams and invitations"
_UNSERVED = {
    "delete_run": "Deletions of runs",
    "delete_files": "Files of runs",
    "stop_run": "Requests to stop a run",
    "create_project_members": _MEMBERS,
    "delete_project_members": _MEMBERS,
    "update_project_member": _MEMBERS,
    "update_project_team_member": _MEMBERS,
    "update_user": "Settings of a person",
    "create_team": _TEAMS,
    "create_invite": _TEAMS,
    "delete_invite": _TEAMS,
}


class Unserved:
    """Each says that it is not there."""

    def __getattr__(self, name: str) -> Any:
        if name not in _UNSERVED:
            raise AttributeError(name)
        raise not_yet(_UNSERVED[name])
