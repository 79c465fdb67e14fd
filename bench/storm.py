"""Many writers, one file: what it costs to lose nothing.

`python -m bench.storm` starts N bumps in processes of their own, each of another key of the same
file and branch, all at the same moment, against the sandbox's GitHub with 50 ms per call. It
prints requests per bump (mean and most) and the seconds until the last one is done, beside the
ideal (every read and write one after the other) and, for smaller N, beside clone + yq + push
with retries. Then the same with 20 % of the calls failing. git itself is asked whether anything
was lost, and how many lines differ in more than a tag. Ends with 1 when something was lost or
spoilt, or when 100 writers needed more requests than they may.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from astrago_actions.sandbox.github import GitHub
from astrago_actions.sandbox.github.errors import secondary_rate_limit
from astrago_actions.sandbox.server import Fault, LoopbackServer
from bench.editors import yq_program

REPOSITORY, BRANCH, FILE, TOKEN = "x/deployment", "main", "values.yaml", "github_pat_storm"
LATENCY = 0.05
PEER_LIMIT = 50
REQUESTS = re.compile(r"(\d+) requests")
ALL_AT_ONCE, WITH_SPREAD = "all at once", "with spread"
# The most requests per bump, in the mean, that a hundred writers may need.
GOALS = {(100, ALL_AT_ONCE): 8.0, (100, WITH_SPREAD): 4.0}
# How the failing calls fail. Who is refused without being told for how long waits a minute, as
# GitHub asks of everybody: one in twenty failures is enough to see it, and not all the table shows.
FAILURES = (
    (0.2, Fault(kind="status", status=502, times=None)),
    (0.2, Fault(kind="reset-before", times=None)),
    (0.2, Fault(kind="reset-after", times=None)),
    (0.2, Fault(kind="status-after", status=502, times=None)),
    (0.15, secondary_rate_limit(retry_after=1).fault(times=None)),
    (0.05, secondary_rate_limit().fault(times=None)),
)
Commands = Callable[[int, Path, str], list[list[str]]]
"""So many writers, a folder and GitHub's address to the processes to start."""


@dataclass(frozen=True)
class Storm:
    """What one storm cost."""

    name: str
    writers: int
    seconds: float
    requests: tuple[int, ...]
    lost: int
    spoilt: int
    commits: int

    @property
    def mean(self) -> float:
        """Requests per bump."""
        return sum(self.requests) / max(1, len(self.requests))

    @property
    def line(self) -> str:
        """One row of the table; what peers send is not counted."""
        ideal = self.writers * 2 * LATENCY
        counted = (f"{self.mean:.1f}", f"{max(self.requests)}") if self.requests else ("-", "-")
        return (
            f"{self.name:<26}{self.writers:>5}{counted[0]:>8}{counted[1]:>6}{self.seconds:>9.1f}"
            f"{ideal:>9.1f}{self.commits:>9}{self.lost:>6}{self.spoilt:>8}"
        )

    @property
    def problems(self) -> list[str]:
        """What must not be: changes that are gone, commits too many, requests above the goal."""
        goal = GOALS.get((self.writers, self.name), float("inf"))
        where = f"{self.writers} writers, {self.name}"
        ours_spoilt = self.spoilt if self.requests else 0
        return [
            *([f"{where}: {ours_spoilt} lines spoilt"] if ours_spoilt else []),
            *([f"{where}: {self.lost} changes were lost"] if self.lost else []),
            *([f"{where}: {self.commits} commits"] if self.commits != self.writers else []),
            *([f"{where}: {self.mean:.1f} requests, not {goal:.0f}"] if self.mean > goal else []),
        ]


def values(writers: int) -> str:
    """A file with one service per writer."""
    lines = [f"service{n}:\n  tag: old  # {n}번\n" for n in range(writers)]
    return "# 값\n" + "".join(lines)


def measure(
    name: str,
    writers: int,
    commands: Commands,
    faults: Sequence[Fault] = (),
) -> Storm:
    """Let `writers` processes loose at once and look at what is left."""
    with tempfile.TemporaryDirectory() as folder:
        github = GitHub(Path(folder, "git"))
        github.create_repository(REPOSITORY, {FILE: values(writers).encode()}, BRANCH)
        github.add_token(TOKEN, {REPOSITORY: {"contents": "write"}})
        with LoopbackServer(github) as server:
            server.faults.add(Fault(kind="latency", seconds=LATENCY, times=None))
            for fault in faults:
                server.faults.add(fault)
            seconds, requests = _race(commands(writers, Path(folder), server.url), Path(folder))
        lost, spoilt, commits = _judge(writers, Path(folder, "git", f"{REPOSITORY}.git"))
        return Storm(name, writers, seconds, requests, lost, spoilt, commits)


def _race(commands: list[list[str]], folder: Path) -> tuple[float, tuple[int, ...]]:
    """Seconds from the start until the last one is done, and what each says that it sent."""
    processes = [
        _start(command, folder / f"log-{number}") for number, command in enumerate(commands)
    ]
    for process in processes:
        if process.stdout is None or process.stdout.readline().strip() != "ready":
            raise SystemExit("a writer did not start")
    began = time.monotonic()
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()
    failed = [process for process in processes if process.wait()]
    seconds = time.monotonic() - began
    if failed:
        raise SystemExit("\n".join(["a writer failed", *_last_words(folder)]))
    found = [REQUESTS.findall(path.read_text()) for path in folder.glob("summary*")]
    return seconds, tuple(int(each[0]) for each in found)


def _last_words(folder: Path) -> list[str]:
    """What the writers said at last that have something to say of errors."""
    texts = [path.read_text()[-2000:] for path in sorted(folder.glob("log-*"))]
    return [text for text in texts if "error" in text.lower()][:3]


def _start(command: list[str], log: Path) -> subprocess.Popen[str]:
    """A writer that says `ready` and begins when its input ends; what it says then is for `log`."""
    with log.open("w") as errors:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )


def _judge(writers: int, repository: Path) -> tuple[int, int, int]:
    """Changes that are lost, lines that differ in more than a tag, commits; git finds no fault."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(repository), *arguments], check=True, capture_output=True, text=True
        ).stdout

    git("fsck", "--strict")
    text = git("show", f"{BRANCH}:{FILE}")
    lost = sum(f"service{n}:\n  tag: v-{n} " not in text for n in range(writers))
    expected = values(writers).splitlines()
    shown = re.sub(r"tag: v-\d+ ", "tag: old ", text).splitlines()
    spoilt = sum(line != other for line, other in zip_longest(expected, shown))
    parents = git("log", "--format=%p", BRANCH).splitlines()
    if any(" " in each for each in parents):
        raise SystemExit("the history is not linear")
    return lost, spoilt, len(parents) - 1


def ours(spread: int) -> Commands:
    """Our writers, of which each is given `spread` as the input of that name."""

    def commands(writers: int, folder: Path, url: str) -> list[list[str]]:
        herd = ["--herd", str(writers), "--url", url, "--spread", str(spread)]
        return [[sys.executable, "-m", "bench.storm", *herd, "--folder", str(folder)]]

    return commands


def clone_and_push(writers: int, folder: Path, url: str) -> list[list[str]]:
    """Writers that clone, edit with yq, push, and on rejection fetch, edit and push again."""
    program = yq_program()
    return [_clone_and_push(number, folder, url, program) for number in range(writers)]


def _clone_and_push(number: int, folder: Path, url: str, program: Path) -> list[str]:
    checkout = folder / f"clone{number}"
    remote = url.replace("://", f"://x-access-token:{TOKEN}@") + f"/{REPOSITORY}.git"
    script = f"""
echo ready; read -r _ || true
git clone -q --depth 1 -b {BRANCH} {remote} {checkout} && cd {checkout} || exit 1
git config user.name writer; git config user.email writer@example.com
edit() {{ {program} -i '.service{number}.tag = "v-{number}"' {FILE}; }}
edit; git commit -qam "bump {number}"
for attempt in $(seq 200); do
  git push -q origin {BRANCH} && exit 0
  sleep "$(awk -v s=$RANDOM -v n=$attempt 'BEGIN{{m=n<5?2^n:30; print s/32768*m}}')"
  git fetch -q --depth 1 origin {BRANCH} && git reset -q --hard FETCH_HEAD
  edit; git commit -qam "bump {number}"
done
exit 1
"""
    return ["bash", "-c", script]


def herd(writers: int, url: str, spread: int, folder: Path) -> int:
    """Our writers: processes of their own that have their modules from here, and start at once.

    Two hundred times the same imports would keep the machine busy for minutes before the start.
    """
    from astrago_actions.actions import bump_image_tag

    del bump_image_tag
    processes = [_fork(number, url, spread, folder) for number in range(writers)]
    print("ready", flush=True)
    codes = [os.waitpid(process, 0)[1] for process in processes]
    return 1 if any(codes) else 0


def _fork(number: int, url: str, spread: int, folder: Path) -> int:
    """The process of one writer, which begins when the input that all have ends."""
    process = os.fork()
    if process:
        return process
    with (folder / f"log-writer{number}").open("w") as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())
    sys.stdin.read()
    raise SystemExit(write(number, url, spread, folder / f"summary{number}"))


def write(number: int, url: str, spread: int, summary: Path) -> int:
    """One bump, as a step of a job of its own."""
    from astrago_actions.__main__ import run_action
    from astrago_actions.step import RunnerStep

    summary.touch()
    os.environ |= {
        "GITHUB_API_URL": f"{url}/api/v3",
        "GITHUB_REPOSITORY": "x/service",
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    given = {
        "repository": REPOSITORY,
        "branch": BRANCH,
        "updates": f"{FILE}:service{number}.tag=v-{number}",
        "token": TOKEN,
        "spread": str(spread),
        "timeout": "900",
    }
    return run_action("bump-image-tag", given, RunnerStep())


def faults(share: float) -> list[Fault]:
    """So many of all calls fail, in all the ways of `FAILURES`."""
    return [replace(fault, probability=1 - (1 - share) ** part) for part, fault in FAILURES]


def storms(size: int) -> Iterator[Storm]:
    """Every storm of so many writers, one after the other."""
    yield measure(ALL_AT_ONCE, size, ours(0))
    yield measure(WITH_SPREAD, size, ours(size))
    yield measure("20 % of calls fail", size, ours(size), faults(0.2))
    if size <= PEER_LIMIT:
        yield measure("clone, yq, push, retry", size, clone_and_push)


def main() -> int:
    """Print the table, or be its writers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="*", type=int, default=[2, 10, 50, 100, 200])
    parser.add_argument("--herd", type=int)
    parser.add_argument("--url", default="")
    parser.add_argument("--spread", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.herd is not None:
        return herd(asked.herd, asked.url, asked.spread, asked.folder)
    print(
        f"{'':<26}{'N':>5}{'mean':>8}{'most':>6}{'seconds':>9}{'ideal':>9}{'commits':>9}{'lost':>6}"
        f"{'spoilt':>8}"
    )
    problems: list[str] = []
    for size in asked.sizes:
        for storm in storms(size):
            print(storm.line, flush=True)
            problems += storm.problems
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
