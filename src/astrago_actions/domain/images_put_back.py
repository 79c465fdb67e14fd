"""Which images have to run again after the tags before a change were put back."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from astrago_actions.domain.image_families import split_image

_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)


def images_put_back(
    images: Sequence[str], changes: Collection[tuple[str, str]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The earlier images of these, as far as they can be told, and those of which none is known.

    `changes` are the values that a rollback replaced, each with the one that it put back: a tag,
    or an image with its tag. What stands before the tag is taken from `images`.
    """
    earlier = {each: _earlier(each, changes) for each in images}
    known = (found for found in earlier.values() if found)
    return tuple(dict.fromkeys(known)), tuple(each for each in images if not earlier[each])


def _earlier(image: str, changes: Collection[tuple[str, str]]) -> str:
    """The one image that was put back for this one; "" where none or several may be."""
    repository, tag, _ = split_image(image)
    whole = {after for before, after in changes if before == image and split_image(after)[1]}
    tags = {after for before, after in changes if before == tag and _TAG.fullmatch(after)}
    found = whole | {f"{repository}:{each}" for each in tags if tag}
    return found.pop() if len(found) == 1 else ""
