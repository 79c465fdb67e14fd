from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.domain.references import tag_problem
from astrago_actions.domain.tag_template import (
    TagFacts,
    TemplateError,
    names_component,
    render,
    version_of,
)

SHA = "0123456789abcdef0123456789abcdef01234567"
FACTS = TagFacts(
    environment="stage",
    sha=SHA,
    branch="stabilize/1.0",
    run_number=42,
    pull_request=7,
    moment=datetime(2026, 11, 24, 9, 30, tzinfo=timezone.utc).timestamp(),
)


@pytest.mark.parametrize(
    ("template", "tag"),
    [
        ("{component}-{environment}-{sha:8}", "core-stage-01234567"),
        ("{component}-{environment}-{version}-{sha:8}", "core-stage-1.0-01234567"),
        ("{sha}", SHA),
        ("{sha:40}", SHA),
        ("{sha:4}", "0123"),
        ("{branch}", "stabilize-1.0"),
        ("{date}", "20261124"),
        ("{date:%Y-%m-%d.%H}", "2026-11-24.09"),
        ("{run_number}-{pr}", "42-7"),
        ("latest", "latest"),
    ],
)
def test_fills_each_placeholder(template: str, tag: str) -> None:
    assert render(template, "core", FACTS) == tag


@pytest.mark.parametrize(
    ("template", "facts", "reason"),
    [
        ("{environment}", replace(FACTS, environment=""), "no environment is known"),
        ("{version}", replace(FACTS, branch="main"), "`main` does not end in a version"),
        ("{branch}", replace(FACTS, branch=""), "no branch is known"),
        ("{pr}", replace(FACTS, pull_request=0), "this is not a pull request"),
        ("{run_number}", replace(FACTS, run_number=0), "there is no workflow run here"),
        ("{sha:3}", FACTS, "`{sha:3}` must take 4 to 40 digits"),
        ("{sha:41}", FACTS, "must take 4 to 40 digits"),
        ("{sha:short}", FACTS, "must take 4 to 40 digits"),
        ("{sha:٨}", FACTS, "must take 4 to 40 digits"),
        ("{sha:" + "9" * 5000 + "}", FACTS, "must take 4 to 40 digits"),
        ("{tag}", FACTS, "`{tag}` is unknown; known placeholders are component, environment"),
        ("{component:3}", FACTS, "`{component:3}` is unknown"),
        ("{}", FACTS, "`{}` is unknown"),
    ],
)
def test_says_why_a_placeholder_has_no_value(template: str, facts: TagFacts, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason.replace("{", "\\{").replace("}", "\\}")):
        render(template, "core", facts)


@pytest.mark.parametrize(
    ("branch", "version"),
    [
        ("stabilize/1.0", "1.0"),
        ("release/v2", "2"),
        ("v1.2.3", "1.2.3"),
        ("release-1.10", "1.10"),
        ("main", ""),
        ("1.0/fix", ""),
        ("stabilize1.0", ""),
        ("stabilize/1.0\n", ""),
        ("release/1.0.", ""),
        ("", ""),
    ],
)
def test_finds_the_version_that_ends_a_branch(branch: str, version: str) -> None:
    assert version_of(branch) == version


placeholders = st.sampled_from(
    [
        *("{component}", "{environment}", "{sha}", "{sha:8}", "{version}", "{branch}", "{date}"),
        *("{date:%H:%M}", "{run_number}", "{pr}", "{sha:2}", "{x}", "{", "}", "-", ".", "_", "/"),
    ]
)
any_text = st.text(st.characters(exclude_categories=[]), max_size=3)
templates = st.lists(placeholders | any_text | any_text.map("{{date:{}}}".format), max_size=8).map(
    "".join
)
facts = st.builds(
    TagFacts,
    environment=st.sampled_from(["", "stage", "prod"]),
    sha=st.just(SHA),
    branch=st.sampled_from(["", "stabilize/1.0", "feature/한글-1", "-x"]) | st.text(max_size=5),
    run_number=st.integers(0, 10**9),
    pull_request=st.integers(0, 10**6),
    moment=st.floats(0, 4e9),
)


@given(templates, facts)
def test_every_template_gives_a_tag_an_explained_problem_or_a_template_error(
    template: str, facts: TagFacts
) -> None:
    try:
        tag = render(template, "core", facts)
    except TemplateError:
        return
    assert tag_problem(tag) is None or "tag" in str(tag_problem(tag))


@given(facts)
def test_the_same_template_and_facts_give_the_same_tag(facts: TagFacts) -> None:
    template = "{component}-{sha:8}-{date}"

    assert render(template, "core", facts) == render(template, "core", facts)


def test_knows_whether_tags_differ_between_components() -> None:
    assert names_component("{component}-{sha:8}")
    assert not names_component("{sha:8}")
