"""The two written forms of a manifest: what is read is what was written, and hostile bytes are refused."""

from __future__ import annotations

import contextlib
import io
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strongroom.core.errors import InvalidDigest, InvalidInput, InvalidManifest, InvalidPath
from strongroom.core.manifest import (
    Entry,
    check_order,
    read_lines,
    read_wandb,
    sorted_entries,
    write_lines,
    write_wandb,
)

from tests.core.strategies import manifests

SHA = "ab" * 32
MD5 = "XUFAKrxLKna5cZ2REBfFkg=="
HEX = "5d41402abc4b2a76b9719d911017c592"


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(manifests(), st.integers(1, 200))
def test_reading_lines_undoes_writing_them_however_they_are_cut(entries, size):
    written = b"".join(write_lines(entries))
    assert list(read_lines(cut(written, size))) == entries
    assert list(read_lines([written.rstrip(b"\n")])) == entries


@given(manifests())
def test_lines_are_json_for_everybody(entries):
    lines = b"".join(write_lines(entries)).decode().split("\n")[:-1]
    assert [json.loads(line) for line in lines] == [entry.to_json() for entry in entries]
    assert list(read_lines([json.dumps(json.loads(line)).encode() + b"\n" for line in lines])) == entries


@given(manifests(with_md5=True), st.integers(1, 200))
def test_reading_the_wandb_form_undoes_writing_it_however_it_is_cut(entries, size):
    written = b"".join(write_wandb(entries))
    known = [replace(entry, sha256=None) for entry in entries]
    assert list(read_wandb(cut(written, size))) == known
    assert list(read_wandb(io.BytesIO(written))) == known
    spaced = json.dumps(json.loads(written), indent=2).encode()
    assert list(check_order(sorted_entries(read_wandb(cut(spaced, size))))) == known


def line(**changes: object) -> bytes:
    return json.dumps({"path": "a", "size": 1, "sha256": SHA} | changes).encode() + b"\n"


def test_the_short_and_the_long_way_read_the_same():
    for text in (line(), line(md5=HEX), line(md5=HEX, digest=MD5), line(size=0), line(path="a/b c=1")):
        data = json.loads(text)
        (short,) = read_lines([text])
        (long,) = read_lines([json.dumps(dict(reversed(data.items()))).encode()])
        assert short == long == Entry.from_json(data)


def test_empty_lines_and_an_empty_manifest_are_no_entries():
    assert list(read_lines([])) == list(read_lines([b"", b"\n\n  \n"])) == []
    assert [entry.path for entry in read_lines([b"\n" + line() + b"\r\n" + line(path="b")])] == ["a", "b"]


HOSTILE_LINES = {
    "no JSON": b"{",
    "a list": b"[]\n",
    "two in a line": line().strip() + line(),
    "an array over two lines": b'{"path":"a"},{"x":[{}\n{}]}\n',
    "equal keys": b'{"path":"a","path":"b","size":1,"sha256":"' + SHA.encode() + b'"}\n',
    "1e400": b'{"path":"a","size":1e400,"sha256":"' + SHA.encode() + b'"}\n',
    "a size in points": line(size=1.0),
    "a size of true": line(size=True),
    "a size of text": line(size="1"),
    "a size of 5000 digits": b'{"path":"a","size":' + b"9" * 5000 + b',"sha256":"' + SHA.encode() + b'"}\n',
    "a size of 2^63": line(size=2**63),
    "a negative size": line(size=-1),
    "no size": line(size=None),
    "deep": b'{"path":' + b"[" * 100_000 + b"\n",
    "a long path": line(path="a/" * 200 + "a" * 300),
    "a path up": line(path="../a"),
    "a device": line(path="a/con"),
    "a device with an end": line(path="nul.txt"),
    "a path with a break": line(path="a\n"),
    "no path": b"{}\n",
    "a number for a path": line(path=1),
    "capitals": line(sha256=SHA.upper()),
    "an MD5 in base64": line(md5=MD5),
    "an MD5 that differs": line(md5=HEX, digest="rL0Y20zC+Fzt72VPzMSk2A=="),
    "an MD5 that is text": line(md5="x"),
    "not UTF-8": b'{"path":"\xff"}\n',
    "UTF-16": line().decode().encode("utf-16"),
    "an endless line": b" " * 300_000,
    "an endless line in pieces": b'{"path":"' + b"a" * 300_000,
    "a reference without digest": line(sha256=None, ref="s3://b"),
    "a reference with SHA-256": line(ref="s3://b", digest="x"),
    "an extra that is too long": line(sha256=None, ref="s3://b", digest="x", extra={"x": "y" * 132_000}),
    "extra that is no object": line(sha256=None, ref="s3://b", digest="x", extra=[1]),
}


@pytest.mark.parametrize("size", [7, 1 << 20])
@pytest.mark.parametrize("data", HOSTILE_LINES.values(), ids=HOSTILE_LINES.keys())
def test_hostile_lines_are_refused(data, size):
    with pytest.raises(InvalidInput) as caught:
        list(read_lines(cut(data, size)))
    assert len(caught.value.message) < 600


@given(st.lists(st.binary(max_size=30) | st.just(line())))
def test_any_bytes_are_entries_or_refused(pieces):
    with contextlib.suppress(InvalidInput):
        list(read_lines(pieces))
    with contextlib.suppress(InvalidInput):
        list(read_wandb(pieces))


def wandb(contents: str, around: str = '"version":1,') -> bytes:
    return f'{{{around}"contents":{{{contents}}}}}'.encode("utf-8", "surrogatepass")


ENTRY = f'{{"digest":"{MD5}","size":1}}'


def test_what_a_wandb_client_adds_is_dropped_and_keys_come_in_any_order():
    written = (
        f'{{"contents": {{"b": {{"size": 1, "local_path": "/home/x", "skip_cache": true, "digest": "{MD5}",'
        f' "birthArtifactID": "QXJ0", "new": [1.5e3, -2E+1]}}, "a": {{"digest": "etag", "ref": "s3://b/a",'
        ' "extra": {"etag": "etag"}}}, "storagePolicyConfig": {"storageLayout": "V2"}, "version":1}'
    ).encode()
    for size in (1, 2, 3, 1000):
        assert list(read_wandb(cut(written, size))) == [
            Entry("b", MD5, 1),
            Entry("a", "etag", None, None, "s3://b/a", {"etag": "etag"}),
        ]
    assert b"local_path" not in b"".join(write_wandb(read_wandb([written])))


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_numbers_are_whole_wherever_they_are_cut(size):
    for number in ("12.5", "1e5", "1E+5", "-0.25e-3", "123456789"):
        written = wandb("", f'"version":1,"x":{number},')
        assert list(read_wandb(cut(written, size))) == []
    with pytest.raises(InvalidManifest, match="version"):
        list(read_wandb(cut(wandb("", '"version":1.0,'), size)))


HOSTILE_WANDB = {
    "nothing": b"",
    "a list": b"[]",
    "no contents": b'{"version":1}',
    "no version": wandb("", ""),
    "version 2": wandb("", '"version":2,'),
    "version true": wandb("", '"version":true,'),
    "version 1.0": wandb("", '"version":1.0,'),
    "contents twice": b'{"version":1,"contents":{},"contents":{}}',
    "contents as a list": b'{"version":1,"contents":[]}',
    "something after": wandb("") + b"x",
    "cut short": wandb(f'"a":{ENTRY}')[:-1],
    "a comma too many": wandb(f'"a":{ENTRY},'),
    "no comma": wandb(f'"a":{ENTRY} "b":{ENTRY}'),
    "a key without quotes": wandb(f"a:{ENTRY}"),
    "an entry that is text": wandb('"a":"x"'),
    "an entry that is deep": wandb('"a":{"x":' + "[" * 100_000),
    "an extra that is deep": wandb('"a":{"x":' + "[" * 150 + "]" * 150 + "}"),
    "a key twice": wandb(f'"a":{{"size":1,"size":2,"digest":"{MD5}"}}'),
    "1e400": wandb(f'"a":{{"size":1e400,"digest":"{MD5}"}}'),
    "Infinity in extra": wandb(f'"a":{{"size":1,"digest":"{MD5}","extra":{{"x":Infinity}}}}'),
    "5000 digits": wandb(f'"a":{{"size":{"9" * 5000},"digest":"{MD5}"}}'),
    "a path up": wandb(f'"../a":{ENTRY}'),
    "an absolute path": wandb(f'"/a":{ENTRY}'),
    "a surrogate": wandb(f'"\\ud800":{ENTRY}'),
    "raw surrogate": wandb(f'"\ud800":{ENTRY}'),
    "no digest": wandb('"a":{"size":1}'),
    "a digest that is no MD5": wandb('"a":{"size":1,"digest":"x"}'),
    "a value of a megabyte": wandb(f'"a":{{"digest":"{MD5}","x":"{"x" * 2_000_000}'),
    "a key of a megabyte": wandb(f'"{"a" * 2_000_000}'),
    "a thousand keys": wandb("", '"version":1,' + "".join(f'"k{n}":1,' for n in range(1000))),
    "not UTF-8": b'{"version":1,"contents":{"\xff":1}}',
    "UTF-8 cut short": b'{"version":1,"contents":{}}\xc3',
}


@pytest.mark.parametrize("size", [61, 1 << 22])
@pytest.mark.parametrize("data", HOSTILE_WANDB.values(), ids=HOSTILE_WANDB.keys())
def test_hostile_wandb_manifests_are_refused(data, size):
    with pytest.raises((InvalidManifest, InvalidPath, InvalidDigest)) as caught:
        list(read_wandb(cut(data, size)))
    assert len(caught.value.message) < 600


MANY = 30_000


def _many(count: int) -> Iterator[Entry]:
    return (Entry(f"folder/{n:07}", MD5, n, SHA) for n in range(count))


@pytest.mark.parametrize(
    "read",
    [
        lambda: read_lines(write_lines(_many(MANY))),
        lambda: check_order(_many(MANY)),
        lambda: read_wandb(write_wandb(_many(MANY))),
        lambda: sorted_entries(read_wandb(write_wandb(_many(MANY))), in_memory=1000),
    ],
)
def test_no_manifest_is_held_in_memory(read):
    tracemalloc.start()
    try:
        assert sum(1 for _ in read()) == MANY
        assert tracemalloc.get_traced_memory()[1] < 6 * 1024 * 1024
    finally:
        tracemalloc.stop()
