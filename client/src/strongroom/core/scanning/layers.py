"""Models that hold code in their description: Lambda layers and foreign classes of Keras, operations of TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Iterator

from strongroom.core.scanning.budget import Budget
from strongroom.core.scanning.report import Report

_OVERLAP = 4096
_LAMBDA = re.compile(rb'\\?"class_name\\?"\s*:\s*\\?"(Lambda|__lambda__)\\?"')
# A class is imported from the module that the description names.
_FOREIGN = re.compile(rb'\\?"module\\?"\s*:\s*\\?"([\w.]{1,200})\\?"')
_REGISTERED = re.compile(rb"(keras|tf_keras|tensorflow|keras_core|builtins)(\.[\w.]*)?")
_OPERATIONS = re.compile(
    rb"[\x00-\x1f](ReadFile|WriteFile|PyFunc|EagerPyFunc|PyFuncStateless|LoadLibrary)[\x00-\x1f\x22]"
)
_BUILTINS = re.compile(rb"builtins?(\.|$)")


def scan_keras(pieces: Iterator[bytes], place: str, report: Report, budget: Budget) -> None:
    """Look for layers that hold Python code, or classes that are imported from elsewhere, in a model's description."""
    for offset, data in _windows(pieces, budget):
        for found in _LAMBDA.finditer(data):
            report.danger(
                place,
                offset + found.start(),
                "keras Lambda layer",
                "holds Python code, which runs when it is loaded",
            )
        for found in _FOREIGN.finditer(data) if b"class_name" in data else ():
            module = found[1]
            if not _REGISTERED.fullmatch(module) or _BUILTINS.match(module):
                name = f"keras class of {module.decode()}"
                report.danger(place, offset + found.start(), name, "is imported and made when this is loaded")


def scan_graph(pieces: Iterator[bytes], place: str, report: Report, budget: Budget) -> None:
    """Look for operations of TensorFlow that read and write files, or call Python."""
    for offset, data in _windows(pieces, budget):
        for found in _OPERATIONS.finditer(data):
            name = f"tensorflow {found[1].decode()}"
            report.danger(
                place, offset + found.start(), name, "is run by the model on the machine that loads it"
            )


def _windows(pieces: Iterator[bytes], budget: Budget) -> Iterator[tuple[int, bytes]]:
    """Give the bytes in parts that overlap, so that what lies across two is found."""
    at, rest = 0, b""
    for piece in pieces:
        data = rest + piece
        yield at, data
        rest = data[-_OVERLAP:]
        at += len(data) - len(rest)
        budget.check()
