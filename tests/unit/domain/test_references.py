from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.domain.references import (
    ImageReference,
    parse_image,
    repository_problem,
    tag_problem,
)

# Source: OCI distribution specification, "Pulling manifests".
OCI_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
OCI_NAME = re.compile(
    r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*", re.ASCII
)
DIGEST = "sha256:" + "0123456789abcdef" * 4

tag_like = st.text(st.sampled_from("aZ09._-/ @배\n"), max_size=12) | st.from_regex(
    r"[a-zA-Z0-9_.-]{120,135}", fullmatch=True
)
name_like = st.text(st.sampled_from("ab09._-/A:배"), max_size=12)


@given(tag_like | st.text())
def test_finds_a_problem_exactly_where_the_specification_does(tag: str) -> None:
    assert (tag_problem(tag) is None) == (OCI_TAG.fullmatch(tag) is not None)


@pytest.mark.parametrize(
    ("tag", "problem"),
    [
        ("", "the tag is empty"),
        ("-x", "tag `-x` begins with `-`; it must begin with a letter, digit or _"),
        ("a b", "tag `a b` has ` ` at position 2, where only A-Za-z0-9._- may be"),
        ("배포", "tag `배포` begins with `배`; it must begin with a letter, digit or _"),
        ("a" * 129, f"tag `{'a' * 40}…` has 129 characters; registries allow 128"),
    ],
)
def test_names_the_character_that_breaks_a_tag(tag: str, problem: str) -> None:
    assert tag_problem(tag) == problem


@given(name_like)
def test_takes_the_repositories_that_the_specification_takes(name: str) -> None:
    assert (repository_problem(name) is None) == (OCI_NAME.fullmatch(name) is not None)


def test_offers_the_lower_case_name() -> None:
    problem = repository_problem("Xiilab/astrago")

    assert problem == "repository `Xiilab/astrago` must be lower case (`xiilab/astrago`)"


@pytest.mark.parametrize(
    "reference",
    [
        ImageReference("ghcr.io", "xiilab/astrago-core"),
        ImageReference("ghcr.io", "xiilab/astrago-core", "core-stage-1", DIGEST),
        ImageReference("localhost", "core", digest=DIGEST),
        ImageReference("localhost:5000", "a/b/c", "1"),
        ImageReference("[::1]:5000", "a", "1"),
        ImageReference("docker.io", "library/nginx", "1.27"),
    ],
)
def test_reads_back_what_it_writes(reference: ImageReference) -> None:
    assert parse_image(str(reference)) == reference


@given(
    st.sampled_from(["ghcr.io", "localhost", "harbor.example.com:8443"]),
    st.lists(st.sampled_from(["a", "b-c", "d__e", "f.0"]), min_size=1, max_size=4).map("/".join),
    st.sampled_from(["", "1", "core-stage-0a1b2c3d", "_", "v" * 128]),
    st.sampled_from(["", DIGEST]),
)
def test_reads_back_every_valid_reference(
    registry: str, repository: str, tag: str, digest: str
) -> None:
    reference = ImageReference(registry, repository, tag, digest)

    assert parse_image(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin with a registry"),
        ("nginx", "does not begin with a registry"),
        ("library/nginx", "does not begin with a registry"),
        ("https://ghcr.io/a", "does not begin with a registry"),
        ("ghcr.io/", "invalid part"),
        ("ghcr.io/a//b", "invalid part"),
        ("ghcr.io/a_-b", "invalid part"),
        ("ghcr.io/A/b", "must be lower case"),
        ("ghcr.io/a:", "the tag is empty"),
        ("ghcr.io/a:b/c", "has `/` at position 2"),
        ("ghcr.io/a@", "is not a sha256 digest"),
        ("ghcr.io/a@sha256:12", "is not a sha256 digest"),
        ("ghcr.io/" + "a" * 300, "is too long"),
        ("ghcr.io:x/a", "does not begin with a registry"),
    ],
)
def test_says_what_is_wrong_with_a_reference(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_image(text)


@given(st.text() | name_like)
def test_any_text_is_a_reference_or_a_value_error(text: str) -> None:
    try:
        reference = parse_image(text)
    except ValueError:
        return
    assert str(reference) == text


def test_another_tag_drops_the_digest_which_belongs_to_the_old_one() -> None:
    reference = ImageReference("ghcr.io", "a", "1", DIGEST)

    assert reference.with_tag("2") == ImageReference("ghcr.io", "a", "2")
    assert reference.name == "ghcr.io/a"
