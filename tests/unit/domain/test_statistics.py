"""Statistics against reference values that were computed apart, with 50-digit decimals."""

from __future__ import annotations

import statistics as standard

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.domain.statistics import (
    BELOW,
    INSUFFICIENT,
    MET,
    MISSED,
    ON_TRACK,
    median_interval,
    nearest_rank,
    probability_of_at_least,
    probability_of_at_most,
    verdict,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [
        (20, 20, 0.838874841947, 1.0),
        (19, 20, 0.763868806553, 0.991118551199),
        (40, 40, 0.912378398803, 1.0),
        (39, 40, 0.871186310365, 0.995573168497),
        (38, 40, 0.834961226309, 0.986179332614),
        (99, 100, 0.945513803821, 0.998232567936),
        (300, 300, 0.987357028775, 1.0),
        (990, 1000, 0.981690531130, 0.994559245554),
        (0, 10, 0.0, 0.277532799863),
        (1, 2, 0.094531205734, 0.905468794266),
        (15, 30, 0.331541256405, 0.668458743595),
    ],
)
def test_wilson_interval_equals_the_reference(
    successes: int, total: int, low: float, high: float
) -> None:
    interval = wilson(successes, total)

    assert interval.low == pytest.approx(low, abs=1e-9)
    assert interval.high == pytest.approx(high, abs=1e-9)


def test_wilson_interval_of_nothing_is_everything() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("successes", "total", "share", "probability"),
    [
        (38, 40, 0.99, 0.06073662180620615),
        (37, 40, 0.99, 0.007497363395395944),
        (16, 20, 0.95, 0.01590152601976356),
        (35, 40, 0.95, 0.04802826025421537),
        (90, 100, 0.95, 0.028188294163416106),
        (293, 300, 0.99, 0.03275094640277906),
        (294, 300, 0.99, 0.08290356328426086),
    ],
)
def test_binomial_tail_below_equals_the_exact_fraction(
    successes: int, total: int, share: float, probability: float
) -> None:
    assert probability_of_at_most(successes, total, share) == pytest.approx(probability, abs=1e-9)


@pytest.mark.parametrize(
    ("total", "share", "probability"),
    [
        (58, 0.95, 0.051046868683603405),
        (59, 0.95, 0.048494525249423236),
        (298, 0.99, 0.050036622866325736),
        (299, 0.99, 0.04953625663766248),
        (2994, 0.999, 0.050011715112468845),
        (2995, 0.999, 0.04996170339735638),
    ],
)
def test_binomial_tail_above_equals_the_exact_fraction(
    total: int, share: float, probability: float
) -> None:
    assert probability_of_at_least(total, total, share) == pytest.approx(probability, abs=1e-9)


@pytest.mark.parametrize(
    ("successes", "total", "target", "expected"),
    [
        (4, 4, 0.95, INSUFFICIENT),
        (5, 5, 0.95, ON_TRACK),
        (58, 58, 0.95, ON_TRACK),
        (59, 59, 0.95, MET),
        (298, 298, 0.99, ON_TRACK),
        (299, 299, 0.99, MET),
        (17, 20, 0.95, BELOW),
        (16, 20, 0.95, MISSED),
        (36, 40, 0.95, BELOW),
        (35, 40, 0.95, MISSED),
        (38, 40, 0.95, ON_TRACK),
        (38, 40, 0.99, BELOW),
        (37, 40, 0.99, MISSED),
        (19, 20, 0.99, BELOW),
        (18, 20, 0.99, MISSED),
        (294, 300, 0.99, BELOW),
        (293, 300, 0.99, MISSED),
        (40, 40, 1.0, ON_TRACK),
        (39, 40, 1.0, MISSED),
        (0, 500, 0.5, MISSED),
        (5000, 5000, 0.5, MET),
    ],
)
def test_verdict_is_that_of_the_exact_binomial(
    successes: int, total: int, target: float, expected: str
) -> None:
    assert verdict(successes, total, target) == expected


@given(st.integers(1, 500), st.data())
def test_more_successes_never_worsen_the_verdict(total: int, data: st.DataObject) -> None:
    order = [MISSED, BELOW, ON_TRACK, MET]
    successes = data.draw(st.integers(0, max(0, total - 1)))
    target = data.draw(st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999]))
    fewer, more = verdict(successes, total, target), verdict(successes + 1, total, target)

    if total < 5:
        assert fewer == more == INSUFFICIENT
    else:
        assert order.index(fewer) <= order.index(more)


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_share_and_stays_between_0_and_1(
    total: int, data: st.DataObject
) -> None:
    successes = data.draw(st.integers(0, total))
    interval = wilson(successes, total)

    assert 0 <= interval.low <= successes / total <= interval.high <= 1


def test_nearest_rank_is_a_value_that_was_seen() -> None:
    assert nearest_rank([15, 20, 35, 40, 50], 0.3) == 20
    assert nearest_rank([15, 20, 35, 40, 50], 0.4) == 20
    assert nearest_rank([15, 20, 35, 40, 50], 0.5) == 35
    assert nearest_rank([50, 15, 40, 20, 35], 1.0) == 50
    assert nearest_rank([7], 0.9) == 7


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=99).filter(lambda v: len(v) % 2 == 1))
def test_nearest_rank_is_the_median_of_an_odd_number(values: list[float]) -> None:
    assert nearest_rank(values, 0.5) == standard.median(values)


@pytest.mark.parametrize(
    ("total", "low_rank", "high_rank"),
    # Tables of order statistics for the median, e.g. Conover, "Practical Nonparametric Statistics"
    [(6, 1, 6), (8, 1, 8), (9, 2, 8), (10, 2, 9), (12, 3, 10), (15, 4, 12), (20, 6, 15)],
)
def test_median_interval_takes_the_published_ranks(
    total: int, low_rank: int, high_rank: int
) -> None:
    interval = median_interval([float(value) for value in range(1, total + 1)])

    assert interval is not None
    assert (interval.low, interval.high) == (low_rank, high_rank)


def test_median_interval_needs_six_values() -> None:
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
