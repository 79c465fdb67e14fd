"""Which image stands where another stood, where components share one repository."""

from __future__ import annotations

import pytest

from astrago_actions.domain.image_families import (
    family,
    holds,
    rivals,
    same_image,
    split_image,
    unclaimed,
)

BACKEND = "ghcr.io/xiilab/astrago-backend"
DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", ("nginx", "", "")),
        ("nginx:1.27", ("nginx", "1.27", "")),
        ("docker.io/library/nginx:1", ("nginx", "1", "")),
        ("docker.io/team/app:1", ("team/app", "1", "")),
        ("localhost:5000/app", ("localhost:5000/app", "", "")),
        ("localhost:5000/app:1", ("localhost:5000/app", "1", "")),
        (f"ghcr.io/x/y:1@{DIGEST}", ("ghcr.io/x/y", "1", DIGEST)),
        (f"ghcr.io/x/y@{DIGEST}", ("ghcr.io/x/y", "", DIGEST)),
    ],
)
def test_parts_of_an_image(image: str, parts: tuple[str, str, str]) -> None:
    assert split_image(image) == parts


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("core-stage-ca58a8c3", "core-stage-45eac704", True),
        ("core-stage-1.0-45eac704", "core-stage-1.1-8e154d47", True),
        ("core-stage-ca58a8c3", "batch-stage-ca58a8c3", False),
        ("1.2.3", "1.2.4", True),
        ("v1.2.3", "v2.0.0-rc1", True),
        ("pr-17", "pr-18", True),
        ("stage", "prod", False),
    ],
)
def test_families_of_tags(one: str, other: str, *, same: bool) -> None:
    assert (family(f"{BACKEND}:{one}") == family(f"{BACKEND}:{other}")) is same


def test_digests_count_more_than_tags() -> None:
    other = "sha256:" + "b" * 64
    assert same_image(f"x/y:1@{DIGEST}", f"x/y:2@{DIGEST}")
    assert not same_image(f"x/y:1@{DIGEST}", f"x/y:1@{other}")
    assert same_image(f"x/y:1@{DIGEST}", "x/y:1")
    assert not same_image("x/y", "x/y")


def test_rivals_are_of_the_same_family_only() -> None:
    desired = (f"{BACKEND}:core-stage-11111111", f"{BACKEND}:batch-stage-22222222")
    wanted = f"{BACKEND}:core-stage-33333333"
    assert rivals(desired, wanted) == (f"{BACKEND}:core-stage-11111111",)
    assert not holds(desired, wanted)


def test_unclaimed_images_are_those_that_no_application_wants() -> None:
    assert unclaimed(("a/a:1", "b/b:1"), [("a/a:1",), ("c/c:1",)]) == ("b/b:1",)
    assert unclaimed(("a/a:1",), [None, ("c/c:1",)]) == ()
