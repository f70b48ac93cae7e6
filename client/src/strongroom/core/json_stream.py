"""Reading one large JSON object a member at a time, from a buffer that stays small."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, cast

from strongroom.core.digests import Readable
from strongroom.core.errors import InvalidInput, InvalidManifest
from strongroom.core.jsondata import check_depth, parse_constant, parse_float, parse_int, parse_object

_PIECE = 64 * 1024
_LONGEST_VALUE = 512 * 1024
_SPACES = " \t\n\r"
_SPACE = re.compile(rf"[{_SPACES}]*")


class JsonStream:
    """A cursor in JSON text: `members` walks an object, `value` takes a whole value that must be small.

    While `members` runs, its caller takes each member's value, by `value` or by `members` again.
    """

    def __init__(self, source: Readable | Iterable[bytes]) -> None:
        self._pieces = _pieces(source)
        self._decode = codecs.getincrementaldecoder("utf-8")("strict").decode
        self._text = ""
        self._at = 0
        self._ended = False
        # `raw_decode` is this, behind a check of its argument.
        self._scan = json.JSONDecoder(
            parse_constant=parse_constant,
            parse_float=parse_float,
            parse_int=parse_int,
            object_pairs_hook=parse_object,
        ).raw_decode

    def members(self) -> Iterator[str]:
        """Yield the keys of the object that begins here, each just before its value."""
        self._expect("{")
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            if self._peek() != '"':
                raise self._wrong('a key in "')
            key = self.value()
            self._expect(":")
            yield key
            if self._peek() == "}":
                self._at += 1
                return
            self._expect(",")

    def value(self) -> Any:
        """Take one whole value."""
        self._peek()
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except RecursionError:
                raise InvalidManifest("The manifest is nested too deep. Flatten it.") from None
            except InvalidInput as wrong:
                raise InvalidManifest(f"The manifest: {wrong}") from None
            except json.JSONDecodeError as wrong:
                # It may just go on in the next piece.
                if self._ended:
                    raise InvalidManifest(f"The manifest is not JSON: {wrong.msg}.") from None
            else:
                # A number that seems to end here may go on: `1` as `1.5`, or as `1e+5`.
                if end + 2 < len(self._text) or self._ended:
                    break
            self._more()
        self._at = end
        if type(value) is dict:
            _check_flat(value)
        return value

    def end(self) -> None:
        """Refuse anything but space after the last value."""
        if self._peek():
            raise self._wrong("the end")

    def _peek(self) -> str:
        while True:
            if self._text[self._at : self._at + 1] in _SPACES:
                self._at = cast(re.Match[str], _SPACE.match(self._text, self._at)).end()
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._more()

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise self._wrong(f'"{sign}"')
        self._at += 1

    def _wrong(self, wanted: str) -> InvalidManifest:
        return InvalidManifest(f"The manifest is not JSON: {wanted} is missing after {self._text[:40]!r}.")

    def _more(self) -> None:
        """Read on until there is as much again of what is not taken yet, so that a value is retried seldom."""
        waiting = len(self._text) - self._at
        if waiting > _LONGEST_VALUE:
            raise InvalidManifest(
                f"A value in the manifest is not JSON, or is longer than {_LONGEST_VALUE} characters."
            )
        parts, size = [self._text[self._at :]], 0
        while size <= waiting and not self._ended:
            piece = next(self._pieces, b"")
            self._ended = not piece
            parts.append(self._decoded(piece))
            size += len(parts[-1])
        self._text, self._at = "".join(parts), 0

    def _decoded(self, piece: bytes) -> str:
        try:
            return self._decode(piece, final=not piece)
        except UnicodeDecodeError:
            raise InvalidManifest("The manifest is not UTF-8. Write it as UTF-8.") from None


def _check_flat(value: dict[str, Any]) -> None:
    for below in value.values():
        if type(below) is dict or type(below) is list:
            try:
                check_depth(value)
            except InvalidInput as wrong:
                raise InvalidManifest(f"The manifest: {wrong}") from None
            return


def _pieces(source: Readable | Iterable[bytes]) -> Iterator[bytes]:
    if hasattr(source, "read"):
        # A file's own lines won't do: the whole manifest may be one.
        return iter(lambda: cast(Readable, source).read(_PIECE), b"")
    return (piece for piece in source if piece)
