"""The manifest store: sorted, chunked, content-addressed; write, read, browse, diff, digest."""

from registry.manifests.finding import Found, find
from registry.manifests.listing import Folder, FolderPage
from registry.manifests.reading import diff, entries, folder, lookup
from registry.manifests.references import count_references, references
from registry.manifests.referring import path_of, version_of
from registry.manifests.sealing import MissingBlob, MissingPage, missing, seal
from registry.manifests.staging import Prepared, Staged, prepare, stage

__all__ = [
    "Folder",
    "FolderPage",
    "Found",
    "MissingBlob",
    "MissingPage",
    "Prepared",
    "Staged",
    "count_references",
    "diff",
    "entries",
    "find",
    "folder",
    "lookup",
    "missing",
    "path_of",
    "prepare",
    "references",
    "seal",
    "stage",
    "version_of",
]
