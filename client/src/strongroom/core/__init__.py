"""The artifact format: names, paths, digests, manifests and errors, shared by client and server."""
