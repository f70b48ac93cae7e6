"""What can be done: the fields at the top of a mutation, a file a noun."""

from __future__ import annotations

from registry.wandb_api.context import Context
from registry.wandb_api.mutations.collections import CollectionMutations
from registry.wandb_api.mutations.logging import LoggingMutations
from registry.wandb_api.mutations.registries import RegistryMutations
from registry.wandb_api.mutations.runs import RunMutations
from registry.wandb_api.mutations.unserved import Unserved
from registry.wandb_api.mutations.versions import VersionMutations


class Mutation(
    RunMutations, LoggingMutations, VersionMutations, CollectionMutations, RegistryMutations, Unserved
):
    """All of them."""

    def __init__(self, context: Context) -> None:
        self._context = context
