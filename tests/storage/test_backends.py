"""The conformance suite, run by each storage that needs no service."""

from __future__ import annotations

import os

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, storages

from registry.errors import Unavailable
from registry.storage import backends
from registry.storage.backends import GenericBackend, LocalBackend
from tests.storage.conformance import BackendConformance, finished_file


class TestLocal(BackendConformance):
    @pytest.fixture
    def backend(self):
        backend = backends.current()
        assert isinstance(backend, LocalBackend)
        return backend


class TestInMemory(BackendConformance):
    @pytest.fixture
    def backend(self, in_memory):
        backend = backends.current()
        assert isinstance(backend, GenericBackend)
        return backend


class TestAnyFileSystemStorage(BackendConformance):
    @pytest.fixture
    def backend(self, tmp_path):
        return GenericBackend(FileSystemStorage(tmp_path / "elsewhere"))


class TestLocalWithoutHardLinks(BackendConformance):
    """File systems such as FAT know one name for a file: keeping both is then not possible."""

    @pytest.fixture
    def backend(self, monkeypatch):
        def refuse(*_):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        return backends.current()

    def test_a_file_adopted_to_be_kept_stays(self, backend):
        path = finished_file(b"some bytes")
        backend.adopt(path, "large/ab/1", keep=True)
        with backend.open("large/ab/1") as opened:
            assert opened.read() == b"some bytes"


def test_django_s_own_save_is_durable_and_keeps_the_name():
    storage = storages["blobs"]
    assert storage.save("some/name.bin", ContentFile(b"one")) == "some/name.bin"
    assert storage.save("some/name.bin", ContentFile(b"two")) == "some/name.bin"
    with storage.open("some/name.bin") as opened:
        assert opened.read() == b"two"


def test_a_storage_that_renames_is_refused_and_keeps_nothing():
    class Renaming(InMemoryStorage):
        def get_available_name(self, name, max_length=None):
            return f"{name}-renamed"

    storage = Renaming()
    with pytest.raises(Unavailable, match="renamed"):
        GenericBackend(storage).put("packs/1", ContentFile(b"x"))
    assert storage.listdir("packs") == ([], [])


def test_an_incoming_folder_on_another_file_system_is_a_wrong_setting(monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    path = finished_file(b"x")
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ImproperlyConfigured, match="INCOMING_DIR"):
        backends.current().adopt(path, "packs/1")


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "packs/../../outside"])
def test_no_name_leads_out_of_the_store(name):
    with pytest.raises(SuspiciousFileOperation):
        backends.current().adopt(finished_file(b"x"), name)
