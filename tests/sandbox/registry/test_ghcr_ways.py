"""What is GHCR's own: tokens, their refusals, and what cannot be deleted."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import requests

from astrago_actions.sandbox.registry import Registry
from astrago_actions.sandbox.server import LoopbackServer
from tests.registries import CLASSIC_TOKEN, SandboxRegistry

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"


def token(host: str, password: str, *scopes: str, username: str = "octocat") -> requests.Response:
    return requests.get(
        f"http://{host}/token",
        params={"service": "ghcr.io", "scope": list(scopes)},
        auth=(username, password) if password else None,
        timeout=10,
    )


def begin(host: str, bearer: str, repository: str = "xiilab/core") -> requests.Response:
    return requests.post(
        f"http://{host}/v2/{repository}/blobs/uploads/",
        headers={"Authorization": f"Bearer {bearer}"},
        timeout=10,
    )


def test_the_challenge_names_a_placeholder_scope(sandbox_registry: SandboxRegistry) -> None:
    answer = requests.get(f"http://{sandbox_registry.host}/v2/", timeout=10)

    assert answer.status_code == 401
    challenge = answer.headers["WWW-Authenticate"]
    assert 'service="ghcr.io"' in challenge
    assert 'scope="repository:user/image:pull"' in challenge


def test_tokens_are_opaque(sandbox_registry: SandboxRegistry) -> None:
    answer = token(sandbox_registry.host, CLASSIC_TOKEN, "repository:xiilab/core:pull,push")

    assert "." not in answer.json()["token"]
    assert begin(sandbox_registry.host, answer.json()["token"]).status_code == 202


def test_a_wrong_password_gets_no_token(sandbox_registry: SandboxRegistry) -> None:
    answer = token(sandbox_registry.host, "wrong", "repository:xiilab/core:pull")

    assert answer.status_code == 403
    assert answer.json() == {"errors": [{"code": "DENIED", "message": "denied"}]}


def test_nobody_gets_a_token_for_pushing(sandbox_registry: SandboxRegistry) -> None:
    assert token(sandbox_registry.host, "", "repository:xiilab/core:pull,push").status_code == 403


def test_public_repositories_are_pulled_by_anybody() -> None:
    with LoopbackServer(Registry(public=["xiilab/public-*"])) as server:
        host = server.url.removeprefix("http://")
        assert token(host, "", "repository:xiilab/public-core:pull").status_code == 200
        assert token(host, "", "repository:xiilab/core:pull").status_code == 403


def test_a_token_for_one_repository_opens_no_other(sandbox_registry: SandboxRegistry) -> None:
    bearer = token(sandbox_registry.host, CLASSIC_TOKEN, "repository:xiilab/core:pull,push")

    assert begin(sandbox_registry.host, bearer.json()["token"], "xiilab/web").status_code == 401


@pytest.mark.parametrize(
    ("password", "permissions", "message"),
    [
        ("ghs_r", {"xiilab/*": "read"}, "permission_denied: write_package"),
        ("ghs_x", {"other/*": "write"}, "permission_denied: write_package"),
        (
            "github_pat_x",
            {"xiilab/*": "write"},
            "permission_denied: The token provided does not match expected scopes.",
        ),
        ("ghs_none", {}, "permission_denied: The requested installation does not exist."),
    ],
)
def test_a_token_that_may_not_push_signs_in_and_is_refused_at_the_upload(
    sandbox_registry: SandboxRegistry, password: str, permissions: dict[str, str], message: str
) -> None:
    sandbox_registry.registry.add_token(password, permissions)  # type: ignore[arg-type]
    signed_in = token(sandbox_registry.host, password, "repository:xiilab/core:pull,push")
    assert signed_in.status_code == 200

    refused = begin(sandbox_registry.host, signed_in.json()["token"])

    assert refused.status_code == 403
    assert refused.json() == {"errors": [{"code": "DENIED", "message": message}]}


def test_the_credential_itself_serves_as_a_bearer_token(sandbox_registry: SandboxRegistry) -> None:
    encoded = base64.b64encode(CLASSIC_TOKEN.encode()).decode()

    assert begin(sandbox_registry.host, encoded).status_code == 202


@pytest.mark.parametrize("path", ["blobs/uploads/0a", "manifests/tag", "blobs/sha256:0a"])
def test_nothing_is_deleted_here(sandbox_registry: SandboxRegistry, path: str) -> None:
    encoded = base64.b64encode(CLASSIC_TOKEN.encode()).decode()

    answer = requests.delete(
        f"http://{sandbox_registry.host}/v2/xiilab/core/{path}",
        headers={"Authorization": f"Bearer {encoded}"},
        timeout=10,
    )

    assert answer.status_code == 405
    assert answer.json()["errors"][0]["code"] == "UNSUPPORTED"


def test_images_in_a_folder_outlive_the_registry(tmp_path: Path) -> None:
    first = Registry(tmp_path)
    digest = first._store.add_manifest("xiilab/core", CONFIG_TYPE, b"{}", "one")

    second = Registry(tmp_path)

    assert second.digest_of("xiilab/core", "one") == digest
    assert second.tags("xiilab/core") == ["one"]
    assert second.digest_of("xiilab/core", "two") is None
