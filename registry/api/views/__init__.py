"""Views by noun: read the request, call one service, represent."""
