"""What the server reaches beyond itself, and only as far as its operator allows: references, and webhooks."""

from registry.outbound.outside import Outside, outside_of
from registry.outbound.pacing import Resting, slot
from registry.outbound.places import PlaceRefused, place_of
from registry.outbound.posting import Posted, check_address_of, post

__all__ = [
    "Outside",
    "PlaceRefused",
    "Posted",
    "Resting",
    "check_address_of",
    "outside_of",
    "place_of",
    "post",
    "slot",
]
