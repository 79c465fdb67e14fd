"""Remedies name the inputs that the reader has."""

from __future__ import annotations

import pytest

from astrago_actions.domain.input_names import renamed

NAMES = {"branch": "deployment-branch", "token": "registry-token", "mode": "mode"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Correct the input `branch`.", "Correct the input `deployment-branch`."),
        ("Renew `token`, or `token` again.", "Renew `registry-token`, or `registry-token` again."),
        ("Set `mode: pull-request`.", "Set `mode: pull-request`."),
        ("Use `branch: main`.", "Use `deployment-branch: main`."),
        ("Look at `branches` and the branch.", "Look at `branches` and the branch."),
        ("The commit is on `branch/1.0`.", "The commit is on `branch/1.0`."),
        ("It needs `contents: write`.", "It needs `contents: write`."),
    ],
)
def test_only_inputs_in_backticks_are_renamed(text: str, expected: str) -> None:
    assert renamed(text, NAMES) == expected
