"""Archives, arrays and compressed streams are looked into as their loaders would, whatever their headers claim."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import zipfile
import zlib

import pytest
from strongroom.core.scanning import CAN_RUN_CODE, LOOKS_INERT, NOT_EXAMINED, format_of

from tests.core.pickled import EVIL, EVIL_0, GOOD, NAME, looked, named, names, program, short, tarred, zipped


def _npy(data: bytes, descr: str = "|O", version: int = 1) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}\n".encode()
    width = "<H" if version == 1 else "<L"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(width, len(header)) + header + data


# Twenty and more files that were, or could have been, shown as safe by scanners of this kind.
HOSTILE: dict[str, bytes] = {
    "plain.bin": EVIL,
    "protocol0.txt": EVIL_0,
    "weights.safetensors": EVIL,
    "model.pt": zipped(("archive/data.pkl", EVIL), ("archive/data/0", b"\0" * 64)),
    "deflated.pt": zipped(("archive/data.pkl", EVIL), method=zipfile.ZIP_DEFLATED),
    "bzipped.pt": zipped(("archive/data.pkl", EVIL), method=zipfile.ZIP_BZIP2),
    "other-ending.pt": zipped(("archive/readme.md", EVIL)),
    "second.npz": zipped(("arr_0.npy", _npy(EVIL))),
    "array.npy": _npy(EVIL),
    "array2.npy": _npy(EVIL, "O8", 2),
    "array-that-lies.npy": _npy(EVIL, "<f8"),
    "squeezed.joblib": zlib.compress(EVIL),
    "squeezed.pkl.gz": gzip.compress(EVIL),
    "squeezed.pkl.bz2": bz2.compress(EVIL),
    "squeezed.pkl.xz": lzma.compress(EVIL),
    "squeezed.lzma": lzma.compress(EVIL, format=lzma.FORMAT_ALONE),
    "two-members.gz": gzip.compress(GOOD) + gzip.compress(EVIL),
    "models.tar": tarred(("a.txt", b"text"), ("b/model.pkl", EVIL)),
    "long-name.tar": tarred(("d/" * 90 + "model.pkl", EVIL), form=tarfile.GNU_FORMAT),
    "models.tar.gz": tarred(("b/model.pkl", EVIL), mode="w:gz"),
    "models.tar.xz": tarred(("b/model.pt", zipped(("archive/data.pkl", EVIL))), mode="w:xz"),
    "nested.zip": zipped(("in.zip", zipped(("model.pkl", EVIL)))),
    "nested-deflated.zip": zipped(("in.zip", zipped(("model.pkl", EVIL))), method=zipfile.ZIP_DEFLATED),
    "behind-a-picture.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 500 + zipped(("archive/data.pkl", EVIL)),
    "pickle-before-zip.pt": EVIL + zipped(("archive/data.pkl", GOOD)),
    "zip-behind-pickle.pkl": GOOD + zipped(("archive/data.pkl", EVIL)),
    "second-pickle.pkl": GOOD + EVIL,
    "model.keras": zipped(
        ("config.json", json.dumps({"config": {"layers": [{"class_name": "Lambda"}]}}).encode())
    ),
    "foreign.keras": zipped(
        ("config.json", json.dumps({"class_name": "Model", "module": "os", "config": {}}).encode()),
        method=zipfile.ZIP_DEFLATED,
    ),
    "model.h5": b"\x89HDF\r\n\x1a\n"
    + b"\0" * 100_000
    + b'{"class_name": "Lambda", "config": {}}'
    + b"\0" * 10,
    "saved_model.pb": b"\x0a\x04node\x12\x08ReadFile\x1a\x00",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_never_shown_as_safe(name):
    assert looked(HOSTILE[name], name).verdict == CAN_RUN_CODE


@pytest.mark.parametrize("name", [name for name in HOSTILE if not name.endswith((".keras", ".h5", ".pb"))])
def test_what_would_run_is_named(name):
    assert names(HOSTILE[name], name) == {NAME}


def _changed(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_headers_of_a_zip_archive_claim_hides_nothing(method):
    whole = zipped(("archive/data.pkl", EVIL), method=method)
    listed = whole.index(b"PK\x01\x02")
    claims = {
        "wrong checksum in the list": _changed(whole, listed + 16, b"\xde\xad\xbe\xef"),
        "wrong checksum in the header": _changed(whole, 14, b"\xde\xad\xbe\xef"),
        "encrypted, says the list": _changed(whole, listed + 8, b"\x01\x00"),
        "encrypted, says the header": _changed(whole, 6, b"\x01\x00"),
        "all flags": _changed(_changed(whole, 6, b"\xff\xff"), listed + 8, b"\xff\xff"),
        "another name in the header": _changed(whole, 30, b"readme/notes.txt"),
        "no size in the header": _changed(whole, 18, b"\0" * 8),
        "no size in the list": _changed(whole, listed + 20, b"\0" * 8),
        "an end that says it is empty": _changed(whole, whole.index(b"PK\x05\x06") + 8, b"\0" * 8),
        "a comment behind the end": whole + b"x" * 1000,
        "bytes before it": b"GIF89a" + b"\0" * 300 + whole,
        "a second end": whole + zipped(("readme.txt", b"text")),
    }
    for said, data in claims.items():
        assert names(data, "model.pt") == {NAME}, said


def test_another_method_in_the_header_is_tried_as_well():
    stored = zipped(("archive/data.pkl", EVIL))
    assert names(_changed(stored, 8, b"\x08\x00"), "model.pt") == {NAME}
    assert names(_changed(stored, stored.index(b"PK\x01\x02") + 10, b"\x08\x00"), "model.pt") == {NAME}


def test_a_file_that_says_it_is_encrypted_and_cannot_be_read_is_not_called_inert():
    data = zipped(("archive/data.pkl", b"\xaa" * 100))
    data = _changed(data, 6, b"\x01\x00")
    assert looked(data, "model.pt").verdict == NOT_EXAMINED


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.7z", b"7z\xbc\xaf\x27\x1c" + b"\0" * 100),
        ("model.rar", b"Rar!\x1a\x07\x01\x00" + b"\0" * 100),
        ("model.zst", b"\x28\xb5\x2f\xfd" + b"\0" * 100),
        ("model.joblib", b"\x04\x22\x4d\x18" + b"\0" * 100),
        ("model.rds", b"RDX3\nX\n"),
        ("in.zip", zipped(("model.pt", b"7z\xbc\xaf\x27\x1c" + b"\0" * 100))),
        ("method.zip", _changed(zipped(("a.pkl", EVIL)), 8, b"\x5d\x00")),
        ("cut.pkl.gz", gzip.compress(GOOD * 1000)[:40]),
        ("cut.zip", zipped(("a.txt", b"text"))[:30]),
    ],
)
def test_what_cannot_be_looked_into_is_said(name, data):
    if name == "method.zip":
        data = _changed(data, data.index(b"PK\x01\x02") + 10, b"\x5d\x00")
    found = looked(data, name)
    assert found.verdict == NOT_EXAMINED
    assert found.unread[0].why


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (
            "model.pt",
            zipped(
                ("archive/data.pkl", GOOD), ("archive/version", b"3\n"), ("archive/data/0", b"\x80\x02" * 500)
            ),
        ),
        ("model.npz", zipped(("arr_0.npy", _npy(b"\x00" * 800, "<f8")))),
        ("model.safetensors", struct.pack("<Q", 20) + b'{"w":{"dtype":"F32"}' + b"\0" * 400),
        ("model.gguf", b"GGUF\x03\0\0\0" + b"\0" * 400),
        ("model.onnx", b"\x08\x08\x12\x07pytorch" + b"\0" * 400),
        ("model.keras", zipped(("config.json", b'{"module": "keras.layers", "class_name": "Dense"}'))),
        ("model.h5", b"\x89HDF\r\n\x1a\n" + b'{"class_name": "Dense"}' + b"\0" * 400),
        ("config.json", b'{"module": "os"}'),
        ("data.tar.gz", tarred(("a.csv", b"a,b\n1,2\n"), ("b.txt", b"text"), mode="w:gz")),
        ("notes.gz", gzip.compress(b"notes\n" * 100)),
        ("empty.zip", zipped()),
        ("empty.tar", tarred()),
    ],
)
def test_good_files_are_inert(name, data):
    found = looked(data, name)
    assert (found.verdict, found.unread, dict(found.dangers)) == (LOOKS_INERT, [], {})


def test_an_archive_in_an_archive_is_followed_as_far_as_the_limit():
    data = zipped(("model.pkl", EVIL))
    for depth in range(4):
        data = zipped((f"{depth}.zip", data), method=zipfile.ZIP_DEFLATED)
    assert names(data) == {NAME}
    for depth in range(4, 9):
        data = zipped((f"{depth}.zip", data), method=zipfile.ZIP_DEFLATED)
    found = looked(data)
    assert found.verdict == NOT_EXAMINED
    assert "deep" in found.unread[0].why


def test_bombs_are_bounded():
    bomb = gzip.compress(b"\x80\x04" + b"N0" * 2_000_000)
    assert looked(bomb, "model.pkl.gz", unpacked=1_000_000).verdict == NOT_EXAMINED
    nested = zipped(("in.zip", b"PK\x03\x04" + b"\0" * 3_000_000), method=zipfile.ZIP_DEFLATED)
    assert looked(nested, aside=1_000_000).verdict == NOT_EXAMINED
    many = zipped(*((f"{n}.txt", b"") for n in range(50)))
    assert looked(many, entries=20).verdict == NOT_EXAMINED
    assert looked(many, directory=100).verdict == NOT_EXAMINED
    assert looked(program(b"N0" * 100_000), seconds=0.0).verdict == NOT_EXAMINED


def test_many_findings_are_bounded():
    data = b"".join(program(named("os", f"name{n}")) for n in range(1000))
    assert len(looked(data).dangers) == 200


def test_data_that_is_never_read_costs_nothing():
    read = []

    class Counted:
        size = 1 << 40

        def read_at(self, offset: int, length: int) -> bytes:
            read.append(length)
            return b"\0" * min(length, self.size - offset)

    from strongroom.core.scanning import scan

    assert scan(Counted(), "huge.bin").verdict == LOOKS_INERT
    assert sum(read) < 1_000_000


# Arrays of joblib lie between two opcodes; what is behind them must be seen, and what they hide, too.


def _wrapped(dtype: bytes, shape: bytes, rest: bytes, aligned: bytes = b"K\x10") -> bytes:
    state = (
        b"}("
        + short("subclass")
        + named("numpy", "ndarray")
        + short("shape")
        + shape
        + short("order")
        + short("C")
        + short("dtype")
        + dtype
        + short("allow_mmap")
        + b"\x88"
        + short("numpy_array_alignment_bytes")
        + aligned
        + b"u"
    )
    return named("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81" + state + b"b" + rest


def _dtype(name: str, state: bytes = b"") -> bytes:
    return named("numpy", "dtype") + short(name) + b"\x89\x88\x87R" + (state + b"b" if state else b"")


_F8 = _dtype("f8", b"(K\x03" + short("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t")


def test_what_stands_behind_an_array_of_joblib_is_read():
    array = b"\x02\xff\xff" + b"R" * 80
    data = program(_wrapped(_F8, b"K\x0a\x85", array), named("os", "system"), b")R")
    assert names(data, "m.joblib") == {"os.system"}
    inert = looked(program(_wrapped(_F8, b"K\x0a\x85", array), b"]"), "m.joblib")
    assert (inert.verdict, inert.unread) == (LOOKS_INERT, [])


def test_objects_in_an_array_of_joblib_are_read():
    assert names(program(_wrapped(_dtype("O8"), b"K\x01\x85", EVIL), b"]"), "m.joblib") == {NAME}


def test_records_that_hold_objects_are_not_taken_for_bytes():
    with_objects = b"(K\x03" + short("|") + b"NNNK\x08K\x01K\x3ft"
    plain = b"(K\x03" + short("|") + b"NNNK\x08K\x01K\x10t"
    hidden = looked(
        program(_wrapped(_dtype("V8", with_objects), b"K\x09\x85", EVIL + b"\0" * 99)), "m.joblib"
    )
    assert hidden.verdict == NOT_EXAMINED
    record = program(_wrapped(_dtype("V8", plain), b"K\x02\x85", b"\x00" + b"x" * 16))
    assert looked(record, "m.joblib").verdict == LOOKS_INERT


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [(b"N", b"K\x01\x85"), (_dtype("what"), b"K\x01\x85"), (_F8, b"N"), (_F8, b"K\xff\x85")],
)
def test_an_array_of_joblib_that_cannot_be_followed_is_not_called_inert(dtype, shape):
    assert looked(program(_wrapped(dtype, shape, b"\x00" + b"x" * 8)), "m.joblib").verdict == NOT_EXAMINED


@pytest.mark.parametrize(
    ("head", "name", "wanted"),
    [
        (struct.pack("<Q", 20) + b'{"w":{}}', "model.bin", "safetensors"),
        (b"GGUF\x03", "x", "GGUF"),
        (b"\x08\x08\x12\x07pytorch", "x", "ONNX"),
        (GOOD, "x", "pickle"),
        (b"PK\x03\x04", "x.pt", "zip archive"),
        (b"\x89HDF\r\n\x1a\n", "x", "HDF5"),
        (b"\x93NUMPY", "x", "NumPy array"),
        (b"a,b\n", "x.csv", "CSV"),
        (b"text\n", "x", "text"),
        (b"\0\1\2\xff", "x", "unknown"),
        (b"", "x", "empty"),
        (b"\x7fELF", "x.so", "ELF program or library"),
        ("é".encode() * 300, "x", "text"),
        (b"{}", "a/config.json", "JSON"),
        (b"7z\xbc\xaf\x27\x1c", "x.pt", "7z archive"),
    ],
)
def test_formats_are_known_by_their_bytes(head, name, wanted):
    assert format_of(head[:512], 10_000, name) == wanted


def test_python_bytecode_is_code():
    assert looked(b"\xa7\x0d\x0d\x0a" + b"\0" * 50, "module.pyc").verdict == CAN_RUN_CODE


def test_a_stream_is_read_forward_the_same_however_it_comes():
    from strongroom.core.scanning.sources import stream_from

    data = bytes(range(256)) * 20
    for size in (1, 7, 64, 5000):
        stream = stream_from(iter([data[at : at + size] for at in range(0, len(data), size)]))
        assert stream.peek(10) == data[:10]
        assert stream.byte() == 0
        assert stream.read(300) == data[1:301]
        assert stream.skip(99) == 99
        assert stream.tell() == 400
        assert stream.peek(2000) == data[400:2400]
        assert stream.read(len(data)) == data[400:]
        assert (stream.byte(), stream.read(5), stream.tell()) == (-1, b"", len(data))
    lines = stream_from(iter([b"ab", b"c\nde", b"f\n", b"rest"]))
    assert [lines.line(2), lines.line(9), lines.line(9)] == [b"ab", b"def", None]
    assert io.BytesIO(b"x").read() == b"x"
