"""The manifest store: sorted, chunked, content-addressed; write, read, browse, diff, digest."""

from registry.manifests.listing import Folder, FolderPage
from registry.manifests.reading import Totals, diff, entries, folder, lookup, totals
from registry.manifests.sealing import MissingBlob, MissingPage, missing, seal
from registry.manifests.staging import Builder, Prepared, Staged, prepare, stage

__all__ = [
    "Builder",
    "Folder",
    "FolderPage",
    "MissingBlob",
    "MissingPage",
    "Prepared",
    "Staged",
    "Totals",
    "diff",
    "entries",
    "folder",
    "lookup",
    "missing",
    "prepare",
    "seal",
    "stage",
    "totals",
]
