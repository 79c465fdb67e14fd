"""Images in files: an OCI layout (a folder or a tar), or the tar that `docker save` writes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

from astrago_actions.domain.image_size import ImageSize
from astrago_actions.domain.manifests import (
    DOCKER_MANIFEST,
    BrokenManifest,
    Descriptor,
    ImageIndex,
    ImageManifest,
    Manifest,
    labels_of,
    parse_manifest,
)
from astrago_actions.errors import ActionError, NotFound

_REFERENCE_NAME = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME = "io.containerd.image.name"
_DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_LARGEST_MANIFEST = 4 * 1024 * 1024


@dataclass(frozen=True)
class Blob:
    """A layer or configuration; `open` gives its bytes from the start, each time anew."""

    digest: str
    size: int
    open: Callable[[], BinaryIO]


@dataclass(frozen=True)
class StoredManifest:
    """A manifest's exact bytes, which its digest is of, and what they say."""

    digest: str
    content: bytes
    parsed: Manifest


@dataclass(frozen=True)
class ArchivedImage:
    """Everything that has to be pushed for one image.

    `manifest` is what the tag will name; `members` are the images of an index, pushed first.
    """

    manifest: StoredManifest
    members: tuple[StoredManifest, ...]
    blobs: tuple[Blob, ...]
    size: ImageSize
    labels: Mapping[str, str]


class _Files(Protocol):
    """The files of an archive, by their path inside it."""

    def has(self, name: str) -> bool: ...

    def size(self, name: str) -> int: ...

    def open(self, name: str) -> BinaryIO: ...


def read_archive(path: Path, temporary: Path, names: Sequence[str] = ()) -> ArchivedImage:
    """The image in an OCI layout, OCI archive or `docker save` tar.

    Where the archive holds several, the one called by one of `names` is meant. Layers that
    `docker save` left uncompressed are compressed into `temporary`, which must outlive the image.
    Raises ActionError saying what is wrong with the archive.
    """
    try:
        files: _Files = _Folder(path) if path.is_dir() else _Tar(path)
        if files.has("index.json"):
            return _from_layout(files, path, names)
        if files.has("manifest.json"):
            return _from_docker_save(files, path, temporary, names)
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError, IndexError) as error:
        raise _broken(path, str(error)) from error
    raise _broken(path, "it has neither index.json (OCI) nor manifest.json (docker save)")


def _from_layout(files: _Files, path: Path, names: Sequence[str]) -> ArchivedImage:
    index = parse_manifest(_content(files, "index.json"))
    if not isinstance(index, ImageIndex):
        raise BrokenManifest("index.json is not an index")
    chosen = _choose(index.manifests, names, _names_of, path)
    manifest = _manifest(files, chosen)
    members: tuple[StoredManifest, ...] = ()
    if isinstance(manifest.parsed, ImageIndex):
        members = tuple(_manifest(files, each) for each in manifest.parsed.manifests)
    blobs: dict[str, Blob] = {}
    for each in (manifest, *members):
        if isinstance(each.parsed, ImageManifest):
            wanted = (each.parsed.config, *each.parsed.layers)
            blobs |= {one.digest: _blob(files, one) for one in wanted if not one.elsewhere}
    size, runnable = _runnable(manifest, members)
    labels = labels_of(_content(files, _blob_name(runnable.config.digest))) if runnable else {}
    return ArchivedImage(manifest, members, tuple(blobs.values()), size, labels)


def _runnable(
    manifest: StoredManifest, members: Sequence[StoredManifest]
) -> tuple[ImageSize, ImageManifest | None]:
    """The size by platform, and one image that can be run."""
    if isinstance(manifest.parsed, ImageManifest):
        return ImageSize({"": manifest.parsed.size}), manifest.parsed
    parsed = {each.digest: each.parsed for each in members}
    images = {
        each.platform or each.digest: found
        for each in manifest.parsed.images
        if isinstance(found := parsed[each.digest], ImageManifest)
    }
    size = ImageSize({platform: image.size for platform, image in images.items()})
    return size, next(iter(images.values()), None)


def _from_docker_save(
    files: _Files, path: Path, temporary: Path, names: Sequence[str]
) -> ArchivedImage:
    """Source: moby image specification 1.2, "Combined Image JSON + Filesystem Changeset"."""
    entries = json.loads(_content(files, "manifest.json"))
    entry = _choose(entries, names, lambda each: each.get("RepoTags") or [], path)
    config_content = _content(files, entry["Config"])
    config = Descriptor(_DOCKER_CONFIG, _digest(config_content), len(config_content))
    layers = [_compressed(files, name, temporary) for name in entry["Layers"]]
    content = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": _entry(config),
            "layers": [_entry(_layer(each)) for each in layers],
        },
        separators=(",", ":"),
    ).encode()
    manifest = StoredManifest(_digest(content), content, parse_manifest(content))
    blobs = (Blob(config.digest, config.size, lambda: io.BytesIO(config_content)), *layers)
    size = ImageSize({"": sum(blob.size for blob in blobs)})
    return ArchivedImage(manifest, (), blobs, size, labels_of(config_content))


def _choose(
    entries: Sequence[Any],
    names: Sequence[str],
    names_of: Callable[[Any], Sequence[str]],
    path: Path,
) -> Any:
    if len(entries) == 1:
        return entries[0]
    for name in names:
        for entry in entries:
            if name in names_of(entry):
                return entry
    held = ", ".join(name for entry in entries for name in names_of(entry)) or "none with a name"
    raise NotFound(
        f"{path.name} holds {len(entries)} images and none of them is meant",
        f"{path} holds {held}; looked for {', '.join(names) or 'the only one'}.",
        "Name the image in the archive like the component or its tag, or give each component an "
        "archive of its own (`archive: out/{component}.tar`).",
    )


def _names_of(descriptor: Descriptor) -> list[str]:
    annotations = descriptor.annotations
    found = (annotations.get(_REFERENCE_NAME), annotations.get(_CONTAINERD_NAME))
    return [name for name in found if name]


def _manifest(files: _Files, descriptor: Descriptor) -> StoredManifest:
    content = _content(files, _blob_name(descriptor.digest))
    if _digest(content) != descriptor.digest:
        raise BrokenManifest(f"the content of {descriptor.digest} has another digest")
    parsed = parse_manifest(content, descriptor.media_type)
    return StoredManifest(descriptor.digest, content, parsed)


def _blob(files: _Files, descriptor: Descriptor) -> Blob:
    name = _blob_name(descriptor.digest)
    found = files.size(name)
    if found != descriptor.size:
        raise BrokenManifest(
            f"{descriptor.digest} has {found} bytes, its manifest says {descriptor.size}"
        )
    return Blob(descriptor.digest, descriptor.size, lambda: files.open(name))


def _blob_name(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    return f"blobs/{algorithm}/{value}"


def _content(files: _Files, name: str) -> bytes:
    with files.open(name) as file:
        content = file.read(_LARGEST_MANIFEST + 1)
    if len(content) > _LARGEST_MANIFEST:
        raise BrokenManifest(f"{name} is larger than 4 MiB")
    return content


def _compressed(files: _Files, name: str, temporary: Path) -> Blob:
    """The layer as a gzip file whose bytes depend on the layer alone."""
    with (
        tempfile.NamedTemporaryFile(dir=temporary, suffix=".layer", delete=False) as target,
        files.open(name) as source,
        gzip.GzipFile(fileobj=target, mode="wb", filename="", mtime=0, compresslevel=6) as zipped,
    ):
        shutil.copyfileobj(source, zipped, 1024 * 1024)
    path = Path(target.name)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1024 * 1024):
            digest.update(chunk)
    return Blob(f"sha256:{digest.hexdigest()}", path.stat().st_size, lambda: path.open("rb"))


def _layer(blob: Blob) -> Descriptor:
    return Descriptor(_DOCKER_LAYER, blob.digest, blob.size)


def _entry(descriptor: Descriptor) -> dict[str, object]:
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _broken(path: Path, why: str) -> ActionError:
    return ActionError(
        f"{path.name} is not an image archive that can be pushed",
        f"{path}: {why}",
        "Give an OCI layout, an uncompressed OCI archive, or what `docker save` wrote.",
    )


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def has(self, name: str) -> bool:
        return (self._root / name).is_file()

    def size(self, name: str) -> int:
        return (self._root / name).stat().st_size

    def open(self, name: str) -> BinaryIO:
        return (self._root / name).open("rb")


class _Tar:
    """An uncompressed tar, read in place: several threads may read several files at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with tarfile.open(path, "r:") as archive:
            self._members = {_normal(each.name): each for each in archive.getmembers()}

    def has(self, name: str) -> bool:
        return _normal(name) in self._members

    def size(self, name: str) -> int:
        return self._member(name).size

    def open(self, name: str) -> BinaryIO:
        member = self._member(name)
        return _Slice(self._path, member.offset_data, member.size)

    def _member(self, name: str) -> tarfile.TarInfo:
        """The file; `docker save` links layers that come twice."""
        member = self._members[_normal(name)]
        if member.issym():
            folder = PurePosixPath(name).parent
            member = self._members[_normal(str(folder / member.linkname))]
        elif member.islnk():
            member = self._members[_normal(member.linkname)]
        return member


def _normal(name: str) -> str:
    parts: list[str] = []
    for part in PurePosixPath(name).parts:
        if part == ".." and parts:
            parts.pop()
        elif part not in {".", "..", "/"}:
            parts.append(part)
    return "/".join(parts)


class _Slice(io.RawIOBase, BinaryIO):
    """A part of a file that reads like a file of its own; requests asks it for its length."""

    def __init__(self, path: Path, start: int, size: int) -> None:
        self._file = path.open("rb")
        self._file.seek(start)
        self._size = size
        self._position = 0

    def __len__(self) -> int:
        return self._size

    def tell(self) -> int:
        return self._position

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = self._size - self._position
        content = self._file.read(left if size < 0 else min(size, left))
        self._position += len(content)
        return content

    def close(self) -> None:
        self._file.close()
        super().close()
