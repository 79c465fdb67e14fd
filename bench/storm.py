"""Many writers, one file: what it costs to lose nothing.

`python -m bench.storm` starts N bumps in processes of their own, each of another key of the same
file and branch, all at the same moment, against the sandbox's GitHub with 50 ms per call. It
prints requests per bump and the time until the last one is done, beside the ideal (every read and
write one after the other) and, for smaller N, beside clone + edit + push with retries. Then the
same with 20 % of the calls failing. git itself is asked whether anything was lost.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from astrago_actions.sandbox.github import GitHub
from astrago_actions.sandbox.server import Fault, LoopbackServer

REPOSITORY, BRANCH, FILE, TOKEN = "x/deployment", "main", "values.yaml", "github_pat_storm"
LATENCY = 0.05
PEER_LIMIT = 50
REQUESTS = re.compile(r"(\d+) requests")
SECONDARY = '{"message": "You have exceeded a secondary rate limit."}'
Command = Callable[[int, Path, str], list[str]]


@dataclass(frozen=True)
class Storm:
    """What one storm cost."""

    writers: int
    seconds: float
    requests: tuple[int, ...]
    lost: int
    commits: int

    def line(self, name: str) -> str:
        """One row of the table."""
        mean = sum(self.requests) / max(1, len(self.requests))
        highest = max(self.requests, default=0)
        ideal = self.writers * 2 * LATENCY
        return (
            f"{name:<26}{self.writers:>5}{mean:>8.1f}{highest:>6}{self.seconds:>9.1f}"
            f"{ideal:>9.1f}{self.commits:>9}{self.lost:>6}"
        )


def values(writers: int) -> str:
    """A file with one service per writer."""
    lines = [f"service{n}:\n  tag: old  # {n}번\n" for n in range(writers)]
    return "# 값\n" + "".join(lines)


def measure(
    writers: int,
    command: Command,
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
            seconds, requests = _race(writers, command, server.url, Path(folder))
        repository = Path(folder, "git", f"{REPOSITORY}.git")
        return _judge(writers, seconds, requests, repository)


def _race(writers: int, command: Command, url: str, folder: Path) -> tuple[float, tuple[int, ...]]:
    processes = [
        subprocess.Popen(
            command(number, folder, url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for number in range(writers)
    ]
    for process in processes:
        if process.stdout is None or process.stdout.readline().strip() != "ready":
            raise SystemExit("a writer did not start")
    began = time.monotonic()
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()
    codes = [process.wait() for process in processes]
    seconds = time.monotonic() - began
    if any(codes):
        raise SystemExit(f"{sum(map(bool, codes))} of {writers} writers failed")
    found = [REQUESTS.search(path.read_text()) for path in folder.glob("summary*")]
    return seconds, tuple(int(match[1]) for match in found if match)


def _judge(writers: int, seconds: float, requests: tuple[int, ...], repository: Path) -> Storm:
    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(repository), *arguments], check=True, capture_output=True, text=True
        ).stdout

    git("fsck", "--strict")
    text = git("show", f"{BRANCH}:{FILE}")
    expected = values(writers)
    for number in range(writers):
        expected = expected.replace(
            f"service{number}:\n  tag: old", f"service{number}:\n  tag: v-{number}"
        )
    lost = sum(f"service{n}:\n  tag: v-{n}  # {n}번\n" not in text for n in range(writers))
    if not lost and text != expected:
        raise SystemExit("something else in the file changed")
    parents = git("log", "--format=%p", BRANCH).splitlines()
    if any(" " in each for each in parents):
        raise SystemExit("the history is not linear")
    return Storm(writers, seconds, requests, lost, len(parents) - 1)


def ours(spread: int) -> Command:
    """The command of one of our writers; `spread` is the input of that name."""

    def command(number: int, folder: Path, url: str) -> list[str]:
        summary = folder / f"summary{number}"
        summary.touch()
        writer = ["--writer", str(number), "--url", url, "--spread", str(spread)]
        return [sys.executable, "-m", "bench.storm", *writer, "--summary", str(summary)]

    return command


def clone_and_push(number: int, folder: Path, url: str) -> list[str]:
    """The command of a writer that clones, edits, pushes, and on rejection pulls and pushes."""
    checkout = folder / f"clone{number}"
    remote = url.replace("://", f"://x-access-token:{TOKEN}@") + f"/{REPOSITORY}.git"
    script = f"""
echo ready; read -r _ || true
git clone -q --depth 1 -b {BRANCH} {remote} {checkout} && cd {checkout} || exit 1
git config user.name writer; git config user.email writer@example.com
edit() {{ sed -i '/^service{number}:/,/tag:/s/tag: [^ ]*/tag: v-{number}/' {FILE}; }}
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


def write(number: int, url: str, spread: int, summary: Path) -> int:
    """One of our writers, in its own process: get ready, wait for the start, bump."""
    from astrago_actions.__main__ import run_action
    from astrago_actions.actions import bump_image_tag
    from astrago_actions.step import RunnerStep

    del bump_image_tag
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
    print("ready", flush=True)
    sys.stdin.read()
    return run_action("bump-image-tag", given, RunnerStep())


def faults(share: float) -> list[Fault]:
    """A share of all calls fails: half before anything is done, half after or by a limit."""
    each = share / 5
    return [
        Fault(kind="status", status=502, times=None, probability=each),
        Fault(kind="reset-before", times=None, probability=each),
        Fault(kind="reset-after", times=None, probability=each),
        Fault(kind="status-after", status=502, times=None, probability=each),
        Fault(
            kind="status",
            status=403,
            body=SECONDARY,
            times=None,
            probability=each,
            headers={"Retry-After": "1"},
        ),
    ]


def main() -> int:
    """Print the table, or be one of its writers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="*", type=int, default=[2, 10, 50, 100, 200])
    parser.add_argument("--writer", type=int)
    parser.add_argument("--url", default="")
    parser.add_argument("--spread", type=int, default=0)
    parser.add_argument("--summary", type=Path)
    asked = parser.parse_args()
    if asked.writer is not None:
        return write(asked.writer, asked.url, asked.spread, asked.summary)
    print(
        f"{'':<26}{'N':>5}{'mean':>8}{'max':>6}{'seconds':>9}{'ideal':>9}{'commits':>9}{'lost':>6}"
    )
    for size in asked.sizes:
        print(measure(size, ours(0)).line("all at once"), flush=True)
        print(measure(size, ours(size)).line("with spread"), flush=True)
        print(measure(size, ours(size), faults(0.2)).line("20 % of calls fail"), flush=True)
        if size <= PEER_LIMIT:
            print(measure(size, clone_and_push).line("clone, edit, push, retry"), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
