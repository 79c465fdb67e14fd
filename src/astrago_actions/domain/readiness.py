"""Whether a pipeline can work with what it was given: one answer for each question asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from astrago_actions.domain.durations import DAY, spoken

Status = Literal["ok", "warning", "failed", "skipped"]

# Long enough to renew a token before it stops a deploy, short enough not to be always yellow.
EXPIRY_WARNING_SECONDS = 14 * DAY
# A deploy with its wait takes some thirty requests.
FEW_REQUESTS = 100

_WORST_FIRST: tuple[Status, ...] = ("failed", "warning", "skipped", "ok")
_KINDS = {
    "github_pat_": "fine-grained token",
    "ghp_": "classic token",
    "ghs_": "token of a job or a GitHub App",
    "ghu_": "token of a person who uses a GitHub App",
    "gho_": "OAuth token",
}


@dataclass(frozen=True)
class Answer:
    """What came of one question; `remedy` is the next step where there is one."""

    status: Status
    detail: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Check:
    """One row of the report: `area` is whom it is about, `check` what was asked."""

    area: str
    check: str
    status: Status
    detail: str = ""
    remedy: str = ""


def ok(detail: str) -> Answer:
    """It works."""
    return Answer("ok", detail)


def warned(detail: str, remedy: str) -> Answer:
    """The pipeline runs; something about it deserves attention."""
    return Answer("warning", detail, remedy)


def failed(detail: str, remedy: str) -> Answer:
    """The pipeline will fail here."""
    return Answer("failed", detail, remedy)


def skipped(detail: str, remedy: str = "") -> Answer:
    """It was not asked."""
    return Answer("skipped", detail, remedy)


def is_ready(checks: Iterable[Check]) -> bool:
    """Whether nothing failed; what was not asked stops nobody."""
    return all(check.status != "failed" for check in checks)


def combined(answers: Iterable[Answer]) -> Answer:
    """One answer about several things: the worst status, and what was said of each."""
    found = list(answers)
    worst = next(each for each in _WORST_FIRST if any(each == one.status for one in found))
    details = dict.fromkeys(each.detail for each in found if each.detail)
    remedies = dict.fromkeys(each.remedy for each in found if each.remedy)
    return Answer(worst, "\n".join(details), " ".join(remedies))


def token_kind(token: str) -> str:
    """What GitHub calls such a token; source: GitHub's authentication token formats."""
    return next((kind for begin, kind in _KINDS.items() if token.startswith(begin)), "token")


def validity(what: str, seconds_left: float | None, renew: str) -> Answer:
    """How long `what`, which was accepted just now, is still valid; None is for ever.

    An end that has passed is not believed: GitHub has been seen to name the present moment
    for a fine-grained token (reported to go-github).
    """
    if seconds_left is None or seconds_left <= 0:
        return ok(f"{what}; no expiry is told")
    told = f"{what}; valid for {spoken(seconds_left)} more"
    # Tokens of a job or an App end after an hour and are made anew for each run.
    if DAY / 2 < seconds_left < EXPIRY_WARNING_SECONDS:
        return warned(told, renew)
    return ok(told)


def requests_left(remaining: int | None, limit: int, seconds_to_reset: float) -> Answer:
    """Whether the hour's limit of a token has room for a deploy; None where there is no limit."""
    if remaining is None:
        return ok("this server sets no limit")
    told = f"{remaining} of {limit} requests left, renewed in {spoken(max(0, seconds_to_reset))}"
    if remaining >= FEW_REQUESTS:
        return ok(told)
    return warned(
        told,
        "Something else uses this token too. Use a GitHub App installation token, whose limit is "
        "its own.",
    )
