"""Each operation of the installed client that this door serves fits its schema, and its limits."""

from __future__ import annotations

import pytest

from registry.wandb_api import documents
from tests.wandb import operations

# What the client can ask for and this server never knew: people's keys, sweeps, queues, reports, lines of output.
ELSEWHERE = {
    *("CREATE_SERVICE_ACCOUNT", "CREATE_USER_FROM_ADMIN", "DELETE_API_KEY", "GENERATE_API_KEY"),
    *("GET_AGENT_RUNS", "GET_SWEEP", "GET_SWEEPS", "GET_SWEEP_AGENT", "GET_SWEEP_AGENTS", "GET_SWEEP_LEGACY"),
    *(
        "CreateCustomChart",
        "CreateDefaultResourceConfig",
        "CreateRunQueue",
        "UpsertRunQueue",
        "EnqueueSweepRun",
    ),
    *("SweepConfig", "SweepRunsWithHistory", "UpsertSweepState", "NotifyScriptableRunAlert", "RewindRun"),
    *("RunConsoleLogPage", "RunConsoleLogTail", "RunParquetHistory"),
}
ALL = operations.of_python() | operations.of_core()


def test_the_documents_of_both_halves_of_the_client_are_found():
    assert {"ARTIFACT_BY_ID", "PROJECT_ARTIFACTS", "LINK_ARTIFACT"} <= operations.of_python().keys()
    assert {"CreateArtifact", "CommitArtifact", "UpsertBucket", "Viewer"} <= operations.of_core().keys()


@pytest.mark.parametrize("name", sorted(ALL.keys() - ELSEWHERE))
def test_an_operation_of_the_client_is_valid(name):
    assert [error.message for error in documents.read(ALL[name]).errors] == []


def test_what_is_left_out_is_really_unknown():
    """Whatever comes to be served leaves the list."""
    assert [name for name in sorted(ELSEWHERE & ALL.keys()) if not documents.read(ALL[name]).errors] == []
