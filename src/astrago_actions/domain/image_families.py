"""Which wanted image is which running one, where several components share one repository.

`astrago-backend:core-stage-ca58a8c3` and `astrago-backend:batch-stage-ca58a8c3` differ by more
than a commit: they are of different families, and a newer tag of one says nothing of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_CHANGING_PART = re.compile(r"[0-9a-f]{7,64}|v?\d+|(?:rc|alpha|beta|dev|pre|build)\d*")
_DEFAULT_REGISTRIES = ("docker.io/library/", "docker.io/", "index.docker.io/library/")


def split_image(image: str) -> tuple[str, str, str]:
    """Repository, tag and digest of an image as a manifest names it (`nginx` is allowed)."""
    rest, _, digest = image.strip().partition("@")
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    repository, tag = (rest, "") if colon < 0 else (rest[:colon], rest[colon + 1 :])
    for prefix in _DEFAULT_REGISTRIES:
        if repository.startswith(prefix):
            repository = repository.removeprefix(prefix)
            break
    return repository, tag, digest


def family(image: str) -> str:
    """Repository and the part of the tag that stays from release to release."""
    repository, tag, _ = split_image(image)
    words = re.split(r"[-_.+]", tag)
    lasting = [word for word in words if word and not _CHANGING_PART.fullmatch(word)]
    return f"{repository}:{'-'.join(lasting)}"


def same_image(wanted: str, found: str) -> bool:
    """Whether `found` is the wanted image: same repository, and same digest or same tag."""
    repository, tag, digest = split_image(wanted)
    found_repository, found_tag, found_digest = split_image(found)
    if repository != found_repository:
        return False
    if digest and found_digest:
        return digest == found_digest
    return bool(tag) and tag == found_tag


def holds(images: Iterable[str], wanted: str) -> bool:
    """Whether the wanted image is among these."""
    return any(same_image(wanted, each) for each in images)


def rivals(images: Iterable[str], wanted: str) -> tuple[str, ...]:
    """Images that stand where the wanted one should: the same family under another tag."""
    return tuple(
        each for each in images if family(each) == family(wanted) and not same_image(wanted, each)
    )


def unclaimed(wanted: Iterable[str], desired: Iterable[Iterable[str] | None]) -> tuple[str, ...]:
    """Wanted images that no application wants; none where some application would not tell."""
    known = [tuple(each) if each is not None else None for each in desired]
    if None in known:
        return ()
    everything = [image for images in known for image in images or ()]
    return tuple(each for each in wanted if not holds(everything, each))
