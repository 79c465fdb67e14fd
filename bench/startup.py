"""How long build-tag takes as a whole process, beside a JavaScript step's bare start.

`python -m bench.startup` starts the step of build-tag's action.yml as a runner does, warm, in turn
with the others, and prints medians: wall time, and processor time, which depends less on what else
the machine does. The first run installs the packages, which may take seconds and needs a package
index; it is not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
TOOL_CACHE = ROOT / ".cache" / "tool-cache"
GOAL_MS = 120
METADATA_ACTION_MS = 229
INPUTS = {
    "components": "core, batch, monitor",
    "environments": "stabilize/*=stage",
    "template": "{component}-{environment}-{sha:8}",
    "image": "ghcr.io/xiilab/astrago-{component}",
}


@dataclass
class Contender:
    """One thing to start again and again."""

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], object] = lambda: None
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it once and note the milliseconds; raises CalledProcessError when it fails."""
        self.prepare()
        began, used = time.perf_counter(), processor_seconds()
        subprocess.run(self.command, env=self.environment, check=True, stdout=subprocess.DEVNULL)
        self.wall.append((time.perf_counter() - began) * 1000)
        self.processor.append((processor_seconds() - used) * 1000)


def processor_seconds() -> float:
    """What all children together have used so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def contenders(scratch: Path) -> list[Contender]:
    """What is compared; node only where it is installed."""
    copy = scratch / "v1"
    for part in ("src", "actions", "requirements"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    python = shutil.which("python3") or sys.executable
    interpreter = os.path.realpath(sys.executable)
    found = [
        Contender("build-tag, python3 from PATH", step(), a_step(ROOT, scratch, python)),
        Contender("build-tag, the interpreter itself", step(), a_step(ROOT, scratch, interpreter)),
        Contender(
            "the same, first start in a job (nothing compiled yet)",
            step(),
            a_step(copy, scratch, interpreter),
            prepare=lambda: forget_compiled(copy),
        ),
        Contender("python3 -I -S -c pass, the interpreter itself", [interpreter, "-ISc", "pass"]),
    ]
    node = shutil.which("node")
    return [*found, Contender("node -e 0", [node, "-e", "0"])] if node else found


def step() -> list[str]:
    """The command line with which a runner starts build-tag's step."""
    action = YAML(typ="safe").load(ROOT / "actions/build-tag/action.yml")
    script = action["runs"]["steps"][0]["run"]
    return ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]


def a_step(library: Path, scratch: Path, python: str) -> dict[str, str]:
    """The environment of a step on a push."""
    files = {"GITHUB_OUTPUT": scratch / "output", "GITHUB_STEP_SUMMARY": scratch / "summary"}
    for path in files.values():
        path.touch()
    return {
        **{name: str(path) for name, path in files.items()},
        **{name: os.environ[name] for name in os.environ if name.startswith(("PATH", "PIP_"))},
        "HOME": str(Path.home()),
        "ASTRAGO_ACTIONS_PYTHON": python,
        "GITHUB_ACTION_PATH": str(library / "actions/build-tag"),
        "GITHUB_REPOSITORY": "xiilab/astrago-backend",
        "GITHUB_REF": "refs/heads/stabilize/1.0",
        "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
        "INPUTS": json.dumps(INPUTS),
        "RUNNER_TOOL_CACHE": str(TOOL_CACHE),
        "RUNNER_TEMP": str(scratch),
    }


def forget_compiled(library: Path) -> None:
    """Make the library what a download brings: sources alone."""
    for folder in list((library / "src").rglob("__pycache__")):
        shutil.rmtree(folder)


def measure(rounds: int) -> list[Contender]:
    """Start everything in turn, so that a busy moment of the machine meets all of them."""
    with tempfile.TemporaryDirectory() as folder:
        compared = contenders(Path(folder))
        for _ in range(rounds + 1):
            for each in compared:
                each.start()
    for each in compared:
        del each.wall[0], each.processor[0]
    return compared


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    compared = measure(rounds)
    columns = f"{'median':>7}{'min':>7}{'max':>7}{'processor':>11}"
    print(f"{'whole process, milliseconds':<54}{columns}")
    for each in compared:
        median, used = statistics.median(each.wall), statistics.median(each.processor)
        fastest, slowest = min(each.wall), max(each.wall)
        print(f"{each.name:<54}{median:7.0f}{fastest:7.0f}{slowest:7.0f}{used:11.0f}")
    print(f"{'docker/metadata-action, three tags':<54}{METADATA_ACTION_MS:7}")
    print(
        f"{rounds} starts each, in turn, on {os.cpu_count()} processors with a load of "
        f"{os.getloadavg()[0]:.1f}. metadata-action was measured elsewhere, on such a machine "
        "at rest, with its two calls to an API on loopback."
    )
    reached = statistics.median(compared[0].wall)
    print(f"Goal: at most {GOAL_MS} ms; {'reached' if reached <= GOAL_MS else 'missed'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
