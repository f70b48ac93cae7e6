"""What the server reaches beyond itself, and only as far as its operator allows: references, later webhooks."""

from registry.outbound.outside import Outside, outside_of
from registry.outbound.pacing import Resting, slot

__all__ = ["Outside", "Resting", "outside_of", "slot"]
