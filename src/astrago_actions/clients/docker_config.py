"""Credentials for the `docker` command without `docker login`: a private configuration folder.

It shows everything that the user's own folder holds (plugins, contexts, builders, credential
helpers) and adds our credentials for our registries only. It is removed afterwards, so no token
stays behind on a machine that other jobs share.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from astrago_actions.clients.registry_session import Credentials
from astrago_actions.inputs import Secret

_DOCKER_HUB = {"docker.io", "index.docker.io", "registry-1.docker.io"}
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"


@contextmanager
def private_docker_config(
    logins: Mapping[str, Credentials], temporary: Path | None
) -> Iterator[Path]:
    """A folder for DOCKER_CONFIG with these credentials (registry -> credentials)."""
    own = own_folder()
    with tempfile.TemporaryDirectory(prefix="astrago-docker-", dir=temporary) as name:
        folder = Path(name)
        if own.is_dir():
            for entry in own.iterdir():
                if entry.name != "config.json":
                    (folder / entry.name).symlink_to(entry.resolve())
        path = folder / "config.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(_with_logins(_read(own), logins)), encoding="utf-8")
        yield folder


def stored_credentials(registry: str) -> Credentials | None:
    """What an earlier `docker login` left in the user's configuration, unless a helper keeps it."""
    auths = _read(own_folder()).get("auths")
    entry = auths.get(_key(registry)) if isinstance(auths, dict) else None
    if not isinstance(entry, dict):
        return None
    try:
        decoded = base64.b64decode(str(entry.get("auth", "")), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    username, _, password = decoded.partition(":")
    return Credentials(username, Secret(password)) if password else None


def own_folder() -> Path:
    """The user's configuration folder of the `docker` command."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def _read(folder: Path) -> dict[str, Any]:
    try:
        parsed = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _with_logins(own: Mapping[str, Any], logins: Mapping[str, Credentials]) -> dict[str, Any]:
    """A store for all registries (`credsStore`) would hide ours, so the others get it by name."""
    config = dict(own)
    auths, helpers = dict(config.get("auths") or {}), dict(config.get("credHelpers") or {})
    store = config.pop("credsStore", "")
    if store:
        helpers = {**dict.fromkeys(auths, store), **helpers}
    for registry, credentials in logins.items():
        pair = f"{credentials.username}:{credentials.password.reveal()}"
        auths[_key(registry)] = {"auth": base64.b64encode(pair.encode()).decode()}
        for known_as in (registry, _key(registry)):
            helpers.pop(known_as, None)
    return {**config, "auths": auths, "credHelpers": helpers}


def _key(registry: str) -> str:
    return _DOCKER_HUB_KEY if registry in _DOCKER_HUB else registry
