from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.domain.components import (
    Component,
    EnvironmentRule,
    changed_components,
    environment_of,
    name_problem,
)

BACKEND = (
    Component("core", paths=("server-core", "common/", "*.gradle")),
    Component("batch", paths=("server-batch/", "common/")),
    Component("docs"),
)


@pytest.mark.parametrize("name", ["core", "server-core", "a.b_c", "0"])
def test_a_name_is_what_may_stand_in_tags_and_repositories(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    "name", ["", "Core", "-core", "core-", "a b", "a/b", "코어", "a\n", "a--b"]
)
def test_a_name_is_nothing_else(name: str) -> None:
    assert f"`{name}` is not a component name" in str(name_problem(name))


@pytest.mark.parametrize(
    ("files", "changed"),
    [
        (["server-core/src/Main.java"], ("core", "docs")),
        (["common/pom.xml"], ("core", "batch", "docs")),
        (["build.gradle"], ("core", "docs")),
        (["server-core-old/x"], ("docs",)),
        (["README.md"], ("docs",)),
        ([], ("docs",)),
    ],
)
def test_a_component_changes_with_its_files(files: list[str], changed: tuple[str, ...]) -> None:
    assert changed_components(BACKEND, files) == changed


def test_everything_changes_when_the_files_are_unknown() -> None:
    assert changed_components(BACKEND, None) == ("core", "batch", "docs")


@pytest.mark.parametrize(
    ("pattern", "file"),
    [
        ("server-core", "server-core/a/b"),
        ("server-core/", "server-core/a"),
        ("./server-core/", "server-core/a"),
        ("server-core/**", "server-core/a/b"),
        ("modules/*/src", "modules/x/src/a"),
        ("Dockerfile", "Dockerfile"),
        ("**/*.java", "a/b/c.java"),
        (".", "anything"),
        ("한글/", "한글/파일"),
    ],
)
def test_a_path_is_a_file_a_folder_or_a_pattern(pattern: str, file: str) -> None:
    assert changed_components([Component("x", paths=(pattern,))], [file]) == ("x",)


@pytest.mark.parametrize(
    ("pattern", "file"),
    [("server-core", "server-core2/a"), ("Dockerfile", "a/Dockerfile"), ("*.java", "a.kt")],
)
def test_a_path_is_no_more_than_it_says(pattern: str, file: str) -> None:
    assert changed_components([Component("x", paths=(pattern,))], [file]) == ()


@given(st.lists(st.text(min_size=1)), st.lists(st.text(min_size=1)))
def test_a_file_that_is_listed_by_name_always_counts(paths: list[str], files: list[str]) -> None:
    component = Component("x", paths=(*paths, "a/b.txt"))

    assert changed_components([component], [*files, "a/b.txt"]) == ("x",)


RULES = (
    EnvironmentRule("stabilize/*", "stage"),
    EnvironmentRule("release/*", "prod"),
    EnvironmentRule("*", "dev"),
)


@pytest.mark.parametrize(
    ("branch", "environment"),
    [("stabilize/1.0", "stage"), ("release/a/b", "prod"), ("main", "dev"), ("stabilize", "dev")],
)
def test_the_first_rule_that_matches_a_branch_gives_its_environment(
    branch: str, environment: str
) -> None:
    assert environment_of(branch, RULES) == environment


def test_no_rule_is_no_environment() -> None:
    assert environment_of("main", RULES[:2]) == ""
