"""Finding the source commit of a tag that is already in the file."""

from __future__ import annotations

from astrago_actions.domain.bump_commit import DEFAULT_MESSAGE, Change, Origin, compose
from astrago_actions.domain.bump_order import commit_that_set, source_commits_of

SOURCE = "xiilab/astrago-backend"
TARGET = ("values.yaml", "core.tag")
NEWER = "f" * 40


def bump(value: str, commit: str = NEWER, repository: str = SOURCE) -> str:
    change = Change(*TARGET, "old-tag", value, "core")
    message = compose(DEFAULT_MESSAGE, [change], Origin("stage", repository, commit), "id")
    return f"{message.headline}\n\n{message.body}"


def test_the_last_bump_of_this_key_tells() -> None:
    messages = ["fix: typo", bump("core-1.2.3")]
    assert source_commits_of("core-1.2.3", TARGET, SOURCE, messages) == (NEWER,)


def test_an_older_bump_of_this_key_is_not_asked() -> None:
    messages = [bump("core-1.2.4"), bump("core-1.2.3", "a" * 40)]
    assert source_commits_of("core-1.2.3", TARGET, SOURCE, messages) == ()


def test_a_bump_from_another_repository_says_nothing_about_ours() -> None:
    assert source_commits_of("core-1.2", TARGET, SOURCE, [bump("core-1.2", NEWER, "x/y")]) == ()


def test_without_a_bump_the_sha_in_the_tag_tells() -> None:
    assert source_commits_of("core-stage-ca58a8c3", TARGET, SOURCE, []) == ("ca58a8c3",)


def test_the_last_sha_in_the_tag_is_the_likeliest_commit() -> None:
    found = source_commits_of("core-abcdef1-ca58a8c3", TARGET, SOURCE, [])
    assert found == ("ca58a8c3", "abcdef1")


def test_a_date_at_the_end_of_a_tag_does_not_hide_its_sha() -> None:
    found = source_commits_of("core-ca58a8c3-20251124", TARGET, SOURCE, [])
    assert found == ("ca58a8c3", "20251124")


def test_a_sha_of_digits_alone_is_still_a_sha() -> None:
    assert source_commits_of("core-stage-12345678", TARGET, SOURCE, []) == ("12345678",)


def test_a_bump_by_hand_leaves_the_tag_to_tell() -> None:
    by_hand = bump("core-stage-ca58a8c3", commit="")
    assert source_commits_of("core-stage-ca58a8c3", TARGET, SOURCE, [by_hand]) == ("ca58a8c3",)


def test_a_version_is_no_sha() -> None:
    assert source_commits_of("core-stage-1.0", TARGET, SOURCE, []) == ()


def test_values_that_are_in_place_lead_to_the_commit_that_set_them() -> None:
    commits = [("3" * 40, "docs"), ("2" * 40, bump("core-2")), ("1" * 40, bump("core-1"))]
    assert commit_that_set({TARGET: "core-2"}, commits) == "2" * 40


def test_no_recorded_commit_set_values_that_came_by_hand() -> None:
    assert commit_that_set({TARGET: "core-9"}, [("2" * 40, bump("core-2"))]) is None
