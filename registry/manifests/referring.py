"""References to entries of other versions: which version a URI names."""

from __future__ import annotations

import re

# As the `wandb` client writes them: the id that clients see, its bytes in hexadecimal.
_SCHEME = "wandb-artifact://"
_PUBLIC_ID = re.compile(rb"Artifact:([1-9][0-9]{0,18})")
_LARGEST = 2**63 - 1
# Of one manifest: more is no lineage that anybody reads.
MOST_VERSIONS = 10_000


def version_of(uri: str) -> int | None:
    """Return the number of the version whose entry a reference names; None for all other references."""
    if not uri.startswith(_SCHEME):
        return None
    written = uri[len(_SCHEME) :].partition("/")[0]
    try:
        matched = _PUBLIC_ID.fullmatch(bytes.fromhex(written))
    except ValueError:
        return None
    number = int(matched[1]) if matched else 0
    return number if 0 < number <= _LARGEST else None


def path_of(uri: str) -> str:
    """Return the path of the entry that such a reference names."""
    return uri[len(_SCHEME) :].partition("/")[2]
