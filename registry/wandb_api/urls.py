"""The routes of the `wandb` client: its addresses are given, and each begins with a name that no entity may have."""

from __future__ import annotations

from django.urls import path

from registry.wandb_api.views import graphql, streams, transfers

app_name = "wandb"
urlpatterns = [
    path("graphql", graphql.graphql, name="graphql"),
    path("files/upload/<token>", transfers.file, name="file"),
    path("files/manifest/<token>", transfers.manifest, name="manifest"),
    path("files/run/<token>", transfers.run_file, name="run-file"),
    path("files/read/<token>", transfers.read, name="read"),
    path("files/<entity>/<project>/<run>/file_stream", streams.file_stream, name="file-stream"),
    path(
        "artifactsV2/<region>/<entity>/<project>/<collection>/<path:rest>",
        transfers.by_digest,
        name="by-digest",
    ),
]
