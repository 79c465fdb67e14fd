"""What the registry demands of a manifest before it keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from astrago_actions.sandbox.registry.refusals import Refusal, manifest_invalid

IMAGE_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
LARGEST = 4 * 1024 * 1024


def check_manifest(
    media_type: str,
    content: bytes,
    has_blob: Callable[[str], bool],
    has_manifest: Callable[[str], bool],
) -> None:
    """Raise a Refusal unless the manifest is well formed and everything it names is here."""
    if len(content) > LARGEST:
        raise Refusal(413, "SIZE_INVALID", "manifest is larger than 4 MiB")
    if media_type not in IMAGE_TYPES + INDEX_TYPES:
        raise manifest_invalid(f"unknown media type {media_type}")
    manifest = _parsed(content)
    if manifest.get("schemaVersion") != 2:
        raise manifest_invalid("schemaVersion is not 2")
    if manifest.get("mediaType", media_type) != media_type:
        raise manifest_invalid("mediaType is not the Content-Type")
    present = has_blob if media_type in IMAGE_TYPES else has_manifest
    for digest in _named(manifest, media_type):
        if not present(digest):
            raise Refusal(400, "MANIFEST_BLOB_UNKNOWN", f"blob unknown to registry: {digest}")


def accepted(media_type: str, accept: str) -> bool:
    """Whether an Accept header allows this media type."""
    wanted = {part.partition(";")[0].strip() for part in accept.split(",")}
    return bool(wanted & {media_type, "*/*"})


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise manifest_invalid(str(error)) from error
    if not isinstance(parsed, dict):
        raise manifest_invalid("it is not an object")
    return parsed


def _named(manifest: dict[str, Any], media_type: str) -> list[str]:
    """Digests that must be here; layers with addresses of their own are kept elsewhere."""
    try:
        if media_type in INDEX_TYPES:
            return [str(each["digest"]) for each in manifest["manifests"]]
        layers = [each for each in manifest["layers"] if not each.get("urls")]
        return [str(each["digest"]) for each in (manifest["config"], *layers)]
    except (KeyError, TypeError, AttributeError) as error:
        raise manifest_invalid(f"{error} is missing or of the wrong kind") from error
