"""The private configuration of the `docker` command: our credentials over the user's own."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from astrago_actions.clients.docker_config import private_docker_config, stored_credentials
from astrago_actions.clients.registry import Credentials
from astrago_actions.inputs import Secret

LOGIN = Credentials("octocat", Secret("ghp_token"))


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


def written(own: Path, config: dict[str, Any], registry: str = "ghcr.io") -> dict[str, Any]:
    """The configuration that `docker` sees while we are signed in to `registry`."""
    (own / "config.json").write_text(json.dumps(config))
    with private_docker_config({registry: LOGIN}, own.parent) as folder:
        return dict(json.loads((folder / "config.json").read_text()))


def test_our_credentials_are_added_and_the_users_kept(own: Path) -> None:
    config = written(own, {"auths": {"harbor.local": {"auth": "eDp5"}}, "proxies": {"default": {}}})

    assert config["auths"]["harbor.local"] == {"auth": "eDp5"}
    assert base64.b64decode(config["auths"]["ghcr.io"]["auth"]) == b"octocat:ghp_token"
    assert config["proxies"] == {"default": {}}


def test_a_store_for_all_registries_serves_the_others_by_name(own: Path) -> None:
    config = written(own, {"credsStore": "desktop", "auths": {"harbor.local": {}, "ghcr.io": {}}})

    assert "credsStore" not in config
    assert config["credHelpers"] == {"harbor.local": "desktop"}


def test_a_helper_for_our_registry_steps_back(own: Path) -> None:
    config = written(own, {"credHelpers": {"ghcr.io": "gh", "1.dkr.ecr.aws": "ecr-login"}})

    assert config["credHelpers"] == {"1.dkr.ecr.aws": "ecr-login"}


def test_docker_hub_is_known_by_its_old_address(own: Path) -> None:
    assert "https://index.docker.io/v1/" in written(own, {}, "docker.io")["auths"]


def test_plugins_and_builders_stay_within_reach(own: Path) -> None:
    (own / "cli-plugins").mkdir()
    (own / "cli-plugins/docker-buildx").touch()

    with private_docker_config({}, own.parent) as folder:
        assert (folder / "cli-plugins/docker-buildx").exists()

    assert (own / "cli-plugins/docker-buildx").exists()


def test_only_we_can_read_it_and_nothing_of_it_stays(own: Path) -> None:
    with private_docker_config({"ghcr.io": LOGIN}, own.parent) as folder:
        assert (folder / "config.json").stat().st_mode & 0o077 == 0
        assert folder.stat().st_mode & 0o077 == 0

    assert not folder.exists()
    assert not (own / "config.json").exists()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"auths": []}', '{"auths": {"ghcr.io": {"auth": "%"}}}']
)
def test_a_configuration_that_cannot_be_read_counts_as_none(own: Path, text: str) -> None:
    (own / "config.json").write_text(text)

    assert stored_credentials("ghcr.io") is None


def test_an_earlier_login_is_found(own: Path) -> None:
    auth = base64.b64encode(b"octocat:with:colon").decode()
    (own / "config.json").write_text(json.dumps({"auths": {"ghcr.io": {"auth": auth}}}))

    found = stored_credentials("ghcr.io")

    assert found is not None
    assert (found.username, found.password.reveal()) == ("octocat", "with:colon")
    assert stored_credentials("docker.io") is None
