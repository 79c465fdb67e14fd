"""GitHub's published contracts: fetched from npm once, kept for later runs without a network."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache" / "contracts"
TIMEOUT_SECONDS = 180


class Unavailable(Exception):
    """A contract is neither kept from an earlier run nor to be had now."""


@dataclass(frozen=True)
class Contract:
    """One file of one exact version of an npm package, and its SHA-256."""

    package: str
    version: str
    member: str
    sha256: str

    def path(self) -> Path:
        """Where the file is; fetches it if need be. Raises Unavailable."""
        kept = CACHE / f"{self.version}-{Path(self.member).name}"
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                self._fetch(kept)
        return kept

    def _fetch(self, kept: Path) -> None:
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            archive = self._pack(Path(folder))
            extracted = Path(folder) / "extracted"
            with tarfile.open(archive) as members, extracted.open("wb") as target:
                source = members.extractfile(self.member)
                if source is None:
                    raise Unavailable(f"{self.package} has no {self.member}")
                shutil.copyfileobj(source, target)
            found = hashlib.sha256(extracted.read_bytes()).hexdigest()
            if found != self.sha256:
                raise Unavailable(f"{self.member} of {self.package} has SHA-256 {found}")
            extracted.replace(kept)

    def _pack(self, folder: Path) -> Path:
        """The package's tarball, as npm delivers it."""
        wanted = f"{self.package}@{self.version}"
        command = ["npm", "pack", wanted, "--silent", "--pack-destination", str(folder)]
        try:
            subprocess.run(
                command, check=True, capture_output=True, timeout=TIMEOUT_SECONDS, cwd=folder
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(f"npm did not deliver {wanted}: {error}") from error
        return next(folder.glob("*.tgz"))


REST = Contract(
    "@octokit/openapi",
    "23.0.2",
    "package/generated/api.github.com.json",
    "829b4bebb19a53133289f7b0bc819f4f1118115821db2ca9f25e9ee995a7da2a",
)
GRAPHQL = Contract(
    "@octokit/graphql-schema",
    "15.26.1",
    "package/schema.graphql",
    "3c62d0526d133cee53221c89de9b455ade24db78b9e7ad56d642c4c15bce2654",
)


def must_be_there() -> bool:
    """In CI a missing contract is a failure, elsewhere only a check that is left out."""
    return os.environ.get("CI") == "true"
