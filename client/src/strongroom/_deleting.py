"""Deleting, which cannot simply be repeated: what an earlier try has deleted is not there any more."""

from __future__ import annotations

from strongroom._http import Session
from strongroom.errors import Gone, NotFound, StrongroomError


def delete(session: Session, path: str, *, delete_aliases: bool) -> None:
    """Delete what is at a path, going on after failures that pass."""
    query = {"delete_aliases": "true"} if delete_aliases else {}
    patience, is_repeated = session.patience(), False
    while True:
        try:
            session.once("DELETE", path, query=query)
        except StrongroomError as error:
            if is_repeated and isinstance(error, Gone | NotFound):
                return  # an earlier try did it, and its answer was lost on the way
            patience.wait(error)
            is_repeated = True
        else:
            return
