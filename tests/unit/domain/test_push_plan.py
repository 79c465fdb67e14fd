from __future__ import annotations

import pytest

from astrago_actions.domain.image_size import ImageSize, in_megabytes, over_budget
from astrago_actions.domain.push_plan import (
    Existing,
    IfExists,
    Part,
    clashes,
    decide,
    filled,
    moved,
)
from astrago_actions.domain.references import parse_image

OURS, THEIRS = "a" * 40, "b" * 40
DIGEST, OTHER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


@pytest.mark.parametrize(
    ("existing", "if_exists", "digest", "verdict"),
    [
        (None, "skip", "", "push"),
        (None, "fail", "", "push"),
        (Existing(DIGEST, OURS, 1), "skip", "", "skip"),
        (Existing(DIGEST, THEIRS, 1), "skip", "", "refuse"),
        (Existing(DIGEST, "", 1), "skip", "", "refuse"),
        (Existing(DIGEST, OURS, 1), "fail", "", "refuse"),
        (Existing(DIGEST, OURS, 1), "overwrite", "", "push"),
        (Existing(DIGEST, THEIRS, 1), "overwrite", "", "push"),
        (Existing(DIGEST, THEIRS, 1), "skip", DIGEST, "skip"),
        (Existing(DIGEST, THEIRS, 1), "fail", DIGEST, "skip"),
        (Existing(DIGEST, "", 1), "overwrite", DIGEST, "skip"),
        (Existing(DIGEST, THEIRS, 1), "skip", OTHER, "refuse"),
    ],
)
def test_a_tag_is_kept_only_when_it_surely_is_the_same(
    existing: Existing | None, if_exists: IfExists, digest: str, verdict: str
) -> None:
    decision = decide(existing, if_exists, OURS, digest)

    assert decision.verdict == verdict
    assert decision.existing == existing


def test_an_unknown_commit_of_ours_is_never_the_same() -> None:
    assert decide(Existing(DIGEST, "", 1), "skip", "").verdict == "refuse"
    assert decide(Existing(DIGEST, THEIRS, 1), "skip", "").verdict == "refuse"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("docker.io", "docker.io/xiilab/astrago-core:1"),
        ("docker.io/backup", "docker.io/backup/astrago-core:1"),
        ("harbor.local:5000/a/b/", "harbor.local:5000/a/b/astrago-core:1"),
        ("ghcr.io", "ghcr.io/xiilab/astrago-core:1"),
    ],
)
def test_an_image_moves_to_a_registry_or_a_folder_in_one(place: str, expected: str) -> None:
    image = parse_image("ghcr.io/xiilab/astrago-core:1")

    assert str(moved(image, place)) == expected
    assert str(Part("core", image).at(place).image) == expected


def test_two_components_with_one_reference_clash() -> None:
    one, two = parse_image("ghcr.io/a/b:1"), parse_image("ghcr.io/a/b:2")

    assert clashes([one, two]) == []
    assert clashes([one, two, one]) == ["ghcr.io/a/b:1"]


def test_a_template_takes_the_components_name() -> None:
    assert filled("server-{component}/{component}", "core") == "server-core/core"


def test_the_largest_platform_is_what_a_budget_judges() -> None:
    size = ImageSize({"linux/amd64": 100, "linux/arm64": 250})

    assert size.largest == 250
    assert over_budget({"core": size}, 200) == {"core": 50}
    assert over_budget({"core": size}, 250) == {}
    assert over_budget({"core": size}, None) == {}
    assert ImageSize({}).largest == 0


@pytest.mark.parametrize(
    ("size", "text"), [(756, "0.8 kB"), (24_074_690, "24.1 MB"), (1_000_000, "1.0 MB")]
)
def test_sizes_are_written_in_decimal_units(size: int, text: str) -> None:
    assert in_megabytes(size) == text
