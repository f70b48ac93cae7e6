"""The opcodes of pickles, protocols 0 to 5: what follows each of them in the bytes.

Of the arguments only those are read into memory that could be a name; all others are passed over.
"""

from __future__ import annotations

# Kinds of arguments: none, so many bytes, a line, two lines, or a length of so many bytes and then as many bytes.
NONE, LINE, TWO_LINES = 0, -1, -2
COUNTED_1, COUNTED_4, COUNTED_8 = -11, -14, -18
COUNT_BYTES = {COUNTED_1: 1, COUNTED_4: 4, COUNTED_8: 8}

ARGUMENTS: dict[int, int] = {
    **dict.fromkeys(b"(.012Nabdelostu}])QR", NONE),
    **dict.fromkeys(b"\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98", NONE),
    **dict.fromkeys(b"FILPSVgp", LINE),
    **dict.fromkeys(b"ci", TWO_LINES),
    **dict.fromkeys(b"Khq\x80\x82", 1),
    **dict.fromkeys(b"M\x83", 2),
    **dict.fromkeys(b"Jjr\x84", 4),
    **dict.fromkeys(b"G\x95", 8),
    **dict.fromkeys(b"UC\x8a\x8c", COUNTED_1),
    **dict.fromkeys(b"TXB\x8b", COUNTED_4),
    **dict.fromkeys(b"\x8d\x8e\x96", COUNTED_8),
}
# Of them those that push a text, which may become a name.
TEXTS = frozenset(b"SVUTX\x8c\x8d")
HIGHEST_PROTOCOL = 5
