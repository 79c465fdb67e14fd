"""Where the registry keeps its bytes: in memory for tests, in a folder for the demo."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Protocol


class Files(Protocol):
    """Bytes under names such as `blobs/0a1b`; callers hold the lock that keeps them in order."""

    def read(self, name: str) -> bytes | None:
        """The bytes, or None when there are none."""

    def write(self, name: str, content: bytes) -> None:
        """Keep the bytes under this name, replacing what was there."""

    def exists(self, name: str) -> bool:
        """Whether something is kept under this name."""

    def names(self, folder: str) -> list[str]:
        """The last parts of the names directly below `folder`, sorted as text."""


class FilesInMemory:
    """Bytes that end with the process."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        """The bytes, or None when there are none."""
        return self._contents.get(name)

    def write(self, name: str, content: bytes) -> None:
        """Keep the bytes."""
        self._contents[name] = content

    def exists(self, name: str) -> bool:
        """Whether something is kept under this name."""
        return name in self._contents

    def names(self, folder: str) -> list[str]:
        """What lies directly below `folder`."""
        prefix = f"{folder}/"
        below = (name[len(prefix) :] for name in self._contents if name.startswith(prefix))
        return sorted(name for name in below if "/" not in name)


class FilesInFolder:
    """Bytes in files, so that a registry outlives its process."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> bytes | None:
        """The bytes, or None when there are none."""
        path = self._root / name
        return path.read_bytes() if path.is_file() else None

    def write(self, name: str, content: bytes) -> None:
        """Write beside the file and rename, so that no reader meets half a file."""
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
            file.write(content)
        Path(file.name).replace(path)

    def exists(self, name: str) -> bool:
        """Whether something is kept under this name."""
        return (self._root / name).is_file()

    def names(self, folder: str) -> list[str]:
        """What lies directly below `folder`."""
        path = self._root / folder
        if not path.is_dir():
            return []
        return sorted(file.name for file in path.iterdir() if not file.name.startswith(".new-"))
