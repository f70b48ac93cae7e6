"""What the schema's types are made of: a node for each, over rows of ours."""

from registry.wandb_api.nodes import collections, files, people, projects, runs, versions

__all__ = ["collections", "files", "people", "projects", "runs", "versions"]
