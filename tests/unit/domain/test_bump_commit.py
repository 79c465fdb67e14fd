"""The bump commit's text: what people read, and what is read back from it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.domain.bump_commit import (
    DEFAULT_MESSAGE,
    Change,
    Origin,
    compose,
    recorded_changes,
    trailers,
)

VALUES = "helmfile/environments/customers/xiilab/values.yaml"
CORE = Change(VALUES, "astrago.core.imageTag", "core-stage-0d1e2f3a", "core-stage-ca58a8c3", "core")
BATCH = Change(VALUES, "astrago.batch.imageTag", "", "batch-stage-ca58a8c3", "batch")
ORIGIN = Origin(
    environment="stage",
    repository="xiilab/astrago-backend",
    commit="ca58a8c3" + "0" * 32,
    run_url="https://github.com/xiilab/astrago-backend/actions/runs/7",
)


def test_the_headline_names_environment_components_and_short_sha() -> None:
    message = compose(DEFAULT_MESSAGE, [CORE, BATCH], ORIGIN, "id1")
    assert message.headline == "chore(stage): core, batch -> ca58a8c3"


def test_the_headline_has_no_empty_scope_without_an_environment() -> None:
    message = compose(DEFAULT_MESSAGE, [CORE], Origin(commit="ca58a8c3" * 5), "id1")
    assert message.headline == "chore: core -> ca58a8c3"


def test_the_body_shows_each_file_and_below_it_old_and_new_values() -> None:
    message = compose(DEFAULT_MESSAGE, [CORE, BATCH], ORIGIN, "id1")
    assert message.body.startswith(
        f"{VALUES}:\n"
        "  astrago.core.imageTag: core-stage-0d1e2f3a -> core-stage-ca58a8c3\n"
        "  astrago.batch.imageTag: (empty) -> batch-stage-ca58a8c3\n\n"
    )


def test_git_itself_reads_the_trailers() -> None:
    message = compose(DEFAULT_MESSAGE, [CORE, BATCH], ORIGIN, "id1")
    text = f"{message.headline}\n\n{message.body}\n"
    parsed = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    assert parsed.stdout.splitlines() == [
        "Source-Repository: xiilab/astrago-backend",
        f"Source-Commit: {ORIGIN.commit}",
        f"Workflow-Run: {ORIGIN.run_url}",
        "Environment: stage",
        "Component: core",
        "Component: batch",
        "Bump-Id: id1",
    ]
    assert trailers(text)["Component"] == ("core", "batch")


def test_a_template_may_have_a_text_of_its_own_below_the_headline() -> None:
    message = compose("deploy {tag}\n\nFrom {repository}.", [CORE], ORIGIN, "id1")
    assert message.headline == "deploy core-stage-ca58a8c3"
    assert message.body.startswith("From xiilab/astrago-backend.\n\n")


def test_an_unknown_placeholder_is_named() -> None:
    with pytest.raises(ValueError, match=r"`\{tags\}` is unknown"):
        compose("deploy {tags}", [CORE], ORIGIN, "id1")


def test_outside_text_cannot_add_a_trailer() -> None:
    origin = Origin(environment="stage\nBump-Id: forged", commit="a" * 40)
    message = compose(DEFAULT_MESSAGE, [CORE], origin, "id1")
    assert trailers(f"{message.headline}\n\n{message.body}")["Bump-Id"] == ("id1",)


tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,30}", fullmatch=True)
changes = st.builds(
    Change,
    file=st.sampled_from(["values.yaml", "charts/a b/values.yaml", "값.yaml"]),
    key=st.from_regex(r"[a-z]+(\.[a-z]+|\[name=[a-z]+\]|\[\d\]){0,4}", fullmatch=True),
    previous=st.one_of(st.just(""), tags),
    value=tags,
    component=st.sampled_from(["core", "batch"]),
)


@given(st.lists(changes, min_size=1, max_size=6, unique_by=lambda each: (each.file, each.key)))
def test_what_is_written_is_what_is_read_back(written: list[Change]) -> None:
    message = compose(DEFAULT_MESSAGE, written, ORIGIN, "id1")
    assert recorded_changes(f"{message.headline}\n\n{message.body}") == {
        (each.file, each.key): (each.previous, each.value) for each in written
    }
