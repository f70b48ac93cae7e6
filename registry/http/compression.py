"""Pages go compressed to who takes gzip: a list of 25 rows is a fifth of its size then."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressedPages(GZipMiddleware):
    """Compress pages that were asked for by GET; downloads keep their length, and files are compressed already.

    Lengths of compressed pages can tell a secret of them to who makes us repeat guesses (BREACH). Django masks the
    token of forms anew in each answer and adds up to 100 random bytes; keys and links that are shown once stand only
    in answers to POST, which stay as they are.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_html = response.headers.get("Content-Type", "").startswith("text/html")
        if request.method == "POST" or response.streaming or not is_html:
            return response
        return super().process_response(request, response)
