"""Looks for serialized code in files without ever loading them, and says which formats they have.

`scan` reads the opcodes of pickles, wherever they lie: by themselves, in PyTorch's archives, in arrays of NumPy, in zip
and tar archives and compressed streams, within each other. See docs/checks.md for what is found, and what isn't.
"""

from strongroom.core.scanning.budget import Limits
from strongroom.core.scanning.formats import HEAD, format_of
from strongroom.core.scanning.report import CAN_RUN_CODE, LOOKS_INERT, NOT_EXAMINED, Danger, Report, Unread
from strongroom.core.scanning.scanner import scan
from strongroom.core.scanning.sources import BytesSource, FileSource, Source

# Another number when the same bytes would be judged in another way: what was scanned is scanned again.
RULES = 1

__all__ = [
    "CAN_RUN_CODE",
    "HEAD",
    "LOOKS_INERT",
    "NOT_EXAMINED",
    "RULES",
    "BytesSource",
    "Danger",
    "FileSource",
    "Limits",
    "Report",
    "Source",
    "Unread",
    "format_of",
    "scan",
]
