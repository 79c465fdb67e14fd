"""What `astrago-actions init` writes for the example services, run whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from astrago_actions.command_line import run_command
from astrago_actions.sandbox.scenario import (
    BACKEND_SERVICE,
    FRONTEND_SERVICE,
    Service,
    Workplace,
    push_change,
    run_by_hand,
    run_pipeline,
)
from astrago_actions.sandbox.world import APPLICATION, BRANCH, DEPLOYMENT, VALUES_FILE, World

SERVICES = (BACKEND_SERVICE, FRONTEND_SERVICE)


def init(world: World, service: Service, place: Workplace, folder: Path) -> int:
    """Replace the example's workflows by those that `init` writes."""
    flags = {
        "components": ", ".join(service.components),
        "image": f"{world.registry_host}/{service.repository}",
        "deployment-repository": DEPLOYMENT,
        "deployment-branch": BRANCH,
        "file": VALUES_FILE,
        "key": "astrago.{component}.imageTag",
        "argocd-server": world.argocd_server.url,
        "application": APPLICATION,
        "with": f"archive={place.variables['IMAGE_ARCHIVE']}",
        "folder": str(folder),
    }
    parts = [part for name, value in flags.items() for part in (f"--{name}", value)]
    return run_command(["init", *parts, "--force"])


@pytest.mark.parametrize("service", SERVICES, ids=["backend", "frontend"])
def test_a_service_that_begins_with_init_is_ready_deploys_and_goes_back(
    world: World, place: Workplace, tmp_path: Path, service: Service
) -> None:
    push = push_change(world, service, tmp_path / "checkout")
    assert init(world, service, place, push.checkout) == 0

    before = world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE)

    asked = run_by_hand(world, push, place, "preflight")
    deployed = run_pipeline(world, push, place)

    assert asked.succeeded, asked.trouble + asked.log
    assert deployed.succeeded, deployed.trouble + deployed.log
    values = world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE).decode()
    for component in service.components:
        assert f'imageTag: "{component}-stage-{push.sha[:8]}"' in values
    status = world.argocd.application(APPLICATION).document()["status"]
    assert status["sync"]["revision"] == world.github.head(DEPLOYMENT, BRANCH)
    assert status["health"]["status"] == "Healthy"

    back = run_by_hand(world, push, place, "rollback", to_before="previous")

    assert back.succeeded, back.trouble + back.log
    assert world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE) == before
