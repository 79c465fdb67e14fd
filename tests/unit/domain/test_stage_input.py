"""Stages from JSON: times in seconds or ISO 8601, and every mistake with its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.domain.stage_input import parse_stages
from astrago_actions.domain.stages import Stage


@pytest.mark.parametrize(
    "moment",
    [
        1_767_225_600,
        1_767_225_600.0,
        "1767225600",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00z",
        "2026-01-01T09:00:00+09:00",
        "2026-01-01T00:00:00.0Z",
        "2026-01-01T00:00:00.0000000Z",
        "2026-01-01 00:00:00+00:00",
    ],
)
def test_reads_one_moment_in_every_notation(moment: object) -> None:
    entry = {"name": " build  core ", "started_at": moment, "finished_at": moment}

    stages, problems = parse_stages([entry])

    assert problems == ()
    assert stages == (Stage("build core", 1_767_225_600.0, 1_767_225_600.0, "success"),)


def test_names_every_mistake_with_its_stage() -> None:
    stages, problems = parse_stages(
        [
            {"name": "ok", "started_at": 1, "finished_at": 2, "result": "cancelled"},
            {"name": "", "started_at": "yesterday", "result": "done"},
            "build",
            {"name": "x", "started_at": 1_767_225_600_000, "finished_at": "2026-01-01T00:00:00"},
            {"name": "x", "started_at": True, "finished_at": float("nan")},
        ]
    )

    assert [stage.name for stage in stages] == ["ok"]
    expected = [
        "stage 2: `name` is missing",
        "stage 2: `started_at` is neither epoch seconds nor an ISO 8601 time: `yesterday`",
        "stage 2: `finished_at` is missing",
        "stage 2: `result` must be one of success, failure, cancelled, skipped; it is `done`",
        "stage 3: must be an object",
        "stage 4: `started_at` must be in seconds since 1970 (not milliseconds)",
        "stage 4: `finished_at` has no time zone",
        "stage 5: `started_at` must be epoch seconds or an ISO 8601 time; it is `True`",
        "stage 5: `finished_at` must be in seconds since 1970",
    ]
    assert len(problems) == len(expected)
    for problem, beginning in zip(problems, expected, strict=True):
        assert problem.startswith(beginning)


@pytest.mark.parametrize("value", [{}, "build", 3, True])
def test_anything_but_a_list_is_one_mistake(value: object) -> None:
    assert parse_stages(value) == ((), ("must be a JSON list of objects",))


def test_half_characters_in_a_name_are_replaced() -> None:
    entry = json.loads('{"name": "build \\ud800", "started_at": 1, "finished_at": 2}')

    stages, _ = parse_stages([entry])

    assert stages[0].name == "build ?"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
ENTRY = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("name", "started_at", "finished_at", "result"), JSON)
)


@given(st.lists(ENTRY | JSON, max_size=4))
def test_any_json_gives_stages_or_mistakes_and_never_fails(value: list[object]) -> None:
    stages, problems = parse_stages(json.loads(json.dumps(value)))

    assert len(stages) + len({problem.partition(":")[0] for problem in problems}) == len(value)
    assert all(stage.seconds >= 0 and stage.name.encode() for stage in stages)
