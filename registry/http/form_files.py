"""Files that come with a form of a page: kept on disk as they arrive, hashed on their way, up to a stated limit."""

from __future__ import annotations

import errno
import hashlib
import tempfile
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from registry.errors import RegistryError, StorageFull, TooLarge

# The one page whose form takes files.
_TAKES = "/new-version"
MOST_FILES = 1000
# What is far beyond the limit is not even read to its end.
_DRAINED = 4


class HashedFile(UploadedFile):
    """A file that lies in a temporary one without a name, which goes with whoever holds it."""

    sha256 = ""


class FormFiles(FileUploadHandler):
    """Takes each file as it comes; what the form may not bring is told by its view, from `files_error`."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self._count = self._sum = 0
        self._is_far_beyond = False

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],  # noqa: N803  # Django's name
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Know beforehand how much there is."""
        self._is_far_beyond = content_length > _DRAINED * settings.FORM_FILES_LIMIT

    def new_file(self, *given: Any, **named: Any) -> None:
        """Begin a file."""
        super().new_file(*given, **named)
        self._count += 1
        if self._count > MOST_FILES:
            self._stop(
                TooLarge(
                    f"A form takes {MOST_FILES:,} files. Send more of them from a terminal, or with scripts."
                )
            )
        self._digest = hashlib.sha256()
        self.file = self._written(self._opened)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a piece."""
        self._sum += len(raw_data)
        if self._sum > settings.FORM_FILES_LIMIT:
            self._stop(
                TooLarge(
                    f"A form takes {settings.FORM_FILES_LIMIT // 10**6:,} MB of files. Send more of them from a "
                    f"terminal, or with scripts."
                )
            )
        self._digest.update(raw_data)
        self._written(lambda: self.file.write(raw_data))

    def file_complete(self, file_size: int) -> HashedFile:
        """Hand the whole file on."""
        self.file.seek(0)
        made = HashedFile(self.file, self.file_name, self.content_type, file_size)
        made.sha256 = self._digest.hexdigest()
        return made

    def _opened(self) -> Any:
        settings.INCOMING_DIR.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=settings.INCOMING_DIR)

    def _written(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            self._stop(StorageFull("The server's disk is full; free some space on it and try again."))

    def _stop(self, error: RegistryError) -> None:
        self.request.files_error = error  # type: ignore[union-attr]  # read by the view of the form
        raise StopUpload(connection_reset=self._is_far_beyond)


def takes_files(request: HttpRequest) -> bool:
    """Tell whether a form may bring files: on its one page, from somebody who is signed in."""
    return request.path_info.endswith(_TAKES) and SESSION_KEY in request.session
