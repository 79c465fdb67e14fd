"""Ways to set values in a YAML file: ours, and those it is measured beside.

Every editor takes copies of the files, sets the same value at the same places and says how long
each took, its reading and writing of the file included.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from astrago_actions.domain.key_path import Index, Key, path_text
from astrago_actions.domain.values import edit
from astrago_actions.domain.values_file import decode, encode

CACHE = Path(__file__).parents[2] / ".cache" / "bench"
NPM_YAML = "yaml@2.9.1"
YQ = "github.com/mikefarah/yq/v4@v4.54.2"

Steps = tuple["str | int", ...]


class NotHere(Exception):
    """The editor cannot be had on this machine; the message says why."""


@dataclass(frozen=True)
class Job:
    """Set `value` at each of the places in `file`."""

    file: Path
    places: tuple[Steps, ...]
    value: str


@dataclass(frozen=True)
class Result:
    """How long one file took, or why it could not be edited."""

    milliseconds: float = 0.0
    error: str = ""


Editor = Callable[[Sequence[Job]], list[Result]]


def _in_process(change: Callable[[Job], bytes]) -> Editor:
    def run(jobs: Sequence[Job]) -> list[Result]:
        return [_timed(change, job) for job in jobs]

    return run


def _timed(change: Callable[[Job], bytes], job: Job) -> Result:
    begun = time.perf_counter()
    try:
        job.file.write_bytes(change(job))
    except Exception as error:  # noqa: BLE001 - a peer may fail in any way; that is a finding
        return Result(error=f"{type(error).__name__}: {error}")
    return Result((time.perf_counter() - begun) * 1000)


def _ours(job: Job) -> bytes:
    text = decode(job.file.read_bytes(), job.file.name)
    return encode(edit(text, {_path(place): job.value for place in job.places}))


def _path(place: Steps) -> str:
    return path_text(Index(step) if isinstance(step, int) else Key(step) for step in place)


def _ruamel_default(job: Job) -> bytes:
    return _round_trip(YAML(), job)


def _ruamel_tuned(job: Job) -> bytes:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return _round_trip(yaml, job)


def _round_trip(yaml: YAML, job: Job) -> bytes:
    data = yaml.load(job.file.read_text(encoding="utf-8"))
    for place in job.places:
        holder = data
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = job.value
    written = io.BytesIO()
    yaml.dump(data, written)
    return written.getvalue()


def _npm_yaml(jobs: Sequence[Job]) -> list[Result]:
    if not (shutil.which("npm") and shutil.which("node")):
        raise NotHere("npm and node are not installed")
    folder = CACHE / "npm"
    if not (folder / "node_modules" / "yaml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _install(["npm", "install", "--silent", "--no-fund", "--prefix", str(folder), NPM_YAML])
    given = [{"file": str(job.file), "paths": job.places, "value": job.value} for job in jobs]
    script = Path(__file__).with_name("npm_yaml.mjs")
    done = subprocess.run(
        ["node", script, folder],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    return [Result(**each) for each in json.loads(done.stdout)]


def yq_program() -> Path:
    """Go's yq, built once; raises NotHere."""
    program = CACHE / "bin" / "yq"
    if not program.exists():
        if shutil.which("go") is None:
            raise NotHere("Go is not installed")
        _install(["env", f"GOBIN={program.parent}", "go", "install", YQ])
    return program


def _yq(jobs: Sequence[Job]) -> list[Result]:
    program = yq_program()
    return [_timed_yq(program, job) for job in jobs]


def _timed_yq(program: Path, job: Job) -> Result:
    places = (
        "".join(f"[{json.dumps(step, ensure_ascii=False)}]" for step in place)
        for place in job.places
    )
    expression = " | ".join(f".{place} = {json.dumps(job.value)}" for place in places)
    begun = time.perf_counter()
    done = subprocess.run(
        [program, "-i", expression, job.file], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return Result(error=done.stderr.strip()[:200])
    return Result((time.perf_counter() - begun) * 1000)


def _install(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"`{' '.join(command)}` failed: {done.stderr.strip()[-200:]}")


EDITORS: dict[str, Editor] = {
    "ours": _in_process(_ours),
    "ruamel.yaml round trip, defaults": _in_process(_ruamel_default),
    "ruamel.yaml round trip, tuned": _in_process(_ruamel_tuned),
    f"npm {NPM_YAML.replace('@', ' ')} document": _npm_yaml,
    f"yq -i {YQ.rpartition('@')[2]} (a process per file)": _yq,
}
