"""The blobs of an entity in arrays, a few bytes each, where who reaches them is written down."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from registry.manifests.reach import Reached
from registry.models import Blob

# SQLite takes a bounded number of parameters in one statement.
_ASKED = 900
_READ = 5000


class BlobMarks:
    """All blobs that an entity has at this moment, by place: their sizes, and arrays of a number for each.

    Take it before the roots are read: what comes meanwhile is then left out, never counted as unused.
    """

    def __init__(self, scope_id: int) -> None:
        self._scope_id = scope_id
        self._pks, self.sizes = array("q"), array("q")
        rows = Blob.objects.filter(scope=scope_id).order_by("pk").values_list("pk", "size")
        for pk, size in rows.iterator(chunk_size=_READ):
            self._pks.append(pk)
            self.sizes.append(size)

    def __len__(self) -> int:
        return len(self._pks)

    @property
    def newest(self) -> int:
        """The highest id among them, 0 when there is none."""
        return self._pks[-1] if self._pks else 0

    def numbers(self) -> array[int]:
        """Return an array with a zero for each blob."""
        return array("q", bytes(8 * len(self._pks)))

    def owners(self, reached: Iterable[Reached[int]]) -> Iterator[tuple[int, int]]:
        """Give each blob that leaves name, as (owner, place), in the order of the walk.

        One that several leaves name may come several times: the first is that of its first owner.
        """
        waiting: dict[bytes, int] = {}
        for by, leaf in reached:
            for digest in leaf.blobs():
                waiting.setdefault(digest, by)
            if len(waiting) >= _ASKED:
                yield from self._placed(waiting)
                waiting.clear()
        yield from self._placed(waiting)

    def _placed(self, owners: dict[bytes, int]) -> Iterator[tuple[int, int]]:
        digests = list(owners)
        places: dict[bytes, int] = {}
        for first in range(0, len(digests), _ASKED):
            rows = Blob.objects.filter(scope=self._scope_id, sha256__in=digests[first : first + _ASKED])
            for sha256, pk in rows.values_list("sha256", "pk"):
                at = bisect_left(self._pks, pk)
                if at < len(self._pks) and self._pks[at] == pk:
                    places[bytes(sha256)] = at
        yield from ((by, places[digest]) for digest, by in owners.items() if digest in places)
