"""Image manifests and indexes: what an image is made of, and how large it is.

Source: OCI image specification 1.1, and Docker's "Image Manifest Version 2, Schema 2".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MEDIA_TYPES = (OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST)

REVISION = "org.opencontainers.image.revision"


class BrokenManifest(ValueError):
    """The text is not a manifest; says what is missing."""


@dataclass(frozen=True)
class Descriptor:
    """One thing that a manifest names; `size` in bytes, `platform` such as `linux/amd64`.

    `attestation` marks provenance and SBOM documents, which stand in an index like images.
    `elsewhere` marks layers that are fetched from their own address and never pushed.
    """

    media_type: str
    digest: str
    size: int
    platform: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    attestation: bool = False
    elsewhere: bool = False


@dataclass(frozen=True)
class ImageManifest:
    """One image for one platform."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Compressed bytes that a registry keeps and a node pulls: configuration and layers."""
        return self.config.size + sum(layer.size for layer in self.layers)


@dataclass(frozen=True)
class ImageIndex:
    """Images for several platforms, and attestations, under one digest."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def images(self) -> tuple[Descriptor, ...]:
        """What can be run: everything but attestations."""
        return tuple(each for each in self.manifests if not each.attestation)


Manifest = ImageManifest | ImageIndex


def parse_manifest(content: bytes, media_type: str = "") -> Manifest:
    """Read a manifest or index; raises BrokenManifest.

    `media_type` is what the registry called it; the text's own `mediaType` is used without it.
    """
    try:
        parsed = json.loads(content)
        kind = media_type or _kind_of(parsed)
        annotations = _strings(parsed.get("annotations"))
        if kind in {OCI_INDEX, DOCKER_INDEX}:
            members = tuple(_descriptor(each) for each in parsed["manifests"])
            return ImageIndex(kind, members, annotations)
        if kind in {OCI_MANIFEST, DOCKER_MANIFEST}:
            layers = tuple(_descriptor(each) for each in parsed["layers"])
            return ImageManifest(kind, _descriptor(parsed["config"]), layers, annotations)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise BrokenManifest(f"the manifest lacks {error}") from error
    raise BrokenManifest(f"`{kind}` is not a media type of images")


def labels_of(config: bytes) -> dict[str, str]:
    """The labels in an image's configuration; empty when there are none or it cannot be read."""
    try:
        labels = json.loads(config)["config"]["Labels"]
    except (ValueError, KeyError, TypeError):
        return {}
    return _strings(labels)


def _kind_of(parsed: Mapping[str, Any]) -> str:
    """OCI lets `mediaType` be left out; the members tell the two kinds apart."""
    return str(parsed.get("mediaType") or (OCI_INDEX if "manifests" in parsed else OCI_MANIFEST))


def _descriptor(given: Mapping[str, Any]) -> Descriptor:
    annotations = _strings(given.get("annotations"))
    platform = _platform(given.get("platform"))
    attestation = annotations.get("vnd.docker.reference.type") == "attestation-manifest"
    return Descriptor(
        media_type=str(given["mediaType"]),
        digest=str(given["digest"]),
        size=int(given["size"]),
        platform=platform,
        annotations=annotations,
        attestation=attestation or platform.startswith("unknown/"),
        elsewhere=bool(given.get("urls")),
    )


def _platform(given: Mapping[str, Any] | None) -> str:
    if not given:
        return ""
    parts = (given.get("os"), given.get("architecture"), given.get("variant"))
    return "/".join(str(part) for part in parts if part)


def _strings(given: object) -> dict[str, str]:
    if not isinstance(given, Mapping):
        return {}
    return {str(key): str(value) for key, value in given.items()}
