"""Rows of a preflight: what counts as ready, and how long a token still is good."""

from __future__ import annotations

import pytest

from astrago_actions.domain.durations import DAY, HOUR
from astrago_actions.domain.readiness import (
    Answer,
    Check,
    Status,
    combined,
    failed,
    is_ready,
    ok,
    requests_left,
    skipped,
    token_kind,
    validity,
    warned,
)


@pytest.mark.parametrize(
    ("statuses", "ready"),
    [
        (("ok", "ok"), True),
        (("ok", "warning", "skipped"), True),
        (("ok", "failed"), False),
    ],
)
def test_only_a_failure_keeps_a_pipeline_from_being_ready(
    statuses: tuple[Status, ...], *, ready: bool
) -> None:
    assert is_ready(Check("area", "check", status) for status in statuses) is ready


@pytest.mark.parametrize(
    ("seconds_left", "status"),
    [
        (None, "ok"),
        (90 * DAY, "ok"),
        (14 * DAY, "ok"),
        (14 * DAY - 1, "warning"),
        (DAY, "warning"),
        (HOUR, "ok"),
        (0, "ok"),
        (-DAY, "ok"),
    ],
)
def test_a_token_that_ends_within_two_weeks_is_a_warning_unless_it_is_made_for_each_run(
    seconds_left: float | None, status: str
) -> None:
    assert validity("GitHub knows this token", seconds_left, "Renew it.").status == status


@pytest.mark.parametrize(
    ("remaining", "status"), [(None, "ok"), (5000, "ok"), (100, "ok"), (99, "warning")]
)
def test_a_nearly_used_up_hour_is_a_warning(remaining: int | None, status: str) -> None:
    assert requests_left(remaining, 5000, 600).status == status


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("github_pat_11AA", "fine-grained token"),
        ("ghp_x", "classic token"),
        ("ghs_x", "token of a job or a GitHub App"),
        ("0123abcd", "token"),
    ],
)
def test_a_token_is_called_what_its_beginning_says(token: str, kind: str) -> None:
    assert token_kind(token) == kind


def test_answers_about_several_things_become_the_worst_of_them_with_every_detail() -> None:
    answers = (ok("a runs"), warned("b waits", "Sync b."), skipped("c is hidden"), ok("a runs"))

    found = combined(answers)

    assert found == Answer("warning", "a runs\nb waits\nc is hidden", "Sync b.")
    assert combined([*answers, failed("d is gone", "")]).status == "failed"
