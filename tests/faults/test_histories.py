"""A sample of `make faults ARGS=histories`: client processes race for the numbers of one collection."""

from __future__ import annotations

import pytest

from tests.factories import unique
from tests.faults import histories
from tests.faults.world import World, temporary_folder

pytestmark = pytest.mark.installation


def test_what_many_clients_were_told_can_have_happened(live_installation):
    with temporary_folder() as folder:
        world = World.of(live_installation, folder, unique("racer"))
        try:
            result = histories.measure(world, clients=6, logs=4, samples=30)
        finally:
            world.close()
    assert result.faults == []
    assert (len(result.given), result.samples >= 30) == (24, True)
