"""Public addresses are links, and one broken link fails every consumer's "Set up job".

Source: actions/runner copies an action's files one by one and follows links; a dangling one ends
in FileNotFoundException, a looping one in "Too many levels of symbolic links".
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

NOT_OURS = {".git", ".venv", ".cache", "node_modules", "__pycache__"}
ACTIONS = sorted(path.name for path in (ROOT / "actions").iterdir() if path.is_dir())


def links_below(folder: Path) -> Iterator[Path]:
    """Every link in the working tree."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        yield from (
            path for name in (*folders, *files) if (path := Path(parent, name)).is_symlink()
        )


def committed_links() -> dict[str, str]:
    """Links in git's index, with what they point to."""
    listed = subprocess.run(
        ["git", "ls-files", "--stage", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    entries = (line.partition("\t") for line in listed.stdout.split("\0") if line)
    return {
        path: str((ROOT / path).readlink())
        for description, _, path in entries
        if description.startswith("120000") and (ROOT / path).is_symlink()
    }


def test_every_link_leads_to_something_in_the_repository_and_not_to_itself() -> None:
    for link in links_below(ROOT):
        target = link.resolve(strict=True)
        assert target.is_relative_to(ROOT), f"{link} leaves the repository"
        assert target not in link.parents, f"{link} contains itself"


@pytest.mark.parametrize("broken", ["nowhere", "loop", "..", "/etc"])
def test_a_broken_link_would_be_found(tmp_path: Path, broken: str) -> None:
    folder = tmp_path.resolve() / "repository/actions"
    folder.mkdir(parents=True)
    (folder / "loop").symlink_to(broken)

    (link,) = links_below(tmp_path.resolve() / "repository")

    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return
    assert target in link.parents or not target.is_relative_to(folder.parent)


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_has_a_link_of_its_name_at_the_root(name: str) -> None:
    assert (ROOT / name).readlink() == Path("actions", name)


def test_git_holds_the_addresses_as_links_and_holds_no_others() -> None:
    addresses = {path: target for path, target in committed_links().items() if "/" not in path}

    assert addresses == {name: f"actions/{name}" for name in ACTIONS}
