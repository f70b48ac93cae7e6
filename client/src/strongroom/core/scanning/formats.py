"""Which format a file has, by its first bytes; by its name only where a format has none of its own."""

from __future__ import annotations

import struct

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"GGUF", "GGUF"),
    (b"ggjt", "GGML"), (b"tjgg", "GGML"), (b"lmgg", "GGML"), (b"fmgg", "GGML"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"\x93NUMPY", "NumPy array"),
    (b"PAR1", "Parquet"),
    (b"ARROW1\0\0", "Arrow"),
    (b"FEA1", "Feather"),
    (b"Obj\x01", "Avro"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"Rar!\x1a\x07", "RAR archive"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"\x04\x22\x4d\x18", "LZ4"), (b"\x02\x21\x4c\x18", "LZ4"),
    (b"\x1f\x9d", "compress archive"),
    (b"LZIP", "lzip"),
    (b"MSCF", "cabinet archive"),
    (b"xar!", "xar archive"),
    (b"\xff\x06\x00\x00sNaPpY", "Snappy"),
    (b"hsqs", "SquashFS image"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x7fELF", "ELF program or library"),
    (b"\xcf\xfa\xed\xfe", "Mach-O program or library"), (b"\xca\xfe\xba\xbe", "Mach-O program or library"),
    (b"MZ", "Windows program or library"),
    (b"RDX2\n", "R data"), (b"RDX3\n", "R data"),
    (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"%PDF-", "PDF"),
    (b"ustar", "tar archive"),
    (b"SQLite format 3\0", "SQLite"),
    (b"TFL3", "TensorFlow Lite"),
    (b"NCNN", "ncnn"),
    (b"#!", "script"),
)  # fmt: skip
# Those of which nothing is said by bytes, or that only their name tells apart from others.
_BY_NAME: tuple[tuple[str, str], ...] = (
    ("saved_model.pb", "TensorFlow SavedModel"), (".onnx", "ONNX"), (".pb", "Protocol buffer"),
    (".mlmodel", "Core ML"), (".pkl", "pickle"), (".py", "Python source"), (".json", "JSON"),
    (".yaml", "YAML"), (".yml", "YAML"), (".csv", "CSV"), (".tsv", "CSV"), (".md", "Markdown"),
    (".ubj", "XGBoost"), (".cbm", "CatBoost"), (".toml", "TOML"), (".txt", "text"),
)  # fmt: skip
SAFETENSORS, PICKLE, ZIP, PYC = "safetensors", "pickle", "zip archive", "Python bytecode"
# Archives and compressions that are known and can't be looked into here.
CLOSED = frozenset(
    {
        "7z archive", "RAR archive", "Zstandard", "LZ4", "compress archive", "lzip", "cabinet archive", "xar archive",
        "Snappy", "SquashFS image", "R data",
    }
)  # fmt: skip
HEAD = 512


def format_of(head: bytes, size: int, name: str) -> str:
    """Return the format of a file from its first bytes, its size and its name; "unknown" when nothing tells."""
    name = name.rpartition("/")[2].casefold()
    if _is_safetensors(head, size):
        return SAFETENSORS
    if head[:1] == b"\x80" and len(head) > 2 and head[1] <= 5 and head[2:3] in b"c}](XKJM\x8a\x8c\x95NG.UTqh":
        return PICKLE
    if head[2:4] == b"\r\n" and len(head) >= 16 and name.endswith((".pyc", ".pyo")):
        return PYC
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ZIP
    for magic, found in (*_MAGIC, (b"", "")):
        if magic and head.startswith(magic):
            return found
    if head[257:262] == b"ustar":
        return "tar archive"
    if head[4:8] == b"TFL3":
        return "TensorFlow Lite"
    if _is_onnx(head) and not name.endswith(".pb"):
        return "ONNX"
    return next((found for ending, found in _BY_NAME if name.endswith(ending)), _text_or_unknown(head))


def _is_safetensors(head: bytes, size: int) -> bool:
    if len(head) < 10:
        return False
    length = struct.unpack("<Q", head[:8])[0]
    return length <= size - 8 and head[8:10] == b'{"'


def _is_onnx(head: bytes) -> bool:
    """Say whether this begins as the model of ONNX does: its version, and who wrote it."""
    return len(head) > 4 and head[0] == 0x08 and head[1] < 0x20 and head[2] == 0x12 and head[3] < 0x40


def _text_or_unknown(head: bytes) -> str:
    if not head:
        return "empty"
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(head) < HEAD or error.start < len(head) - 4:
            return "unknown"
        text = head[: error.start].decode("utf-8")
    return "text" if all(letter.isprintable() or letter in "\r\n\t\f" for letter in text) else "unknown"
