"""Image references and tags, held to the grammar that registries enforce."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

TAG_LENGTH = 128
NAME_LENGTH = 255
_TAG_FIRST = re.compile(r"[A-Za-z0-9_]")
_TAG_REST = re.compile(r"[A-Za-z0-9._-]")
_PATH_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_REGISTRY = re.compile(r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class ImageReference:
    """`registry/repository:tag@digest`; tag and digest may be empty."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """`registry/repository`, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    def with_tag(self, tag: str) -> ImageReference:
        """The same image under another tag, without a digest."""
        return replace(self, tag=tag, digest="")

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def parse_image(text: str) -> ImageReference:
    """Read an image reference that names its registry; raises ValueError saying what is wrong.

    Source: OCI distribution specification, "Pulling manifests".
    """
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise ValueError(f"`{digest}` is not a sha256 digest")
    registry, slash, path = rest.partition("/")
    if not slash or not _looks_like_registry(registry):
        raise ValueError(f"`{text}` does not begin with a registry such as ghcr.io/")
    repository, colon, tag = path.partition(":")
    problem = repository_problem(repository) or (tag_problem(tag) if colon else None)
    if problem:
        raise ValueError(problem)
    if len(registry) + len(repository) >= NAME_LENGTH:
        raise ValueError(f"`{text[:40]}…` is too long; registries allow {NAME_LENGTH} characters")
    return ImageReference(registry, repository, tag, digest)


def _looks_like_registry(text: str) -> bool:
    """A first path part is a registry when it has a dot or a port, or is localhost."""
    return bool(_REGISTRY.fullmatch(text)) and ("." in text or ":" in text or text == "localhost")


def repository_problem(repository: str) -> str | None:
    """What breaks the repository grammar, or None when nothing does."""
    for part in repository.split("/"):
        if part != part.lower():
            return f"repository `{repository}` must be lower case (`{repository.lower()}`)"
        if not _PATH_COMPONENT.fullmatch(part):
            return f"repository `{repository}` has the invalid part `{part}`"
    return None


def tag_problem(tag: str) -> str | None:
    """What breaks the tag grammar `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`, or None.

    Source: OCI distribution specification, "Pulling manifests".
    """
    if not tag:
        return "the tag is empty"
    if not _TAG_FIRST.match(tag):
        return f"tag `{tag}` begins with `{tag[0]}`; it must begin with a letter, digit or _"
    for position, char in enumerate(tag, start=1):
        if not _TAG_REST.match(char):
            return (
                f"tag `{tag}` has `{char}` at position {position}, where only A-Za-z0-9._- may be"
            )
    if len(tag) > TAG_LENGTH:
        return f"tag `{tag[:40]}…` has {len(tag)} characters; registries allow {TAG_LENGTH}"
    return None
