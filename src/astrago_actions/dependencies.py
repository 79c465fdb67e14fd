"""The locked packages that the actions run on, installed once per machine, interpreter and lock."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = "requirements/actions.txt"


class DependenciesMissing(Exception):
    """The packages are not there and could not be installed; the text says why and what to do."""


def dependencies_folder(root: str) -> str:
    """The folder that holds the packages of the lock file below `root`, installed when missing.

    Folders are named by interpreter, platform and lock, so a new release or another Python never
    meets another's packages. Raises `DependenciesMissing`.
    """
    lock = Path(root, LOCK)
    name = f"{_interpreter()}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    caches = _caches()
    for cache in caches:
        if (cache / name).is_dir():
            return str(cache / name)
    return str(_install(lock, name, _first_writable(caches)))


def _interpreter() -> str:
    return f"{sys.implementation.cache_tag}-{sys.platform}-{platform.machine()}"


def _caches() -> list[Path]:
    bases = [os.environ.get("RUNNER_TOOL_CACHE"), os.environ.get("XDG_CACHE_HOME")]
    home = os.environ.get("HOME")
    if home:
        bases.append(str(Path(home, ".cache")))
    bases.append(tempfile.gettempdir() + f"/cache-{os.getuid()}")
    return [Path(base, "astrago-actions") for base in bases if base]


def _first_writable(caches: list[Path]) -> Path:
    for cache in caches:
        try:
            cache.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(cache, os.W_OK):
            return cache
    raise DependenciesMissing(f"None of {', '.join(map(str, caches))} can be written to.")


def _install(lock: Path, name: str, cache: Path) -> Path:
    """Install beside the final name, then rename: parallel jobs never see half a folder."""
    staging = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=cache))
    command = [
        *(sys.executable, "-I", "-m", "pip", "install", "--require-hashes", "--no-deps"),
        *("--only-binary=:all:", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--root-user-action=ignore", "--target", str(staging), "--requirement", str(lock)),
    ]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise DependenciesMissing(_explanation(result.stderr))
        staging.chmod(0o755)
        try:
            staging.rename(cache / name)
        except OSError:
            if not (cache / name).is_dir():
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return cache / name


def _explanation(stderr: str) -> str:
    if "No module named pip" in stderr:
        return (
            f"{sys.executable} has no pip. Install python3-pip on the runner, "
            "or add actions/setup-python before this step."
        )
    last_lines = "\n".join(stderr.strip().splitlines()[-6:])
    return (
        f"pip said:\n{last_lines}\n"
        "Check that the runner reaches its package index (PIP_INDEX_URL, proxies and PIP_CERT are "
        "honoured), then run again."
    )
