"""Choosing what a rollback takes back."""

from __future__ import annotations

from astrago_actions.domain.bump_commit import DEFAULT_MESSAGE, Change, Origin, compose
from astrago_actions.domain.bump_rollback import PREVIOUS, Rollback, Step, rollback

CORE = ("values.yaml", "core.tag")
WEB = ("values.yaml", "web.tag")


def commit(
    sha: str, target: tuple[str, str], previous: str, value: str, rollback_of: str = ""
) -> tuple[str, str]:
    change = Change(*target, previous, value, "component")
    origin = Origin("stage", "x/y", "c" * 40, rollback_of=rollback_of)
    message = compose(DEFAULT_MESSAGE, [change], origin, f"id-{sha}")
    return sha, f"{message.headline}\n\n{message.body}"


FIRST = commit("1" * 40, CORE, "v0", "v1")
SECOND = commit("2" * 40, CORE, "v1", "v2")
OTHER = commit("3" * 40, WEB, "w1", "w2")


def test_previous_takes_the_newest_bump_of_these_keys_back() -> None:
    history = [("9" * 40, "docs: typo"), OTHER, SECOND, FIRST]
    assert rollback(PREVIOUS, [CORE], history) == Rollback("2" * 40, {CORE: Step("v1", "v2")})


def test_rolling_back_twice_goes_two_bumps_back() -> None:
    taken_back = commit("4" * 40, CORE, "v2", "v1", rollback_of="2" * 40)
    assert rollback(PREVIOUS, [CORE], [taken_back, SECOND, FIRST]) == Rollback(
        "1" * 40, {CORE: Step("v0", "v1")}
    )


def test_a_named_commit_is_taken_back_also_by_the_beginning_of_its_sha() -> None:
    assert rollback("1111111", [CORE], [SECOND, FIRST]) == Rollback(
        "1" * 40, {CORE: Step("v0", "v1")}
    )


def test_there_is_nothing_to_take_back_where_no_bump_changed_the_keys() -> None:
    assert rollback(PREVIOUS, [CORE], [OTHER]) is None


def test_a_value_that_was_empty_before_cannot_come_back() -> None:
    assert rollback(PREVIOUS, [CORE], [commit("5" * 40, CORE, "", "v1")]) is None


def test_each_key_is_taken_back_for_itself() -> None:
    both = (
        "6" * 40,
        "chore: core, web -> x\n\nvalues.yaml:\n  core.tag: v1 -> v2\n  web.tag: w1 -> w2\n\n"
        "Bump-Id: id",
    )
    core_is_back = commit("7" * 40, CORE, "v2", "v1", rollback_of="6" * 40)
    assert rollback(PREVIOUS, [WEB], [core_is_back, both]) == Rollback(
        "6" * 40, {WEB: Step("w1", "w2")}
    )
