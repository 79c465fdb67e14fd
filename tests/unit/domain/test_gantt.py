"""The gantt chart, and that no name can break it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.domain.gantt import MOST_ROWS, Bar, gantt, safe_label

ROW = re.compile(r"    \d+\. [^:#;%<>{}\"\[\]|`\\&\n]* :(done|active|crit), \d+, \d+")
BUDGET = re.compile(r"    Budget of the whole :milestone, crit, \d+, \d+")
HEAD = [
    "gantt",
    "    dateFormat x",
    "    axisFormat %M:%S",
    "    tickInterval 1minute",
    "    todayMarker off",
    "    section Stages",
]


def test_draws_stages_and_the_budget_in_milliseconds() -> None:
    chart = gantt([Bar("build", 0, 120.5), Bar("sync", 121, 200, "crit")], budget_seconds=300)

    assert chart.splitlines() == [
        *HEAD,
        "    1. build :done, 0, 120500",
        "    2. sync :crit, 121000, 200000",
        "    Budget of the whole :milestone, crit, 300000, 300001",
    ]


def test_without_stages_there_is_no_chart() -> None:
    assert gantt([], 600) == ""


def test_from_an_hour_on_the_axis_shows_seconds() -> None:
    assert "    axisFormat %s s" in gantt([Bar("build", 0, 4000)]).splitlines()


def test_shows_at_most_forty_rows() -> None:
    chart = gantt([Bar(f"stage {number}", number, number + 1) for number in range(100)])

    assert sum(ROW.fullmatch(line) is not None for line in chart.splitlines()) == MOST_ROWS


def test_a_stage_of_no_time_still_has_an_end_after_its_start() -> None:
    assert "    1. tag :done, 5000, 5001" in gantt([Bar("tag", 5, 5)])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Call x", "Call x"),
        ("a: b", "a： b"),
        ("%%{init: {'theme': 'dark'}}%%", "％％｛init： ｛'theme'： 'dark'｝｝％％"),
        ("line\none\r\n\ttwo", "line one two"),
        ("배포 🚀 (core)", "배포 🚀 (core)"),
        ("\u202eevil\x00", "evil"),
        ("", ""),
        ("x" * 80, "x" * 50),
    ],
)
def test_labels_keep_their_words_and_lose_their_grammar(name: str, label: str) -> None:
    assert safe_label(name) == label


@given(
    st.lists(
        st.builds(
            Bar,
            st.text(max_size=80)
            | st.sampled_from(["title x", "section x", "click z", "%% c", "a:b", "```", "end"]),
            st.floats(0, 1e6),
            st.floats(0, 1e6),
            st.sampled_from(["done", "active", "crit"]),
        ),
        min_size=1,
        max_size=60,
    ),
    st.none() | st.floats(1, 1e6),
)
def test_every_line_is_a_row_of_the_grammar(bars: list[Bar], budget: float | None) -> None:
    rows = gantt(bars, budget).split("\n")
    end = rows.index("    section Stages")

    for row in rows[end + 1 :]:
        assert ROW.fullmatch(row) or BUDGET.fullmatch(row), row
