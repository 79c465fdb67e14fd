"""Both example pipelines on this machine: from a push to a healthy rollout, checked and shown."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astrago_actions.errors import ActionError
from astrago_actions.sandbox.consumer_tree import export_consumer_tree, source_root
from astrago_actions.sandbox.demo_checks import checks_of
from astrago_actions.sandbox.demo_images import (
    docker_engine,
    forget_images,
    image_story,
    image_variables,
)
from astrago_actions.sandbox.demo_page import demo_page
from astrago_actions.sandbox.demo_record import DemoRecord, ServiceRun
from astrago_actions.sandbox.narrator import Narrator
from astrago_actions.sandbox.observed_run import observe_pipeline
from astrago_actions.sandbox.scenario import (
    BACKEND_SERVICE,
    FRONTEND_SERVICE,
    Push,
    Service,
    Workplace,
    push_change,
    run_by_hand,
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


def run_demo(output: str = "") -> int:
    """Run both pipelines and write the page into the folder `output`; returns the exit code."""
    narrator = Narrator()
    try:
        root = source_root()
        folder = Path(output).resolve() if output else root / "build" / "demo"
        work = folder / "astrago-demo-files"
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


def _record(demo: Demo) -> DemoRecord:
    started_at = time.time()
    world, narrator, story = demo.world, demo.narrator, image_story(demo.engine)
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
    narrator.say(story)
    library = export_consumer_tree(demo.root, demo.work / "library")
    runs = tuple(_run_service(demo, service, library) for service in SERVICES)
    checks = tuple(check for run in runs for check in checks_of(run))
    seconds = time.time() - started_at
    narrator.say("\nWhat must hold")
    for check in checks:
        narrator.say(f"{check.claim}: {check.seen}", "  ✓" if check.holds else "  ✗")
    narrator.say(f"\nTwo pipelines in {seconds:.1f} s.")
    return DemoRecord(story, runs, checks, started_at, seconds, APPLICATION, places)


def _preflight(demo: Demo, push: Push, place: Workplace) -> None:
    """What a person does once after setting the secrets: run it by hand; changes nothing."""
    demo.narrator.say("Preflight: are all tokens and permissions there?")
    result = run_by_hand(demo.world, push, place, "preflight", demo.narrator.hear)
    if not result.succeeded:
        raise ActionError(
            "The preflight found something missing",
            result.trouble or "Its own lines above say what.",
            "This should not happen in the demo: report it with those lines.",
        )


def _run_service(demo: Demo, service: Service, library: Path) -> ServiceRun:
    """Push a change, run the workflow, show what it led to."""
    world, narrator = demo.world, demo.narrator
    folder = demo.work / service.repository.rpartition("/")[2]
    folder.mkdir(parents=True)
    push = push_change(world, service, folder / "checkout")
    narrator.say(f"\n{service.repository}: {push.sha[:8]} on {BRANCH}: {service.message}")
    images = image_variables(demo.engine, push, folder / "archives", demo.cache)
    place = Workplace(library, demo.cache / "tool-cache", folder / "act", images)
    if service is SERVICES[0]:
        _preflight(demo, push, place)
    run = observe_pipeline(world, push, place, narrator.hear, narrator.see)
    narrator.say(f"{DEPLOYMENT}: {run.after[:8]} changes {VALUES_FILE}", "  ●")
    narrator.show_diff(run.diff)
    forget_images(demo.engine, run.served)
    return run
