"""What Hypothesis makes manifests of."""

from __future__ import annotations

import base64
import hashlib

from hypothesis import strategies as st
from strongroom.core.manifest import Entry

# Quotes, a backslash's neighbours, and one to four bytes each; none that a path refuses.
_letters = st.sampled_from("abcXYZ019 _-=+,;'\"{}[]()~%&#@!äßéΩж日本語\u0301\uff5e\U0001f600\U00020000")
# Few different names, so that folders and near misses of collisions come up.
parts = st.sampled_from(
    ["a", "a-b", "ab", "b", "é", "e\u0301", "z", "\U0001f600", ".hidden", "x y", "common"]
) | st.text(_letters, min_size=1, max_size=8).map(lambda text: f"_{text.strip()}_")
paths = st.lists(parts, min_size=1, max_size=4).map("/".join)
sizes = st.integers(0, 2**63 - 1)
words = st.text(_letters, min_size=1, max_size=30)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(words, below, max_size=3),
    max_leaves=3,
)
extras = st.none() | st.dictionaries(words, values, min_size=1, max_size=3)


@st.composite
def files(draw: st.DrawFn, with_md5: bool | None = None) -> Entry:
    """A file; its digests are those of one content, as they are in life."""
    content = str(draw(st.integers(0, 20))).encode()
    known = draw(st.booleans()) if with_md5 is None else with_md5
    digest = base64.b64encode(hashlib.md5(content).digest()).decode() if known else None
    sha256 = hashlib.sha256(content).hexdigest()
    return Entry(draw(paths), digest, len(content), sha256, None, draw(extras))


@st.composite
def references(draw: st.DrawFn) -> Entry:
    """A reference to somewhere else."""
    return Entry(draw(paths), draw(words), draw(st.none() | sizes), None, "s3://" + draw(words), draw(extras))


def collides(entries: list[Entry]) -> bool:
    """Tell in the plainest way whether one name is a file and a folder."""
    names = {entry.path for entry in entries}
    return any(path.startswith(name + "/") for path in names for name in names)


def manifests(with_md5: bool | None = None) -> st.SearchStrategy[list[Entry]]:
    """Entries in path order, without collisions."""
    one = files(with_md5) | references()
    unique = st.lists(one, max_size=7, unique_by=lambda entry: entry.path)
    return unique.filter(lambda found: not collides(found)).map(
        lambda found: sorted(found, key=lambda e: e.path)
    )
