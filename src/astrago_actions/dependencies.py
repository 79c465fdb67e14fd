"""The locked packages that the actions run on, installed once per machine, interpreter and lock."""

from __future__ import annotations

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import source_hash
from pathlib import Path

LOCK = "requirements/actions.txt"
EXPLANATION_LIMIT = 3000


class DependenciesMissing(Exception):
    """The packages are not there and could not be installed; the text says why and what to do."""


def dependencies_folder(root: str) -> str:
    """The folder that holds the packages of the lock file below `root`, installed when missing.

    Folders are named by interpreter, platform and lock, so a new release or another Python never
    meets another's packages. Raises `DependenciesMissing`.
    """
    lock = Path(root, LOCK)
    # A hash that tells locks apart is enough, and hashlib would load OpenSSL at every start.
    name = f"{_platform()}-{source_hash(lock.read_bytes()).hex()}"
    caches = _caches()
    for cache in caches:
        if (cache / name).is_dir():
            return str(cache / name)
    try:
        return str(_installed_once(lock, _first_writable(caches) / name))
    except OSError as error:
        raise DependenciesMissing(f"They cannot be kept in the runner's cache: {error}") from error


def _platform() -> str:
    """What compiled packages depend on, such as `cpython-311-x86_64-linux-gnu-glibc-2.36`.

    A runner's tool cache is also mounted into job containers, whose C library may be another.
    """
    abi = EXTENSION_SUFFIXES[0].strip(".").removesuffix(".so")
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (OSError, ValueError):
        libc = ""
    return "-".join([abi, *libc.split()])


def _caches() -> list[Path]:
    """Where packages may be kept, best first: only places that belong to the runner's own user."""
    home = os.environ.get("HOME")
    bases = [
        os.environ.get("RUNNER_TOOL_CACHE"),
        os.environ.get("XDG_CACHE_HOME"),
        f"{home}/.cache" if home else None,
        os.environ.get("RUNNER_TEMP"),
    ]
    return [Path(base, "astrago-actions") for base in bases if base and base.startswith("/")]


def _first_writable(caches: list[Path]) -> Path:
    for cache in caches:
        try:
            cache.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(cache, os.W_OK | os.X_OK):
            return cache
    tried = ", ".join(map(str, caches)) or "nothing, since no variable names a folder"
    raise DependenciesMissing(
        f"There is nowhere to keep them (tried {tried}). Set RUNNER_TOOL_CACHE to a folder that "
        "the runner's user may write to."
    )


def _installed_once(lock: Path, folder: Path) -> Path:
    """Install unless another process does so first; that one is waited for."""
    import fcntl

    with Path(f"{folder}.lock").open("w", encoding="utf-8") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        if not folder.is_dir():
            _install(lock, folder)
    return folder


def _install(lock: Path, folder: Path) -> None:
    """Install beside the final name, then rename, so that nobody ever meets half a folder."""
    import shutil
    import subprocess

    sys.stdout.write("Installing the action's Python packages, once for this runner.\n")
    sys.stdout.flush()
    staging = Path(f"{folder}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    command = [
        *(sys.executable, "-I", "-m", "pip", "install", "--require-hashes", "--no-deps"),
        *("--only-binary=:all:", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--target", str(staging), "--requirement", str(lock)),
    ]
    # Settings that suit a developer's machine would refuse --target.
    environment = {**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    try:
        result = subprocess.run(
            command, env=environment, capture_output=True, errors="replace", check=False
        )
        if result.returncode != 0:
            raise DependenciesMissing(_explanation(result.stderr or result.stdout))
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _explanation(printed: str) -> str:
    if "No module named pip" in printed:
        return (
            f"{sys.executable} has no pip. Install python3-pip on the runner, "
            "or add actions/setup-python before this step."
        )
    last_lines = "\n".join(printed.strip().splitlines()[-6:])[-EXPLANATION_LIMIT:]
    return (
        f"pip said:\n{last_lines}\n"
        "Check that the runner reaches its package index (PIP_INDEX_URL, proxies and PIP_CERT are "
        "honoured), then run again."
    )
