"""Images without an engine: an OCI archive of one layer, written from files.

Source: OCI image specification 1.1, "Image Layout Specification" and "Image Configuration".
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_oci_archive(archive: Path, files: Mapping[str, Path], settings: Mapping[str, Any]) -> str:
    """Write an image that holds `files` (path in the image -> file or folder); returns its digest.

    `settings` is the image's own configuration: `Entrypoint`, `User`, `Labels` and the like. The
    same files give the same digest: times and owners are left out.
    """
    blobs: dict[str, bytes] = {}

    def stored(media_type: str, content: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        blobs[digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    layer = _layer(files)
    packed = gzip.compress(layer, mtime=0)
    configuration = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": dict(settings),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    image = "application/vnd.oci.image"
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": f"{image}.manifest.v1+json",
        "config": stored(f"{image}.config.v1+json", _json(configuration)),
        "layers": [stored(f"{image}.layer.v1.tar+gzip", packed)],
    }
    described = stored(manifest["mediaType"], _json(manifest))
    index = {"schemaVersion": 2, "mediaType": f"{image}.index.v1+json", "manifests": [described]}
    _write_archive(archive, blobs, index)
    return str(described["digest"])


def _layer(files: Mapping[str, Path]) -> bytes:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for target, source in sorted(files.items()):
            tar.add(source, target, filter=_without_time_and_owner)
    return layer.getvalue()


def _without_time_and_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member


def _write_archive(archive: Path, blobs: Mapping[str, bytes], index: Mapping[str, Any]) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    contents = {f"blobs/{digest.replace(':', '/')}": blob for digest, blob in blobs.items()}
    contents["oci-layout"] = _json({"imageLayoutVersion": "1.0.0"})
    contents["index.json"] = _json(index)
    with tarfile.open(archive, mode="w") as tar:
        for name, content in sorted(contents.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
