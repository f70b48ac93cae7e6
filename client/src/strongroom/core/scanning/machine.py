"""Reads the opcodes of one pickle and follows what they would do, without doing any of it.

It keeps the stack, the marks and the memo as a loader does, but of objects only what matters: what is named, what is
called, and texts that may become names. Where a loader would raise an error it stops, for nothing behind that is ever
run; where a loader goes on it goes on, too, whatever it thinks of the bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from strongroom.core.scanning.allowed import is_allowed
from strongroom.core.scanning.budget import Budget, TooMuch
from strongroom.core.scanning.joblib_arrays import DTYPE, WRAPPER, Containers, Skipped, pass_array
from strongroom.core.scanning.opcodes import ARGUMENTS, COUNT_BYTES, HIGHEST_PROTOCOL, NONE, TEXTS, TWO_LINES
from strongroom.core.scanning.sources import Stream
from strongroom.core.scanning.values import NO_NAME, OTHER, Global, Made, Memo, text

_LONGEST_LINE = 64 * 1024
_LONGEST_NAME = 255
_DEEPEST_STACK = 8_000_000
_COUNT_EVERY = 20_000
Tell = Callable[[int, str, str], None]


class End(Enum):
    """How the reading of a pickle ended."""

    STOP = "stop"
    BROKEN = "broken"


class Machine:
    """Reads one pickle from a stream. `tell` hears of dangers: where, of which name, and why it is one."""

    def __init__(self, stream: Stream, budget: Budget, tell: Tell, depth: int = 0) -> None:
        self._stream, self._budget, self._tell, self._depth = stream, budget, tell, depth
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo = Memo()
        self._raw = b""
        self._containers = Containers()
        self._frame_end = 0
        # How many opcodes were read, whether it said its protocol, whether it called something, and what it couldn't.
        self.count = 0
        self.has_protocol = self.calls = False
        self.names: list[str] = []
        self.lost = ""

    def run(self) -> End:
        """Read to the end of the pickle, or to where no loader would go on."""
        try:
            return self._run()
        except _Broken:
            return End.BROKEN

    def _run(self) -> End:
        stream, arguments, acts, push = self._stream, ARGUMENTS, _ACTS, self._stack.append
        while True:
            code = stream.byte()
            if code == 0x2E:
                self._need(1)
                self.count += 1
                return End.STOP
            kind = arguments.get(code)
            if kind is None:
                return End.BROKEN
            if kind != NONE:
                begun = stream.tell() if self._frame_end else 0
                self._read(code, kind)
                if begun:
                    self._leave_frame(begun)
            act = acts.get(code)
            if act is not None:
                act(self)
            else:
                push(text(self._raw) if code in TEXTS else OTHER)
            self.count += 1
            if self.count % _COUNT_EVERY == 0:
                self._count()

    def _frame(self) -> None:
        """Begin a frame. Those who write them end each between two opcodes, before the next one begins.

        Python's loader drops what is left of a frame when an opcode reaches over its end, and so reads other names
        and numbers than stand there.
        """
        here = self._stream.tell()
        if here < self._frame_end:
            self._danger("frames that overlap", "loaders read something else than what stands there")
        self._frame_end = here + int.from_bytes(self._raw, "little")

    def _leave_frame(self, begun: int) -> None:
        if begun <= self._frame_end < self._stream.tell():
            self._danger(
                "a frame that ends within an opcode", "loaders read something else than what stands there"
            )
        if self._stream.tell() >= self._frame_end:
            self._frame_end = 0

    def _count(self) -> None:
        self._budget.opcodes(_COUNT_EVERY)
        if len(self._stack) + len(self._marks) > _DEEPEST_STACK:
            raise TooMuch(f"its stack is deeper than {_DEEPEST_STACK:,}")

    def _read(self, code: int, kind: int) -> None:
        """Read the argument of an opcode, or pass over it when it can't matter."""
        stream = self._stream
        if kind > 0:
            self._raw = stream.read(kind)
            if len(self._raw) < kind:
                raise _Broken
        elif kind in COUNT_BYTES:
            self._read_counted(code, COUNT_BYTES[kind])
        else:
            line = stream.line(_LONGEST_LINE)
            if line is None:
                raise _Broken
            self._raw = _quoted(line) if code == 0x53 else line
            if kind == TWO_LINES:
                second = stream.line(_LONGEST_LINE)
                if second is None:
                    raise _Broken
                self._raw += b"\n" + second

    def _read_counted(self, code: int, width: int) -> None:
        raw = self._stream.read(width)
        if len(raw) < width:
            raise _Broken
        size = int.from_bytes(raw, "little")
        if size <= _LONGEST_NAME:
            self._raw = self._stream.read(size)
            if len(self._raw) < size:
                raise _Broken
            return
        # No name is so long. That it is a text, and none, is known.
        self._raw = b" "
        while size > 0:
            step = self._stream.skip(min(size, 1 << 40))
            if step <= 0:
                raise _Broken
            size -= step
            self._budget.check()

    # The stack, as loaders keep it: nothing is taken from below the last mark.

    def _need(self, count: int) -> None:
        if len(self._stack) - (self._marks[-1] if self._marks else 0) < count:
            raise _Broken

    def _pop(self) -> Any:
        self._need(1)
        return self._stack.pop()

    def _popped(self) -> list[Any]:
        """Take what lies above the last mark, and the mark."""
        if not self._marks:
            raise _Broken
        at = self._marks.pop()
        found = self._stack[at:]
        del self._stack[at:]
        return found

    def _mark(self) -> None:
        self._marks.append(len(self._stack))

    def _pop_one(self) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._pop()

    def _pop_mark(self) -> None:
        self._popped()

    def _duplicate(self) -> None:
        self._need(1)
        self._stack.append(self._stack[-1])

    # Names.

    def _name(self, module: str, name: str) -> Global:
        found = Global(module, name)
        self.names.append(str(found)) if len(self.names) < 1000 else None
        if found in (WRAPPER, DTYPE):
            self._containers.wanted = True
        if not is_allowed(module, name):
            self._danger(str(found), "is imported when this is loaded, and may be called with anything")
        return found

    def _danger(self, name: str, said: str) -> None:
        self._tell(self._stream.tell(), name, said)

    def _global(self) -> None:
        module, _, name = self._raw.partition(b"\n")
        self._stack.append(self._name(_spelled(module), _spelled(name)))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if isinstance(name, str) and isinstance(module, str) and NO_NAME not in (name, module):
            self._stack.append(self._name(module, name))
            return
        self._danger(
            "a name that is put together while it is loaded", "nobody can say beforehand what it names"
        )
        self._stack.append(Global("?", "?"))

    def _extension(self) -> None:
        code = int.from_bytes(self._raw, "little")
        self._danger(f"extension {code}", "what this number stands for is known only where it is loaded")
        self._stack.append(Global("?", "?"))

    # Calls.

    def _call(self, called: Any, given: Any = OTHER) -> None:
        self.calls = True
        if not isinstance(called, Global):
            self._danger("a call of something that has no name", "what is called is made while it is loaded")
            self._stack.append(OTHER)
            return
        self._stack.append(Made(called, given if self._containers.wanted else OTHER))

    def _reduce(self) -> None:
        given = self._pop()
        self._call(self._pop(), given)

    def _new_object(self) -> None:
        self._reduce()

    def _new_object_ex(self) -> None:
        self._pop()
        self._reduce()

    def _instance(self) -> None:
        module, _, name = self._raw.partition(b"\n")
        self._popped()
        self._call(self._name(_spelled(module), _spelled(name)))

    def _object(self) -> None:
        found = self._popped()
        if not found:
            raise _Broken
        self._call(found[0])

    def _build(self) -> None:
        state = self._pop()
        self._need(1)
        built = self._stack[-1]
        if isinstance(built, Global):
            self._danger(str(built), "is changed itself when this is loaded, for everything that uses it")
        elif isinstance(built, Made) and built.of == WRAPPER:
            self._pass_array(state)
        elif isinstance(built, Made) and self._containers.wanted:
            # Once more would be another state; nobody writes that, and it must not hide the first one.
            built.state = state if built.state is OTHER else "?"

    def _pass_array(self, state: Any) -> None:
        """Pass over the bytes of an array, which joblib writes between two opcodes; pickled objects are read."""
        try:
            has_objects = pass_array(self._stream, state)
        except Skipped as error:
            self.lost = str(error)
            raise _Broken from error
        if not has_objects:
            return
        if self._depth >= self._budget.limits.depth:
            raise TooMuch("its pickles lie too deep within each other")
        inner = Machine(self._stream, self._budget, self._tell, self._depth + 1)
        if inner.run() is End.BROKEN:
            self.lost = inner.lost or "an array of objects breaks off"
            raise _Broken

    # Containers, memo and what only moves things.

    def _push_popped(self) -> None:
        self._stack.append(self._containers.sequence(self._popped()))

    def _tuple_of(self, count: int) -> None:
        self._need(count)
        found = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        self._stack.append(self._containers.sequence(found))

    def _empty_dict(self) -> None:
        self._stack.append(self._containers.empty())

    def _dict(self) -> None:
        pairs = self._popped()
        self._stack.append(self._containers.filled(self._containers.empty(), pairs))

    def _append(self) -> None:
        self._pop()
        self._need(1)

    def _appends(self) -> None:
        self._popped()
        self._need(1)

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._need(1)
        self._containers.filled(self._stack[-1], [key, value])

    def _set_items(self) -> None:
        pairs = self._popped()
        self._need(1)
        self._containers.filled(self._stack[-1], pairs)

    def _put(self) -> None:
        self._need(1)
        self._memo.put(_number(self._raw), self._stack[-1])

    def _put_binary(self) -> None:
        self._need(1)
        self._memo.put(int.from_bytes(self._raw, "little"), self._stack[-1])

    def _memoize(self) -> None:
        self._need(1)
        self._memo.add(self._stack[-1])

    def _get(self) -> None:
        self._stack.append(self._memo.get(_number(self._raw)))

    def _get_binary(self) -> None:
        self._stack.append(self._memo.get(int.from_bytes(self._raw, "little")))

    def _protocol(self) -> None:
        if self._raw[0] > HIGHEST_PROTOCOL:
            raise _Broken
        self.has_protocol = True
        # Data may be nothing but this over and over; it counts for nothing.
        self.count -= 1

    def _persistent(self) -> None:
        self._pop()
        self._stack.append(OTHER)

    def _integer(self) -> None:
        self._stack.append(self._containers.number(self._raw))

    def _long(self) -> None:
        wanted = self._containers.wanted and len(self._raw) <= 16
        self._stack.append(int.from_bytes(self._raw, "little", signed=True) if wanted else OTHER)

    def _truth(self, value: bool) -> None:
        self._stack.append(value if self._containers.wanted else OTHER)

    def _frozen(self) -> None:
        self._popped()
        self._stack.append(OTHER)

    def _same(self) -> None:
        self._need(1)


class _Broken(Exception):
    """No loader goes on from here."""


def _quoted(line: bytes) -> bytes:
    """Take the quotes off the text of protocol 0."""
    found = line.strip()
    if len(found) < 2 or found[:1] not in (b"'", b'"') or found[-1:] != found[:1]:
        raise _Broken
    # What is escaped is no plain name, and might be any.
    return b" " if b"\\" in found else found[1:-1]


def _spelled(raw: bytes) -> str:
    return raw[: 4 * _LONGEST_NAME].decode("utf-8", "backslashreplace")


def _number(line: bytes) -> int:
    try:
        return int(line)
    except ValueError as error:
        raise _Broken from error


_ACTS: dict[int, Callable[[Machine], None]] = {
    0x28: Machine._mark,
    0x29: lambda m: m._tuple_of(0),
    0x30: Machine._pop_one,
    0x31: Machine._pop_mark,
    0x32: Machine._duplicate,
    0x4B: Machine._integer,
    0x4D: Machine._integer,
    0x4A: Machine._integer,
    0x51: Machine._persistent,
    0x52: Machine._reduce,
    0x61: Machine._append,
    0x62: Machine._build,
    0x63: Machine._global,
    0x64: Machine._dict,
    0x65: Machine._appends,
    0x67: Machine._get,
    0x68: Machine._get_binary,
    0x69: Machine._instance,
    0x6A: Machine._get_binary,
    0x6C: Machine._frozen,
    0x6F: Machine._object,
    0x70: Machine._put,
    0x71: Machine._put_binary,
    0x72: Machine._put_binary,
    0x73: Machine._set_item,
    0x74: Machine._push_popped,
    0x75: Machine._set_items,
    0x7D: Machine._empty_dict,
    0x80: Machine._protocol,
    0x81: Machine._new_object,
    0x82: Machine._extension,
    0x83: Machine._extension,
    0x84: Machine._extension,
    0x85: lambda m: m._tuple_of(1),
    0x86: lambda m: m._tuple_of(2),
    0x87: lambda m: m._tuple_of(3),
    0x88: lambda m: m._truth(True),
    0x89: lambda m: m._truth(False),
    0x8A: Machine._long,
    0x90: Machine._appends,
    0x91: Machine._frozen,
    0x92: Machine._new_object_ex,
    0x93: Machine._stack_global,
    0x94: Machine._memoize,
    0x95: Machine._frame,
    0x98: Machine._same,
}
