"""The checked-out repository, asked through the git command line."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def changed_files(workspace: Path, base: str, head: str) -> tuple[str, ...] | None:
    """Paths that differ between two commits; None when git cannot tell.

    It cannot where a commit is missing: in a shallow clone, or when `base` is the zero SHA of a
    new branch; nor where there is no git at all.
    """
    if not base or set(base) == {"0"} or shutil.which("git") is None:
        return None
    command = [
        # In a job container the checkout belongs to another user, which git refuses otherwise.
        *("git", "-c", "safe.directory=*", "diff", "--no-ext-diff", "--no-renames"),
        *("--name-only", "-z", base, head, "--"),
    ]
    result = subprocess.run(
        command,
        cwd=workspace,
        capture_output=True,
        check=False,
    )
    if result.returncode != 0:
        return None
    names = result.stdout.decode("utf-8", "surrogateescape")
    return tuple(name for name in names.split("\0") if name)
