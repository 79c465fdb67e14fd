"""Both example pipelines on this machine: from a push to a healthy rollout, checked and shown."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astrago_actions.errors import ActionError
from astrago_actions.sandbox.base_images import ensure_base_images
from astrago_actions.sandbox.consumer_tree import export_consumer_tree, source_root
from astrago_actions.sandbox.demo_checks import checks_of
from astrago_actions.sandbox.demo_page import demo_page
from astrago_actions.sandbox.demo_record import DemoRecord, ServiceRun
from astrago_actions.sandbox.narrator import Narrator
from astrago_actions.sandbox.observed_run import observe_pipeline
from astrago_actions.sandbox.prebuilt import prebuilt_archives
from astrago_actions.sandbox.scenario import (
    BACKEND_SERVICE,
    FRONTEND_SERVICE,
    Push,
    Service,
    Workplace,
    push_change,
)
from astrago_actions.sandbox.world import APPLICATION, BRANCH, DEPLOYMENT, VALUES_FILE, World

SERVICES = (BACKEND_SERVICE, FRONTEND_SERVICE)

# Slow enough for a person to follow, in seconds.
PACE: dict[str, Any] = {"sync_seconds": 1.5, "rollout_seconds": 2.5, "termination_seconds": 1.0}


@dataclass(frozen=True)
class Demo:
    """One demo: the checkout it shows, where it works, the servers, and who tells of it."""

    root: Path
    work: Path
    world: World
    engine: str
    narrator: Narrator

    @property
    def cache(self) -> Path:
        """What stays on this machine between demos, so that later ones need no network."""
        return self.root / ".cache"

    @property
    def images(self) -> str:
        """How the images come to be, for people."""
        if self.engine:
            return f"Images are built and pushed by Docker {self.engine}."
        return "There is no Docker engine here: prebuilt OCI archives are pushed instead."


def run_demo(output: str = "") -> int:
    """Run both pipelines and write the page into the folder `output`; returns the exit code."""
    narrator = Narrator()
    try:
        root = source_root()
        folder = Path(output).resolve() if output else root / "build" / "demo"
        work = folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        with World(work) as world:
            record = _record(Demo(root, work, world, docker_engine(), narrator))
    except ActionError as error:
        narrator.say(f"{error}", "✗")
        return 1
    except subprocess.CalledProcessError as error:
        narrator.say(f"{error}\n{error.stderr or ''}", "✗")
        return 1
    except KeyboardInterrupt:
        return 130
    page = folder / "index.html"
    page.write_text(demo_page(record), encoding="utf-8")
    narrator.say(f"\nThe page: {page}")
    return 0 if all(check.holds for check in record.checks) else 1


def docker_engine() -> str:
    """The version of the Docker engine that answers here; empty when there is none."""
    if not shutil.which("docker"):
        return ""
    command = ["docker", "info", "--format", "{{.ServerVersion}}"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _record(demo: Demo) -> DemoRecord:
    started_at = time.time()
    world, narrator = demo.world, demo.narrator
    world.add_examples(demo.root / "examples")
    world.argocd.behave(APPLICATION, **PACE)
    places = {
        "GitHub": world.github_server.url,
        "registry": world.registry_host,
        "Argo CD": world.argocd_server.url,
        "repositories": str(demo.work / "repositories"),
    }
    for name, place in places.items():
        narrator.say(f"{name:12} {place}")
    narrator.say(demo.images)
    library = export_consumer_tree(demo.root, demo.work / "library")
    runs = tuple(_run_service(demo, service, library) for service in SERVICES)
    checks = tuple(check for run in runs for check in checks_of(run))
    seconds = time.time() - started_at
    narrator.say("\nWhat must hold")
    for check in checks:
        narrator.say(f"{check.claim}: {check.seen}", "  ✓" if check.holds else "  ✗")
    narrator.say(f"\nTwo pipelines in {seconds:.1f} s.")
    return DemoRecord(demo.images, runs, checks, started_at, seconds, APPLICATION, places)


def _run_service(demo: Demo, service: Service, library: Path) -> ServiceRun:
    """Push a change, run the workflow, show what it led to."""
    world, narrator = demo.world, demo.narrator
    folder = demo.work / service.repository.rpartition("/")[2]
    folder.mkdir(parents=True)
    push = push_change(world, service, folder / "checkout")
    narrator.say(f"\n{service.repository}: {push.sha[:8]} on {BRANCH}: {service.message}")
    place = Workplace(library, demo.cache / "tool-cache", folder / "act", _images(demo, push))
    run = observe_pipeline(world, push, place, narrator.hear, narrator.see)
    narrator.say(f"{DEPLOYMENT}: {run.after[:8]} changes {VALUES_FILE}", "  ●")
    narrator.show_diff(run.diff)
    if demo.engine:
        _forget_images(run.served)
    return run


def _images(demo: Demo, push: Push) -> dict[str, str]:
    """The repository variables that say what images are made of."""
    if demo.engine:
        return ensure_base_images(demo.root / "examples/astrago-frontend", demo.cache).variables()
    archives = prebuilt_archives(push, push.checkout.parent / "archives", demo.cache / "npm")
    return {"IMAGE_ARCHIVE": archives}


def _forget_images(images: Iterable[str]) -> None:
    """Leave no names behind in the engine that point to a registry which is gone."""
    subprocess.run(["docker", "image", "rm", *images], capture_output=True, check=False)
