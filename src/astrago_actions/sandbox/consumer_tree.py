"""What a workflow gets by `uses: xiilab/astrago-actions/...`, taken from a working tree."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from astrago_actions.errors import ActionError

# Everything that actions and reusable workflows need at run time; tests and documents are not.
_SERVED = ("action.yml", "actions", "src", "requirements", ".github/workflows")


def source_root() -> Path:
    """The checkout that this program runs from; raises `ActionError` when it is installed alone."""
    root = Path(__file__).parents[3]
    if not (root / "actions").is_dir() or not (root / "examples").is_dir():
        raise ActionError(
            "This needs a checkout of astrago-actions",
            "The examples are in the repository, and this program runs from an installed package.",
            "Clone xiilab/astrago-actions and run `make demo` in it; after that the command is "
            "`.venv/bin/astrago-actions`.",
        )
    return root


def export_consumer_tree(root: Path, destination: Path) -> Path:
    """Copy the served part of the working tree, root links included, uncommitted changes too.

    Executors copy the whole folder before every step, so it holds nothing else. Returns
    `destination`.
    """
    links = [each.name for each in (root / "actions").iterdir() if (root / each.name).is_symlink()]
    for name in present_files(root, *_SERVED, *links):
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target, follow_symlinks=False)
    return destination


def present_files(folder: Path, *paths: str) -> list[str]:
    """The files (and links) below `paths` of a working tree that git tracks or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths]
    listed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    names = sorted(set(listed.stdout.split("\0")) - {""})
    return [name for name in names if (folder / name).is_symlink() or (folder / name).is_file()]
