"""Targets: how long a stage may take, and how often a build or a deployment must succeed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

DEPLOY = "deploy"
RATES = ("build", "deploy")
DEFAULT_TARGETS = (
    "build<=5m",
    "deploy<=10m",
    "sync<=2m",
    "build-success>=95%",
    "deploy-success>=99%",
)

_TARGET = re.compile(r"([^<>=]*)(<=|>=|[<>=]+)([^<>=]*)")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_SUCCESS = "-success"


@dataclass(frozen=True)
class Budget:
    """The longest that a stage may take; `text` is the target as it was given."""

    stage: str
    seconds: float
    text: str


@dataclass(frozen=True)
class RateTarget:
    """The least share (0 to 1) of builds or deployments that must succeed."""

    rate: str
    share: float
    text: str


@dataclass(frozen=True)
class Targets:
    """All targets of a pipeline."""

    budgets: tuple[Budget, ...] = ()
    rates: tuple[RateTarget, ...] = ()

    def budget(self, stage: str) -> Budget | None:
        """The budget of a stage, whose name may differ in case; None when it has none."""
        found = [each for each in self.budgets if each.stage == stage.casefold()]
        return found[0] if found else None

    def rate(self, name: str) -> RateTarget | None:
        """The target of a success rate; None when it has none."""
        found = [each for each in self.rates if each.rate == name]
        return found[0] if found else None


def parse_targets(
    items: Iterable[str], seconds_in: Callable[[str], float | None]
) -> tuple[Targets, tuple[str, ...]]:
    """Read targets such as `build<=5m` and `deploy-success>=99%`; all problems are returned.

    `seconds_in` reads a duration and answers None when it is none.
    """
    budgets: dict[str, Budget] = {}
    rates: dict[str, RateTarget] = {}
    problems: list[str] = []
    for item in items:
        target = _parse(item, seconds_in)
        if isinstance(target, str):
            problems.append(target)
        elif isinstance(target, Budget):
            if target.stage in budgets:
                problems.append(f"`{item}`: `{target.stage}` already has a budget")
            budgets[target.stage] = target
        else:
            if target.rate in rates:
                problems.append(f"`{item}`: `{target.rate}{_SUCCESS}` already has a target")
            rates[target.rate] = target
    return Targets(tuple(budgets.values()), tuple(rates.values())), tuple(problems)


def _parse(item: str, seconds_in: Callable[[str], float | None]) -> Budget | RateTarget | str:
    """The target, or what is wrong with it."""
    match = _TARGET.fullmatch(item)
    name = " ".join(match[1].split()).casefold() if match else ""
    if match is None or not name:
        return f"`{item}` is neither `stage<=duration` nor `build-success>=percent`"
    if name.endswith(_SUCCESS):
        return _parse_rate(item, name.removesuffix(_SUCCESS), match[2], match[3].strip())
    if match[2] != "<=":
        return f"`{item}`: a stage needs `<=` and a duration, as in `{name}<=5m`"
    seconds = seconds_in(match[3].strip())
    if not seconds:
        return f"`{item}`: `{match[3].strip()}` is not a duration such as 90s, 5m or 1h30m"
    return Budget(name, seconds, item)


def _parse_rate(item: str, name: str, operator: str, bound: str) -> RateTarget | str:
    if name not in RATES:
        known = " and ".join(f"`{each}{_SUCCESS}`" for each in RATES)
        return f"`{item}`: there is no success rate `{name}{_SUCCESS}`; there are {known}"
    if operator != ">=":
        return f"`{item}`: a success rate needs `>=` and a percentage, as in `{name}-success>=95%`"
    percent = _PERCENT.fullmatch(bound)
    if percent is None or not 0 < float(percent[1]) <= 100:
        return f"`{item}`: `{bound}` is not a percentage above 0% and up to 100%"
    return RateTarget(name, float(percent[1]) / 100, item)
