"""What the server reaches beyond itself, and only as far as its operator allows: references, later webhooks."""

from registry.outbound.outside import Outside, outside_of
from registry.outbound.pacing import Resting, slot
from registry.outbound.places import PlaceRefused, place_of

__all__ = ["Outside", "PlaceRefused", "Resting", "outside_of", "place_of", "slot"]
