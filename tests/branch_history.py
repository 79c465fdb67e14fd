"""A branch as git itself tells of it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TRAILERS = ("Bump-Id", "Workflow-Run", "Rollback-Of")


@dataclass(frozen=True)
class GitCommit:
    """A commit: its trailers by name, and the bytes of files, None for those that are not there."""

    sha: str
    parents: tuple[str, ...]
    trailers: Mapping[str, tuple[str, ...]]
    files: Mapping[str, bytes | None]


def git(repository: Path, *arguments: str, given: str = "") -> bytes:
    """What git prints; fails when git does."""
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, check=True, capture_output=True, input=given.encode()).stdout


def commits(
    repository: Path, branch: str, paths: Sequence[str], after: str = ""
) -> list[GitCommit]:
    """The branch's commits, oldest first; only those that are not in `after`, if it is given."""
    trailers = [f"%(trailers:key={name},valueonly,separator=%x20)" for name in _TRAILERS]
    form = "%x1f".join(["%H", "%P", *trailers])
    revisions = [branch, *([f"^{after}"] if after else [])]
    log = git(repository, "log", "--reverse", f"--format={form}", *revisions, "--")
    lines = [line.split("\x1f") for line in log.decode().splitlines()]
    names = [f"{sha}:{path}" for sha, *_ in lines for path in paths]
    contents = iter(_contents(git(repository, "cat-file", "--batch", given="\n".join(names))))
    return [
        GitCommit(
            sha,
            tuple(parents.split()),
            {name: tuple(text.split()) for name, text in zip(_TRAILERS, told, strict=True)},
            {path: next(contents) for path in paths},
        )
        for sha, parents, *told in lines
    ]


def _contents(batch: bytes) -> list[bytes | None]:
    """What `git cat-file --batch` prints: a line with the size, the bytes and a line break."""
    found: list[bytes | None] = []
    while batch:
        line, _, batch = batch.partition(b"\n")
        if line.endswith(b" missing"):
            found.append(None)
            continue
        size = int(line.rpartition(b" ")[2])
        found.append(batch[:size])
        batch = batch[size + 1 :]
    return found
