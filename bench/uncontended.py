"""One bump with nobody else around, beside a shallow clone, an edit and a push.

`python -m bench.uncontended` makes a repository of 4,000 files, changes one word in it both ways
through the sandbox's GitHub with 50 ms per request, each as a process of its own, and prints
seconds, requests and the ratio. Ends with 1 when the bump needs more than two requests.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from astrago_actions.sandbox.github import GitHub
from astrago_actions.sandbox.server import Fault, LoopbackServer
from bench.storm import BRANCH, FILE, LATENCY, REPOSITORY, TOKEN

FILES = 4000
REPEATS = 7
FEWEST_REQUESTS = 2


def bump(url: str, number: int, _folder: Path) -> None:
    """Change the tag through the action's command line."""
    arguments = {
        "repository": REPOSITORY,
        "branch": BRANCH,
        "updates": f"{FILE}:core.tag=v-{number}",
    }
    flags = [text for name, value in arguments.items() for text in (f"--{name}", value)]
    subprocess.run(
        [sys.executable, "-m", "astrago_actions", "bump-image-tag", *flags],
        env={**os.environ, "ASTRAGO_TOKEN": TOKEN, "GITHUB_API_URL": f"{url}/api/v3"},
        check=True,
        capture_output=True,
    )


def clone_edit_push(url: str, number: int, folder: Path) -> None:
    """Change the tag in a shallow clone."""
    remote = url.replace("://", f"://x-access-token:{TOKEN}@") + f"/{REPOSITORY}.git"
    script = f"""
git clone -q --depth 1 -b {BRANCH} {remote} clone{number} && cd clone{number}
sed -i 's/tag: .*/tag: v-{number}/' {FILE}
git -c user.name=b -c user.email=b@example.com commit -qam bump && git push -q origin {BRANCH}
"""
    subprocess.run(["bash", "-ec", script], cwd=folder, check=True, capture_output=True)


def main() -> int:
    """Print both ways, and how often the bump goes into the time of the clone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        github = GitHub(folder / "git")
        files = {f"kubespray/{n // 100}/{n}.yml": f"# {n}\n".encode() * 40 for n in range(FILES)}
        github.create_repository(REPOSITORY, {**files, FILE: b"core:\n  tag: old\n"}, BRANCH)
        github.add_token(TOKEN, {REPOSITORY: {"contents": "write"}})
        with LoopbackServer(github) as server:
            server.faults.add(Fault(kind="latency", seconds=LATENCY, times=None))
            ours, requests = _measure(bump, server, folder, 0)
            theirs, their_requests = _measure(clone_edit_push, server, folder, 100)
    print(f"{FILES:,} files, {LATENCY * 1000:.0f} ms per request, median of {REPEATS}")
    print(f"bump-image-tag            {ours:6.2f} s  {requests:.0f} requests")
    print(f"clone, edit, push         {theirs:6.2f} s  {their_requests:.0f} requests")
    print(f"ratio                     {theirs / ours:6.1f}")
    return 0 if requests <= FEWEST_REQUESTS else 1


def _measure(
    way: Callable[[str, int, Path], None], server: LoopbackServer, folder: Path, first: int
) -> tuple[float, float]:
    """Median seconds and requests of one change; the first one warms up and does not count."""
    seconds, requests = [], []
    for number in range(first, first + REPEATS + 1):
        before, began = len(server.exchanges), time.monotonic()
        way(server.url, number, folder)
        seconds.append(time.monotonic() - began)
        requests.append(len(server.exchanges) - before)
    return statistics.median(seconds[1:]), statistics.median(requests[1:])


if __name__ == "__main__":
    sys.exit(main())
