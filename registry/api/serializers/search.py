"""What a search finds."""

from __future__ import annotations

from registry.api.serializers._common import record
from registry.api.serializers.collections import COLLECTION_PAGE
from registry.api.serializers.projects import PROJECT_PAGE
from registry.api.shapes import component

FOUND = component("Found", record({"projects": PROJECT_PAGE, "collections": COLLECTION_PAGE}))
