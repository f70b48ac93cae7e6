"""Pickles are read by their opcodes: whatever would be named, called or changed is found, and nothing is run."""

from __future__ import annotations

import collections
import contextlib
import datetime
import decimal
import io
import pickle
import pickletools
import random

import pytest
from strongroom.core.scanning import CAN_RUN_CODE, LOOKS_INERT, NOT_EXAMINED
from strongroom.core.scanning.opcodes import (
    ARGUMENTS,
    COUNTED_1,
    COUNTED_4,
    COUNTED_8,
    HIGHEST_PROTOCOL,
    LINE,
    TEXTS,
    TWO_LINES,
)

from tests.core.pickled import EVIL, EVIL_0, GOOD, NAME, Runs, looked, named, names, program, short

_KINDS = {-1: LINE, -2: COUNTED_1, -3: COUNTED_4, -4: COUNTED_4, -5: COUNTED_8}


def test_every_opcode_is_known_with_its_argument():
    told = {}
    for opcode in pickletools.opcodes:
        length = 0 if opcode.arg is None else opcode.arg.n
        told[ord(opcode.code)] = (
            TWO_LINES if opcode.name in ("GLOBAL", "INST") else _KINDS.get(length, length)
        )
    assert told == ARGUMENTS
    assert pickle.HIGHEST_PROTOCOL == HIGHEST_PROTOCOL
    pushing = {
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "UNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE",
        "BINUNICODE8",
    }
    assert {ord(one.code) for one in pickletools.opcodes if one.name in pushing} == TEXTS


@pytest.mark.parametrize("protocol", range(6))
def test_what_would_be_called_is_named_in_every_protocol(protocol):
    found = looked(pickle.dumps([1, {"a": Runs(print, "x")}], protocol))
    assert [danger.name for danger in found.dangers.values()] == [
        "__builtin__.print" if protocol < 3 else "builtins.print"
    ]
    assert found.verdict == CAN_RUN_CODE


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_is_inert_in_every_protocol(protocol):
    data = [
        *(
            {
                "text": "x" * 300,
                "n": 2**70,
                "f": 1.5,
                "b": b"y" * 300,
                "t": (1, 2, 3, 4),
                "s": {1},
                "z": None,
                "d": True,
            },
        )
        * 3,
        collections.OrderedDict(a=1),
        collections.defaultdict(list, a=[1]),
        datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        decimal.Decimal("1.5"),
        frozenset({1, 2}),
        bytearray(b"z"),
        complex(1, 2),
    ]
    found = looked(pickle.dumps(data, protocol))
    assert (found.verdict, found.pickles, dict(found.dangers)) == (LOOKS_INERT, 1, {})


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("builtins", "getattr"),
        ("builtins", "compile"),
        ("operator", "attrgetter"),
        ("operator", "methodcaller"),
        ("functools", "partial"),
        ("importlib", "import_module"),
        ("pip", "main"),
        ("pip._internal.cli.main", "main"),
        ("torch.hub", "load"),
        ("torch.serialization", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("torch", "load"),
        ("torch.utils._config_module", "load_config"),
        ("numpy.f2py.crackfortran", "getlincoef"),
        ("numpy.f2py.diagnose", "run_command"),
        ("numpy", "load"),
        ("numpy.testing._private.utils", "runstring"),
        ("runpy", "run_path"),
        ("pickle", "loads"),
        ("_pickle", "loads"),
        ("timeit", "timeit"),
        ("cProfile", "run"),
        ("code", "InteractiveInterpreter"),
        ("pdb", "run"),
        ("bdb", "Bdb.run"),
        ("ssl", "get_server_certificate"),
        ("asyncio.unix_events", "_UnixSubprocessTransport._start"),
        ("linecache", "getline"),
        ("logging.config", "listen"),
        ("pydoc", "locate"),
        ("pty", "spawn"),
        ("shutil", "rmtree"),
        ("socket", "create_connection"),
        ("webbrowser", "open"),
        ("ctypes", "CDLL"),
        ("joblib.numpy_pickle", "load"),
        ("joblib.numpy_pickle", "NDArrayWrapper"),
        ("cloudpickle.cloudpickle", "_make_function"),
        ("dill._dill", "_create_function"),
        ("types", "CodeType"),
        ("marshal", "loads"),
        ("idlelib.run", "Executive.runcode"),
        ("lib2to3.pgen2.pgen", "ParserGenerator.make_label"),
        ("ensurepip", "_run_pip"),
        ("uuid", "_get_command_stdout"),
        ("collections", "OrderedDict.__init__.__globals__"),
        ("builtins", "dict.get"),
        ("torch._utils", "_rebuild_tensor_v2.__globals__"),
        ("numpy.core.multiarray", "fromfile"),
        ("sklearn.svm", "SVC"),
        ("a.b", "c"),
    ],
)
def test_only_what_puts_data_together_may_be_named(module, name):
    by_stack = program(named(module, name), b")R")
    by_line = b"c" + f"{module}\n{name}\n".encode() + b"(tR."
    by_instance = b"(S'x'\ni" + f"{module}\n{name}\n".encode() + b"."
    by_object = b"(c" + f"{module}\n{name}\n".encode() + b"o."
    by_new = b"\x80\x02c" + f"{module}\n{name}\n".encode() + b")\x81."
    by_new_ex = program(named(module, name), b")}\x92")
    for data in (by_stack, by_line, by_instance, by_object, by_new, by_new_ex):
        assert names(data) == {f"{module}.{name}"}, data


def test_a_name_is_dangerous_though_nothing_calls_it():
    assert names(program(named("antigravity", "geohash"))) == {"antigravity.geohash"}


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (
            "the name from the memo",
            [short("os"), b"\x94", short("system"), b"\x94", b"00", b"h\x00h\x01\x93)R"],
        ),
        (
            "the memo in another order",
            [b"N\x94", short("os"), b"q\x07", short("system"), b"q\x03", b"00", b"h\x07h\x03\x93)R"],
        ),
        (
            "counted after a gap",
            [
                short("x"),
                b"q\x05",
                short("os"),
                b"\x94",
                short("system"),
                b"\x94",
                b"000",
                b"h\x01h\x02\x93)R",
            ],
        ),
        (
            "a place in the memo that is used again",
            [b"Nq\x00", short("os"), b"q\x00", b"00", b"h\x00", short("system"), b"\x93)R"],
        ),
        (
            "a number with zeros before it",
            [short("os"), b"p000000000000000000000000000000000007\n", b"0g7\n", short("system"), b"\x93)R"],
        ),
        ("texts taken twice", [short("os"), b"2", short("system"), b"\x93)R"]),
        (
            "texts of several kinds",
            [b"X\x02\x00\x00\x00os", b"\x8d\x06\x00\x00\x00\x00\x00\x00\x00system", b"\x93)R"],
        ),
        ("texts of protocol 0", [b"Vos\n", b"S'system'\n", b"\x93)R"]),
        ("through a mark that is thrown away", [b"(", b"K\x01", b"1", named("os", "system"), b")R"]),
    ],
)
def test_however_the_name_comes_to_the_top_it_is_found(name, parts):
    assert names(program(*parts)) == {"os.system"}, name


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([named("builtins", "str"), b")R", short("system"), b"\x93)R"], "put together"),
        ([b"V\\u006fs\n", b"Vsystem\n", b"\x93)R"], "put together"),
        ([short("o\u200bs"), short("system"), b"\x93)R"], "put together"),
        ([b"\x82\x01", b")R"], "extension 1"),
        ([b"\x83\x00\x01", b")R"], "extension 256"),
        ([b"\x84\x00\x00\x01\x00", b")R"], "extension 65536"),
        ([b"K\x01", b")R"], "no name"),
        ([named("builtins", "list"), b")R", b")R"], "no name"),
        ([b"K\x01Q", b")R"], "no name"),
        ([named("collections", "OrderedDict"), b"}b"], "OrderedDict"),
    ],
)
def test_what_nobody_can_say_beforehand_is_dangerous(parts, said):
    (found,) = names(program(*parts))
    assert said in found


def test_frames_that_make_loaders_read_otherwise_are_dangerous():
    """Python's own loader drops what is left of a frame when an opcode reaches over its end."""
    hidden = b"Nq\x01N" + short("os") + b"q\x03" + short("system") + b"q\x04" + b"000"
    across = hidden + b"\x95\x02" + b"\0" * 7 + b"g13\nN"
    assert names(program(across)) == {"a frame that ends within an opcode"}
    assert names(program(b"\x95\x0b" + b"\0" * 7 + b"\x95\x01" + b"\0" * 7 + b"NN0")) == {
        "frames that overlap"
    }
    for protocol in (4, 5):
        assert names(pickle.dumps([list(range(50_000)), "x" * 100_000, b"y" * 100_000], protocol)) == set()


def test_pickles_behind_each_other_are_all_read():
    found = looked(GOOD + GOOD + EVIL + GOOD)
    assert ({danger.name for danger in found.dangers.values()}, found.pickles) == ({NAME}, 4)


def test_raw_tensors_may_follow_as_torch_wrote_them():
    found = looked(GOOD + GOOD + b"\x10\x00\x00\x00\x00\x00\x00\x00" + b"\xff\xfe\xfd" * 1000, "old.pt")
    assert (found.verdict, found.pickles) == (LOOKS_INERT, 2)


@pytest.mark.parametrize("data", [EVIL, EVIL_0])
def test_a_pickle_that_breaks_off_has_run_until_then(data):
    cut = data[: data.index(b"R") + 1]
    assert names(cut + b"\xff" * 20, "model.pkl") == {NAME}
    assert looked(cut, "model.pkl").verdict == CAN_RUN_CODE


def test_a_good_pickle_that_breaks_off_is_not_called_inert():
    assert looked(GOOD[:-5], "model.pkl").verdict == NOT_EXAMINED


def test_the_content_decides_and_not_the_name():
    for name in ("readme.md", "photo.png", "weights.safetensors", "data.csv", "no-ending"):
        assert names(EVIL, name) == {NAME}
        assert names(EVIL_0, name) == {NAME}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"N.",
        b"I1\n.",
        b"hello, world\n",
        b"cats\ndogs\nbirds\n",
        b"case,name\nid,x\n",
        b"import os\n",
        b"collections\nOrderedDict\nand more\n",
        b"(a list, in brackets)\n",
        b"\x80",
        b"\x80\x02",
        b"\x80\x02\x00\x00",
        b"\x00" * 4096,
        b'{"a": 1}',
        b"%PDF-1.4\n",
        b"# Title\n\nText.\n",
        b"]}",
        b"0\n1\n2\n",
    ],
)
def test_what_merely_begins_like_a_pickle_is_none(data):
    found = looked(data, "notes.txt")
    assert (found.verdict, dict(found.dangers), found.unread) == (LOOKS_INERT, {}, [])


def test_random_tensors_are_no_pickles():
    chance = random.Random(7)
    for _ in range(3000):
        found = looked(bytes([0x80, chance.randrange(6)]) + chance.randbytes(200), "archive/data/7")
        assert found.verdict == LOOKS_INERT, found


def test_what_is_named_like_a_pickle_and_is_none_is_not_called_inert():
    assert looked(b"\x00\x01\x02", "model.pkl").verdict == NOT_EXAMINED
    assert looked(b"\x00\x01\x02", "model.dat").verdict == LOOKS_INERT


def test_long_arguments_are_passed_over():
    data = program(
        b"\x8e" + (200_000).to_bytes(8, "little") + b"x" * 200_000, b"0", named("os", "system"), b")R"
    )
    assert names(data) == {"os.system"}
    assert names(b"V" + b"a" * 300_000 + b"\n0" + EVIL_0) == {NAME}


def test_a_length_without_its_bytes_costs_nothing():
    for head in (b"\x8e", b"\x8d", b"\x96"):
        assert looked(b"\x80\x04" + head + b"\xff" * 8, "model.pkl").verdict == NOT_EXAMINED


def test_opcodes_and_depth_are_limited():
    found = looked(program(b"N0" * 200_000), opcodes=100_000)
    assert found.verdict == NOT_EXAMINED
    assert "opcodes" in found.unread[0].why


def test_more_texts_than_are_remembered_hide_nothing(monkeypatch):
    monkeypatch.setattr("strongroom.core.scanning.values._MOST_REMEMBERED", 10)
    words = b"".join(short(f"word{n}") + b"\x940" for n in range(20))
    data = program(words, short("os"), b"\x940", short("system"), b"\x940", b"h\x14h\x15\x93)R")
    (found,) = names(data)
    assert "put together" in found


class _Recorder(pickle.Unpickler):
    """Loads for real, but imports nothing: whatever is asked for is a class that does nothing."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.asked: set[str] = set()

    def find_class(self, module: str, name: str) -> type:
        self.asked.add(f"{module}.{name}")
        return _Inert

    def persistent_load(self, pid: object) -> None:
        return None


class _Inert:
    def __new__(cls, *args: object, **kwargs: object) -> _Inert:
        return object.__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def append(self, item: object) -> None:
        pass

    def extend(self, items: object) -> None:
        pass

    def add(self, item: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def __hash__(self) -> int:
        return 1


def _is_heavy(data: bytes) -> bool:
    """Say whether a loader would make room for a memo of millions, which takes seconds and gigabytes."""
    # Where frames end within opcodes, it reads other numbers than stand there.
    if b"\x95" in data and b"r\x01\0\0\0" in data:
        return True
    with contextlib.suppress(Exception):
        for opcode, given, _ in pickletools.genops(data):
            if opcode.name in ("LONG_BINPUT", "PUT") and given > 10_000:
                return True
    return False


_PARTS = [
    *(
        bytes([code])
        for code in b"(012Nabdelostu}])QR\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x93\x93\x94R\x93"
    ),
    short("os"),
    short("system"),
    short("posix"),
    b"Vos\n",
    b"Vsystem\n",
    b"X\x02\x00\x00\x00os",
    b"K\x01",
    b"K\x07",
    b"cos\nsystem\n",
    b"(ios\nsystem\n",
    b"q\x00",
    b"q\x01",
    b"q\x02",
    b"h\x00",
    b"h\x01",
    b"h\x02",
    b"p0\n",
    b"g0\n",
    b"p3\n",
    b"r\x01\x00\x00\x00",
    b"j\x01\x00\x00\x00",
    b"I01\n",
    b"F1.5\n",
    b"L5L\n",
    b"U\x02os",
    b"C\x01x",
    b"\x8a\x01\x05",
    b"Px\n",
    b"\x95\x05\x00\x00\x00\x00\x00\x00\x00",
    b"\x80\x03",
]


def test_whatever_a_loader_would_ask_for_is_found():
    """Programs by chance, half of them grown from real pickles: the scan knows each name that the loader imports."""
    chance = random.Random(20261130)
    real = [pickle.dumps(Runs(print, {"a": [1, "b"]}, ("c",)), protocol) for protocol in range(6)]
    asked = 0
    for turn in range(12_000):
        if turn % 2:
            parts = b"".join(chance.choice(_PARTS) for _ in range(chance.randrange(3, 25)))
            data = b"\x80\x04" + parts + b"."
        else:
            base = bytearray(chance.choice(real))
            for _ in range(chance.randrange(1, 4)):
                at = chance.randrange(len(base))
                base[at : at + chance.randrange(2)] = chance.choice(_PARTS)
            data = bytes(base)
        if _is_heavy(data):
            continue
        loader = _Recorder(data)
        with contextlib.suppress(Exception):
            loader.load()
        wanted = {name for name in loader.asked if name.isprintable()}
        if not wanted:
            continue
        asked += 1
        found = names(data, "model.pkl")
        odd = any("put together" in name or "frame" in name for name in found)
        assert odd or wanted <= found, (data, wanted, found)
    assert asked > 1000
