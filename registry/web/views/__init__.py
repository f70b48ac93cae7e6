"""Views: read the request, call one service, render. One module a noun."""
