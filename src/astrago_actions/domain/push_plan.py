"""What is to be pushed where, and what to do about a tag that is there already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from astrago_actions.domain.references import ImageReference

IfExists = Literal["skip", "overwrite", "fail"]
Verdict = Literal["push", "skip", "refuse"]

IF_EXISTS: tuple[IfExists, ...] = ("skip", "overwrite", "fail")
SHORT = 12


@dataclass(frozen=True)
class Part:
    """One component: its image, and what it is built from."""

    component: str
    image: ImageReference
    context: str = "."
    dockerfile: str = ""
    target: str = ""
    archive: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    build_args: Mapping[str, str] = field(default_factory=dict)

    def at(self, place: str) -> Part:
        """The same component, with its image in another registry (see `moved`)."""
        return replace(self, image=moved(self.image, place))


@dataclass(frozen=True)
class Existing:
    """What the registry serves under a tag; `revision` is the commit in its label, or empty."""

    digest: str
    revision: str
    size: int


@dataclass(frozen=True)
class Decision:
    """What to do with one component, and why, for a person to read."""

    verdict: Verdict
    why: str
    existing: Existing | None = None


def decide(
    existing: Existing | None, if_exists: IfExists, revision: str, digest: str = ""
) -> Decision:
    """Whether to push, skip or refuse.

    A tag that exists is skipped only when it surely is the same thing: an image with the digest
    that is about to be pushed, or one labelled with the very commit. Anything else under the same
    tag is another commit's image, and is replaced only by `overwrite`.
    """
    if existing is None:
        return Decision("push", "the tag is new")
    verdict, why = _about(existing, if_exists, revision, digest)
    return Decision(verdict, why, existing)


def _about(
    existing: Existing, if_exists: IfExists, revision: str, digest: str
) -> tuple[Verdict, str]:
    if digest and existing.digest == digest:
        return "skip", "the registry already serves this very image"
    if if_exists == "overwrite":
        return "push", f"the tag is replaced; it was {existing.digest}"
    if if_exists == "fail":
        return "refuse", f"the tag exists as {existing.digest}"
    if not existing.revision:
        return "refuse", "the tag exists and its image does not say which commit it is of"
    if existing.revision != revision:
        theirs, ours = existing.revision[:SHORT], revision[:SHORT] or "unknown"
        return "refuse", f"the tag exists for commit {theirs}; this is commit {ours}"
    return "skip", "the tag was already pushed for this commit"


def moved(image: ImageReference, place: str) -> ImageReference:
    """The image in another registry.

    `place` is a registry (the repository is kept), or a registry and a folder, below which the
    image keeps the last part of its name: `docker.io/xiilab` takes
    `ghcr.io/xiilab/astrago-core:1` to `docker.io/xiilab/astrago-core:1`.
    """
    registry, _, folder = place.strip("/").partition("/")
    last = image.repository.rpartition("/")[2]
    repository = f"{folder}/{last}" if folder else image.repository
    return replace(image, registry=registry, repository=repository)


def filled(template: str, component: str) -> str:
    """The template with the component's name in place of `{component}`."""
    return template.replace("{component}", component)


def clashes(images: Iterable[ImageReference]) -> list[str]:
    """References that more than one component would be pushed to."""
    written = [str(image) for image in images]
    return sorted({text for text in written if written.count(text) > 1})
