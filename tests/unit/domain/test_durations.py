"""Durations in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.domain.durations import spoken


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.04, "0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1m"),
        (61, "1m 01s"),
        (522, "8m 42s"),
        (3599.6, "1h"),
        (3720, "1h 02m"),
        (3601, "1h"),
        (86400, "1d"),
        (100_000, "1d 3h"),
    ],
)
def test_says_durations_as_people_do(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


@given(st.floats(0, 1e9))
def test_every_duration_has_short_words(seconds: float) -> None:
    assert 0 < len(spoken(seconds)) <= 12
