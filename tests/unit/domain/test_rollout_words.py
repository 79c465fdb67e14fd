"""Revisions and messages as people read them; the messages are those of Argo CD v3.2 and v3.5."""

from __future__ import annotations

import pytest

from astrago_actions.domain.rollout.words import cause, short

SOURCE = "Failed to load target state: failed to generate manifest for source 1 of 1: "
HELM = "`helm template . --name-template web --namespace web` failed exit status 1: "


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (f"{SOURCE}rpc error: code = Unknown desc = web: app path does not exist", "web: app path"),
        (
            f"{SOURCE}rpc error: code = Unknown desc = failed to execute helm template command: "
            f"failed running helm: {HELM}Error: execution error at (web/x.yaml:1:3): no such key\n"
            "\nUse --debug flag to render out invalid YAML",
            "execution error at (web/x.yaml:1:3): no such key",
        ),
        (
            f"{SOURCE}rpc error: code = Unknown desc = Manifest generation error (cached): "
            f"failed to execute helm template command: failed to get command args to log: {HELM}"
            "Error: YAML parse error on web/x.yaml",
            "YAML parse error on web/x.yaml",
        ),
        ("something else altogether", "something else altogether"),
        ("", ""),
    ],
)
def test_a_headline_names_the_cause_and_not_who_passed_it_on(said: str, expected: str) -> None:
    assert cause(said).startswith(expected)
    assert "rpc error" not in cause(said)


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        ("0123456789" * 4, "01234567"),
        ("stabilize/1.0", "stabilize/1.0"),
        ("1.2.3", "1.2.3"),
        ("", ""),
    ],
)
def test_commits_are_cut_short_and_names_are_not(revision: str, expected: str) -> None:
    assert short(revision) == expected
