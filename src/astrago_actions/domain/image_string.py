"""Image references inside YAML values: `registry:port/repository:tag@digest`."""

from __future__ import annotations

import re

_DIGEST = r"sha256:[0-9a-f]{64}"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_VERSION = re.compile(rf"(?:(?P<tag>{_TAG})(?:@(?P<with>{_DIGEST}))?|@?(?P<digest>{_DIGEST}))")
_REFERENCE = re.compile(
    r"(?P<name>(?:[^@\s]*/)?[^/:@\s]+)(?::(?P<tag>[^/:@\s]+))?(?:@(?P<digest>\S+))?"
)


class UnclearImage(ValueError):
    """Whether the present value is an image's name or its tag cannot be told."""


def holds_image(key: str) -> bool:
    """Whether a key of this name holds whole references: `image`, or a name such as `initImage`."""
    return key == "image" or key.endswith("Image")


def with_version(present: str, value: str) -> str:
    """The reference `present` with another version, or `value` where that is one of its own.

    A version is a tag, a digest or `tag@digest`; it replaces tag and digest together, so that no
    old digest outlives its tag. Raises UnclearImage where `present` has neither a slash, a tag
    nor a digest.
    """
    version = _VERSION.fullmatch(value)
    reference = _REFERENCE.fullmatch(present)
    if version is None or not present:
        return value
    if reference is None or not any(mark in present for mark in "/:@"):
        raise UnclearImage(present)
    digest = version["digest"] or version["with"]
    tag = f":{version['tag']}" if version["tag"] else ""
    return f"{reference['name']}{tag}" + (f"@{digest}" if digest else "")


def tag_of(value: str) -> str:
    """The tag of a reference, or the value itself where it is no more than a tag."""
    if not any(mark in value for mark in "/:@"):
        return value
    reference = _REFERENCE.fullmatch(value)
    return (reference["tag"] or "") if reference else ""
