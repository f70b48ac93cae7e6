"""The checks that the server makes by itself, in the order in which they are shown."""

from __future__ import annotations

from registry.services.card_check import CARD
from registry.services.check_kinds import BuiltIn
from registry.services.code_check import CODE
from registry.services.file_check import FILES
from registry.services.format_check import FORMATS
from registry.services.lineage_check import LINEAGE
from registry.services.metric_check import METRICS
from registry.services.reference_check import REFERENCES

BUILT_IN: tuple[BuiltIn, ...] = (METRICS, CARD, LINEAGE, REFERENCES, CODE, FORMATS, FILES)
BY_NAME = {each.name: each for each in BUILT_IN}
OF_VERSION = tuple(each for each in BUILT_IN if not each.of_promotion)
# Names that begin so are the server's, whatever comes to be built in.
RESERVED = "strongroom/"
