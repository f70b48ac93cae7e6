"""A sample of the reads of damaged contents that `make faults` does a thousand times."""

from __future__ import annotations

import pytest

from tests.faults.damaged_reads import Reader

pytestmark = pytest.mark.django_db


def test_no_wrong_byte_ends_as_success():
    reader = Reader()
    assert reader.sound() == []
    found = reader.measure(60)
    assert found.wrong == []
    assert found.refused + found.cut_short == 60
