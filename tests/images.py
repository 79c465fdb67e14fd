"""Small images in OCI layouts for tests, made byte by byte and without our own code."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass
class Layout:
    """An OCI layout in the making: blobs by digest."""

    blobs: dict[str, bytes] = field(default_factory=dict)

    def add(self, content: bytes, media_type: str) -> dict[str, Any]:
        """Keep a blob; returns its descriptor."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blobs[digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def add_image(
        self, content: bytes = b"app", labels: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """An image of one layer with one file `/app`; returns its manifest's descriptor."""
        layer = _tar({"app": content})
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": dict(labels or {})},
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"],
            },
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.add(json.dumps(config).encode(), CONFIG),
            "layers": [self.add(gzip.compress(layer, mtime=0), LAYER)],
        }
        return self.add(json.dumps(manifest).encode(), MANIFEST)

    def add_index(self, members: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """An index of several manifests; returns its descriptor."""
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(members)}
        return self.add(json.dumps(index).encode(), INDEX)

    def write_folder(self, folder: Path, *roots: dict[str, Any]) -> Path:
        """Write the layout as a folder whose index names `roots`."""
        for name, content in self._files(roots).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder

    def write_tar(self, path: Path, *roots: dict[str, Any]) -> Path:
        """Write the layout as one uncompressed tar."""
        path.write_bytes(_tar(self._files(roots)))
        return path

    def _files(self, roots: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(roots)}
        blobs = {f"blobs/{name.replace(':', '/')}": each for name, each in self.blobs.items()}
        return {
            "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
            "index.json": json.dumps(index).encode(),
            **blobs,
        }


def named(descriptor: dict[str, Any], name: str) -> dict[str, Any]:
    """The descriptor with a reference name, as an archive of several images has them."""
    return {**descriptor, "annotations": {"org.opencontainers.image.ref.name": name}}


def for_platform(descriptor: dict[str, Any], platform: str) -> dict[str, Any]:
    """The descriptor for a platform such as `linux/arm64`."""
    system, _, architecture = platform.partition("/")
    return {**descriptor, "platform": {"os": system, "architecture": architecture}}


def attestation(descriptor: dict[str, Any]) -> dict[str, Any]:
    """The descriptor as BuildKit writes it for provenance."""
    marked = for_platform(descriptor, "unknown/unknown")
    return {**marked, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}


def _tar(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return written.getvalue()
