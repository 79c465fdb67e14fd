"""Small-sample statistics: what a handful of runs can and cannot say.

Intervals are drawn after Wilson; whether a target is met is decided by the exact binomial test,
because at rates near 100 % Wilson's interval refutes too early (38 of 40 against 99 %).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
LEAST_RUNS = 5

MET = "met"
MISSED = "missed"
ON_TRACK = "on track, unproven"
BELOW = "below, unproven"
INSUFFICIENT = "insufficient data"


@dataclass(frozen=True)
class Interval:
    """A range that holds the true value with 95 % confidence."""

    low: float
    high: float


def wilson(successes: int, total: int) -> Interval:
    """Wilson's score interval for a share, without continuity correction.

    Source: E. B. Wilson, JASA 22 (1927), 209-212. Without any trial the share may be anything.
    """
    if total == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share = successes / total
    denominator = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / denominator
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / denominator
    low = 0.0 if successes == 0 else max(0.0, centre - spread)
    high = 1.0 if successes == total else min(1.0, centre + spread)
    return Interval(low, high)


def probability_of_at_most(successes: int, total: int, share: float) -> float:
    """The exact binomial probability of `successes` or fewer among `total`."""
    return min(1.0, math.fsum(_binomial(k, total, share) for k in range(successes + 1)))


def probability_of_at_least(successes: int, total: int, share: float) -> float:
    """The exact binomial probability of `successes` or more among `total`."""
    return min(1.0, math.fsum(_binomial(k, total, share) for k in range(successes, total + 1)))


def _binomial(k: int, total: int, share: float) -> float:
    if share in (0.0, 1.0):
        return float(k == total * share)
    ways = math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
    return math.exp(ways + k * math.log(share) + (total - k) * math.log1p(-share))


def verdict(successes: int, total: int, target: float) -> str:
    """What `successes` of `total` say about a target share.

    `met` and `missed` are proven one-sided at 5 %; between them the sample only leans one way.
    """
    if total < LEAST_RUNS:
        return INSUFFICIENT
    if probability_of_at_most(successes, total, target) <= SIGNIFICANCE:
        return MISSED
    if probability_of_at_least(successes, total, target) <= SIGNIFICANCE:
        return MET
    return ON_TRACK if successes / total >= target else BELOW


def nearest_rank(values: Sequence[float], share: float) -> float:
    """The smallest value with at least `share` of the values at or below it (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median_interval(values: Sequence[float]) -> Interval | None:
    """A 95 % interval for the median that assumes no distribution; None below six values.

    Source: order statistics; the narrowest symmetric pair whose coverage is at least 95 %.
    """
    ordered = sorted(values)
    total = len(ordered)
    rank = -1
    while (
        rank + 1 < total // 2 and 2 * probability_of_at_most(rank + 1, total, 0.5) <= 1 - CONFIDENCE
    ):
        rank += 1
    return Interval(ordered[rank], ordered[total - 1 - rank]) if rank >= 0 else None
