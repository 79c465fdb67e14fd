"""The examples' preflight workflows, as a team runs them once after setting the secrets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from astrago_actions.sandbox.scenario import (
    BACKEND_SERVICE,
    FRONTEND_SERVICE,
    Service,
    Workplace,
    push_change,
    run_by_hand,
)
from astrago_actions.sandbox.world import DEPLOYMENT, World


@pytest.mark.parametrize(
    "service", [BACKEND_SERVICE, FRONTEND_SERVICE], ids=["backend", "frontend"]
)
def test_a_service_with_its_secrets_set_is_ready(
    world: World, place: Workplace, tmp_path: Path, service: Service
) -> None:
    push = push_change(world, service, tmp_path / "checkout")
    before = world.git(DEPLOYMENT, "for-each-ref")

    result = run_by_hand(world, push, place, "preflight")

    assert result.succeeded, result.trouble + result.log
    step = result.steps[0]
    assert step.outputs["result"] == "ready"
    assert {row["status"] for row in json.loads(step.outputs["checks"])} == {"ok"}
    assert "### Preflight: Ready: 17 checks." in step.summary
    assert world.git(DEPLOYMENT, "for-each-ref") == before
    assert world.registry.tags(service.repository) == []


def test_missing_secrets_are_told_together_with_the_next_steps(
    world: World, place: Workplace, tmp_path: Path
) -> None:
    push = push_change(world, BACKEND_SERVICE, tmp_path / "checkout")
    unset = {"DEPLOY_TOKEN": "", "ARGOCD_TOKEN": "", "GHCR_TOKEN": "ghp_of_somebody_else"}

    result = run_by_hand(world, push, replace(place, secrets=unset), "preflight")

    assert not result.succeeded
    step = result.steps[0]
    assert step.outputs["result"] == "not-ready"
    (error,) = step.errors
    assert error.startswith("Not ready: 3 of 6 checks failed")
    for told in (
        "- registry, sign-in: Could not sign in",
        "- deployment, token: `deployment-token` is empty",
        "- argo cd, token: `argocd-token` is empty",
    ):
        assert told in error
    assert "Traceback" not in result.log
