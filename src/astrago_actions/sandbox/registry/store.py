"""Blobs, manifests, tags and unfinished uploads, by repository."""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass

from astrago_actions.sandbox.registry.files import Files


@dataclass(frozen=True)
class StoredManifest:
    """A manifest or index as it was pushed."""

    digest: str
    media_type: str
    content: bytes


@dataclass
class Upload:
    """A blob on its way in; `state` must come back with each request, as it does elsewhere."""

    repository: str
    state: str
    content: bytearray


def digest_of(content: bytes) -> str:
    """The content's address: `sha256:` and 64 hex digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Store:
    """What the registry keeps; every method is one step that others see as a whole."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._lock = threading.RLock()
        self._uploads: dict[str, Upload] = {}

    def blob(self, repository: str, digest: str) -> bytes | None:
        """A blob that was pushed or mounted into this repository."""
        with self._lock:
            if not self._files.exists(_link(repository, digest)):
                return None
            return self._files.read(_blob(digest))

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether the repository holds the blob."""
        with self._lock:
            return self._files.exists(_link(repository, digest))

    def add_blob(self, repository: str, content: bytes) -> str:
        """Keep a blob; returns its digest."""
        digest = digest_of(content)
        with self._lock:
            self._files.write(_blob(digest), content)
            self._files.write(_link(repository, digest), b"")
        return digest

    def mount(self, repository: str, digest: str, source: str) -> bool:
        """Let the repository hold a blob of `source` too; False when `source` has no such blob."""
        with self._lock:
            if not self._files.exists(_link(source, digest)):
                return False
            self._files.write(_link(repository, digest), b"")
            return True

    def begin_upload(self, repository: str) -> tuple[str, Upload]:
        """A new upload and its id."""
        upload_id = secrets.token_hex(16)
        upload = Upload(repository, secrets.token_urlsafe(12), bytearray())
        with self._lock:
            self._uploads[upload_id] = upload
        return upload_id, upload

    def upload(self, repository: str, upload_id: str) -> Upload | None:
        """An upload that was begun in this repository and is not finished."""
        with self._lock:
            found = self._uploads.get(upload_id)
        return found if found and found.repository == repository else None

    def end_upload(self, upload_id: str) -> None:
        """Forget an upload."""
        with self._lock:
            self._uploads.pop(upload_id, None)

    def manifest(self, repository: str, reference: str) -> StoredManifest | None:
        """The manifest under a tag or digest."""
        with self._lock:
            digest = reference if ":" in reference else self.digest_of(repository, reference)
            if digest is None:
                return None
            media_type = self._files.read(_manifest(repository, digest))
            content = self._files.read(_blob(digest))
        if media_type is None or content is None:
            return None
        return StoredManifest(digest, media_type.decode(), content)

    def add_manifest(self, repository: str, media_type: str, content: bytes, tag: str) -> str:
        """Keep a manifest, under a tag unless that is empty; returns its digest."""
        digest = digest_of(content)
        with self._lock:
            self._files.write(_blob(digest), content)
            self._files.write(_manifest(repository, digest), media_type.encode())
            if tag:
                self._files.write(_tag(repository, tag), digest.encode())
        return digest

    def digest_of(self, repository: str, tag: str) -> str | None:
        """The digest that a tag stands for."""
        with self._lock:
            digest = self._files.read(_tag(repository, tag))
        return digest.decode() if digest else None

    def tags(self, repository: str) -> list[str]:
        """The tags in lexical order; empty where the repository is unknown."""
        with self._lock:
            return self._files.names(f"repositories/{repository}/_tags")


def _hex(digest: str) -> str:
    return digest.partition(":")[2]


def _blob(digest: str) -> str:
    return f"blobs/{_hex(digest)}"


def _link(repository: str, digest: str) -> str:
    """No part of a repository's name begins with `_`, so these names never meet."""
    return f"repositories/{repository}/_blobs/{_hex(digest)}"


def _manifest(repository: str, digest: str) -> str:
    return f"repositories/{repository}/_manifests/{_hex(digest)}"


def _tag(repository: str, tag: str) -> str:
    return f"repositories/{repository}/_tags/{tag}"
