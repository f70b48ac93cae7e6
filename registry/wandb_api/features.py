"""What this server does that the client asks about; what is not named is off."""

from __future__ import annotations

from typing import Any

# Not among them: ARTIFACT_DIGEST_ALGORITHM, so that there is one kind of digest, the MD5 of all versions of the client.
FEATURES = (
    "ARTIFACT_REGISTRY_SEARCH",
    "ARTIFACT_TAGS",
    "CLIENT_IDS",
    "LARGE_FILENAMES",
    "ARTIFACT_COLLECTION_MEMBERSHIP_FILES",
    "PROJECT_ARTIFACT_COLLECTION_MEMBERSHIP",
    "USE_ARTIFACT_WITH_ENTITY_AND_PROJECT_INFORMATION",
    "INCLUDE_ARTIFACT_TYPES_IN_REGISTRY_CREATION",
    "ARTIFACT_MEMBERSHIP_IN_LINK_ARTIFACT_RESPONSE",
    "TOTAL_COUNT_IN_FILE_CONNECTION",
    "ARTIFACT_V2_DOWNLOAD_HANDLER_SUPPORTS_ARTIFACT_ID",
)


def server_info() -> dict[str, Any]:
    """Say what this server does."""
    features = [{"name": name, "isEnabled": True} for name in FEATURES]
    return {"features": features, "cliVersionInfo": None, "exposesExplicitProjectAccess": False}
