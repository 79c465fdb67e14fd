"""Which images have to run again after a rollback."""

from __future__ import annotations

import pytest

from astrago_actions.domain.images_put_back import images_put_back

CORE, BATCH = "ghcr.io/o/backend:core-stage-22222222", "ghcr.io/o/backend:batch-stage-22222222"
CORE_BEFORE = "ghcr.io/o/backend:core-stage-11111111"


def test_the_tag_comes_from_the_rollback_and_the_rest_from_the_image() -> None:
    changes = [("core-stage-22222222", "core-stage-11111111")]
    assert images_put_back([CORE, BATCH], changes) == ((CORE_BEFORE,), (BATCH,))


def test_a_value_may_hold_the_whole_image() -> None:
    assert images_put_back([CORE], [(CORE, CORE_BEFORE)]) == ((CORE_BEFORE,), ())


def test_the_same_value_in_several_files_is_one_image() -> None:
    changes = [("core-stage-22222222", "core-stage-11111111")] * 2
    assert images_put_back([CORE], changes) == ((CORE_BEFORE,), ())


@pytest.mark.parametrize(
    ("image", "changes"),
    [
        (CORE, []),
        (CORE, [("22222222", "11111111")]),
        (CORE, [("core-stage-22222222", "a/b:c")]),
        (CORE, [("core-stage-22222222", "1"), ("core-stage-22222222", "2")]),
        ("r.io/web@sha256:1234", [("", "1")]),
        (CORE, [(CORE, "no-tag")]),
    ],
    ids=["not-put-back", "part-of-the-tag", "no-tag", "two-tags", "digest", "image-without-tag"],
)
def test_what_cannot_be_told_is_not_guessed(image: str, changes: list[tuple[str, str]]) -> None:
    assert images_put_back([image], changes) == ((), (image,))
