"""DORA's figures from bump commits."""

from __future__ import annotations

import pytest

from astrago_actions.domain.dora import Bump, ServiceFigures, bumps_of, figures
from astrago_actions.domain.run_history import PipelineRun

HOUR = 3600.0
DAY = 24 * HOUR
BACKEND = "xiilab/astrago-backend"
WINDOW = (0.0, 30 * DAY)


def sha(number: int) -> str:
    return f"{number:040x}"


def a_bump(number: int, at: float, **changed: object) -> Bump:
    usual: dict[str, object] = {
        "sha": sha(number),
        "at": at,
        "repository": BACKEND,
        "commit": sha(1000 + number),
        "run_id": number,
        "environment": "stage",
        "components": ("core",),
    }
    return Bump(**(usual | changed))  # type: ignore[arg-type]


def a_run(number: int, conclusion: str = "success") -> PipelineRun:
    status = "completed" if conclusion else "in_progress"
    return PipelineRun(number, number, 1, 7, status, conclusion, 0.0, 0.0, 1.0)


def only(found: tuple[ServiceFigures, ...]) -> ServiceFigures:
    assert len(found) == 1
    return found[0]


def test_one_bump_of_four_images_is_one_deployment_of_each_service() -> None:
    bump = a_bump(1, DAY, components=("core", "batch", "monitor", "frontend"))

    found = figures([bump], [a_run(1)], {}, WINDOW)

    assert [service.component for service in found] == ["batch", "core", "frontend", "monitor"]
    assert all(service.deployments == 1 for service in found)


def test_environments_are_never_blended() -> None:
    bumps = [a_bump(1, DAY), a_bump(2, 2 * DAY, environment="prod")]

    found = figures(bumps, [a_run(1), a_run(2)], {}, WINDOW)

    assert [service.name for service in found] == ["core → prod", "core → stage"]


def test_frequency_counts_good_deployments_over_all_days() -> None:
    bumps = [a_bump(number, number * DAY) for number in range(1, 16)]
    runs = [a_run(number, "failure" if number == 3 else "success") for number in range(1, 16)]

    service = only(figures(bumps, runs, {}, WINDOW))

    assert service.deployments == 14
    assert service.per_day == pytest.approx(14 / 30)


def test_change_fail_rate_counts_each_deployment_once() -> None:
    bumps = [
        a_bump(1, 1 * DAY),
        a_bump(2, 2 * DAY),  # its run failed and it was rolled back: one failure
        a_bump(3, 3 * DAY, rollback_of=sha(2), commit="", run_id=0),
        a_bump(4, 4 * DAY),
        a_bump(5, 5 * DAY, fixes=sha(4)),
        a_bump(6, 6 * DAY),
    ]
    runs = [a_run(1), a_run(2, "failure"), a_run(4), a_run(5), a_run(6)]

    service = only(figures(bumps, runs, {}, WINDOW))

    assert (service.change_fail_rate.part, service.change_fail_rate.total) == (2, 6)
    assert service.change_fail_rate.share == pytest.approx(2 / 6)
    assert (service.rework_rate.part, service.rework_rate.total) == (2, 6)
    assert service.unverified == 1


def test_too_few_deployments_give_no_rate() -> None:
    service = only(figures([a_bump(1, DAY)], [a_run(1)], {}, WINDOW))

    assert service.change_fail_rate.share is None
    assert service.rework_rate.share is None
    assert service.lead_time.median is None
    assert service.per_day is None


def test_a_deployment_that_still_goes_on_counts_for_nothing() -> None:
    bumps = [a_bump(1, DAY), a_bump(2, 2 * DAY)]

    service = only(figures(bumps, [a_run(1), a_run(2, "")], {}, WINDOW))

    assert service.deployments == 1
    assert service.change_fail_rate.total == 1


def test_recovery_lasts_until_the_next_good_deployment() -> None:
    bumps = [a_bump(number, number * HOUR) for number in range(1, 6)]
    runs = [a_run(1), a_run(2, "failure"), a_run(3, "failure"), a_run(4), a_run(5, "timed_out")]

    recovery = only(figures(bumps, runs, {}, (0.0, 10 * HOUR))).recovery_time

    assert recovery.recovered == 2
    assert recovery.median == HOUR
    assert recovery.open_seconds == (5 * HOUR,)


def test_a_rollback_recovers_what_it_undoes() -> None:
    bumps = [
        a_bump(1, 1 * HOUR),
        a_bump(2, 2 * HOUR),
        a_bump(3, 2.5 * HOUR, rollback_of=sha(2)[:12]),
    ]
    bumps[1] = a_bump(2, 2 * HOUR, sha="abcdef0123456789")
    bumps[2] = a_bump(3, 2.5 * HOUR, rollback_of="abcdef012345")

    recovery = only(figures(bumps, [a_run(1), a_run(2), a_run(3)], {}, WINDOW)).recovery_time

    assert recovery.median == 0.5 * HOUR


def test_a_rollback_of_something_unknown_is_one_of_the_deployment_before() -> None:
    bumps = [a_bump(1, HOUR), a_bump(2, 2 * HOUR), a_bump(3, 3 * HOUR, rollback_of="v1.2.3")]

    service = only(figures(bumps, [a_run(1), a_run(2), a_run(3)], {}, WINDOW))

    assert service.change_fail_rate.part == 1
    assert service.recovery_time.median == HOUR


def test_lead_time_is_from_commit_to_bump_each_commit_once() -> None:
    bumps = [a_bump(number, number * DAY) for number in range(1, 8)]
    bumps += [
        a_bump(8, 8 * DAY, commit=sha(1001)),  # deployed again: already counted
        a_bump(9, 9 * DAY, rollback_of=sha(8), commit=sha(1002)),
    ]
    runs = [a_run(number) for number in range(1, 10)]
    times = {sha(1000 + number): number * DAY - number * 60 for number in range(1, 7)}

    lead = only(figures(bumps, runs, times, WINDOW)).lead_time

    assert lead.known == 6
    assert lead.median == 180
    assert lead.slowest_tenth == 360
    assert lead.unread == 1


def test_a_commit_younger_than_its_bump_is_told_and_not_counted() -> None:
    bumps = [a_bump(number, number * DAY) for number in range(1, 7)]
    runs = [a_run(number) for number in range(1, 7)]
    times = {bump.commit: bump.at - 60 for bump in bumps} | {bumps[0].commit: bumps[0].at + 5}

    lead = only(figures(bumps, runs, times, WINDOW)).lead_time

    assert (lead.known, lead.negative, lead.median) == (5, 1, 60)


def test_takes_the_bumps_of_one_repository_and_environment_oldest_first() -> None:
    bumps = [
        a_bump(3, 3.0),
        a_bump(2, 2.0, environment="prod"),
        a_bump(1, 1.0, repository="XIILAB/Astrago-Backend"),
        a_bump(4, 4.0, repository="xiilab/astrago-frontend"),
    ]

    assert [bump.at for bump in bumps_of(bumps, BACKEND)] == [1.0, 2.0, 3.0]
    assert [bump.at for bump in bumps_of(bumps, BACKEND, "prod")] == [2.0]


def test_a_git_revert_of_a_bump_is_a_rollback_of_the_same_service() -> None:
    bump = a_bump(1, 1.0, sha="a" * 40)
    revert = Bump("b" * 40, 2.0, rollback_of="a" * 40)
    revert_of_other = Bump("c" * 40, 3.0, rollback_of="d" * 40)

    found = bumps_of([revert_of_other, revert, bump], BACKEND)

    assert [each.sha[0] for each in found] == ["a", "b"]
    assert found[1].components == ("core",)
    assert found[1].environment == "stage"


def test_without_readable_runs_deployments_count_as_not_checked() -> None:
    bumps = [a_bump(number, number * DAY) for number in range(1, 7)]

    service = only(figures(bumps, [], {}, WINDOW))

    assert (service.deployments, service.unverified) == (6, 6)
