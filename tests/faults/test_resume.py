"""A sample of `make faults ARGS=resume`: what arrived is not sent again, whoever was killed."""

from __future__ import annotations

import pytest

from tests.factories import unique
from tests.faults import resume
from tests.faults.world import MIB, World, temporary_folder

pytestmark = pytest.mark.installation


def test_a_log_and_a_download_go_on_where_client_and_server_were_killed(live_installation):
    with temporary_folder() as folder:
        world = World.of(live_installation, folder, unique("tortured"))
        try:
            rows = resume.measure(world, 64 * MIB, kills=1)
        finally:
            world.close()
    assert [fault for row in rows for fault in row.faults(kills=1)] == []
