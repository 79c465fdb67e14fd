"""Files of a checkout on this machine: the manual fallback of a bump."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from astrago_actions.errors import ActionError, NotFound


def read_files(folder: Path, paths: Sequence[str]) -> dict[str, bytes]:
    """The bytes of the files below `folder`, by path; raises NotFound and ActionError."""
    return {path: _read(folder, path) for path in paths}


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Replace the files' bytes, all or none; modes stay.

    Everything is written beside the files before the first is replaced, so that a full disk or a
    missing permission changes nothing. Raises ActionError.
    """
    ready: dict[Path, Path] = {}
    replaced: dict[Path, bytes] = {}
    try:
        for path, content in contents.items():
            ready[folder / path] = _written_beside(folder / path, content)
        for file, new in ready.items():
            replaced[file] = file.read_bytes()
            new.replace(file)
    except OSError as error:
        for file, before in replaced.items():
            file.write_bytes(before)
        raise ActionError(
            f"The files in {folder} could not be written, so none was changed",
            f"{error.filename}: {error.strerror}.",
            "Look at the permissions of the files and their folders, and at the space on the disk.",
        ) from error
    finally:
        for new in ready.values():
            with suppress(OSError):
                new.unlink()


def _written_beside(file: Path, content: bytes) -> Path:
    """A new file in the same folder with this content and the file's mode."""
    if not os.access(file, os.W_OK):
        raise PermissionError(13, "the file may not be written", str(file))
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        shutil.copymode(file, new)
    except OSError:
        new.unlink()
        raise
    return new


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
