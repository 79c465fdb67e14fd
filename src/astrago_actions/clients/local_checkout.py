"""Files of a checkout on this machine: the manual fallback of a bump."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from astrago_actions.errors import ActionError, NotFound


def read_files(folder: Path, paths: Sequence[str]) -> dict[str, bytes]:
    """The bytes of the files below `folder`, by path; raises NotFound and ActionError."""
    return {path: _read(folder, path) for path in paths}


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Replace the files' bytes; modes and links stay."""
    for path, content in contents.items():
        (folder / path).write_bytes(content)


def _read(folder: Path, path: str) -> bytes:
    file = folder / path
    if not file.resolve().is_relative_to(folder.resolve()):
        raise ActionError(
            f"`{path}` lies outside {folder}",
            "The path, or a symbolic link on it, leaves the checkout.",
            "Name a file inside the checkout in the input `file`.",
        )
    if not file.is_file() or file.is_symlink():
        raise NotFound(
            f"`{path}` is not a file in {folder}",
            "There is no regular file at this path.",
            "Correct the input `file`; the path begins at the checkout's root.",
        )
    return file.read_bytes()
