"""The registry client against the sandbox's registry and against Debian's."""

from __future__ import annotations

import hashlib
import io
import re
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from astrago_actions.clients.oci_archive import Blob, read_archive
from astrago_actions.clients.registry import Credentials, RegistryClient
from astrago_actions.clients.registry_errors import Asked
from astrago_actions.clients.registry_session import Call, Challenge, RegistrySession
from astrago_actions.errors import AccessDenied, ActionError, NotFound, RateLimited, Unreachable
from astrago_actions.inputs import Secret
from astrago_actions.sandbox.server import Fault, LoopbackServer, Request, Response, json_response
from tests.images import Layout, attestation, for_platform
from tests.manual_clock import ManualClock
from tests.registries import CLASSIC_TOKEN, RunningRegistry, SandboxRegistry

DEBIAN_BASIC = pytest.param("debian-basic", marks=pytest.mark.registry)
DEBIAN_TLS = pytest.param("debian-tls", marks=pytest.mark.registry)
REVISION = "org.opencontainers.image.revision"
UPLOADS = r"/v2/.*/blobs/uploads/.*"
COMMIT = "ca58a8c3" * 5


@pytest.fixture
def repository(request: pytest.FixtureRequest) -> str:
    """A repository of the test's own."""
    return "xiilab/" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image with a revision label, as a folder."""
    layout = Layout()
    return layout.write_folder(tmp_path / "image", layout.add_image(labels={REVISION: COMMIT}))


def blob_of(content: bytes) -> Blob:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return Blob(digest, len(content), lambda: io.BytesIO(content))


class TestOnEveryRegistry:
    def test_permission_to_push_is_found_before_anything_is_pushed(
        self, any_registry: RunningRegistry, repository: str
    ) -> None:
        client = any_registry.client()

        assert client.push_permission(repository).verdict == "allowed"
        assert client.digest(repository, "latest") is None

    def test_credentials_that_are_known_can_sign_in(self, any_registry: RunningRegistry) -> None:
        any_registry.client().sign_in()

    def test_credentials_that_are_not_known_cannot_where_any_are_wanted(
        self, any_registry: RunningRegistry
    ) -> None:
        wants_some = any_registry.credentials is not None
        refused = pytest.raises(AccessDenied, match="Could not sign in")
        wrong = replace(any_registry, username="nobody", password="wrong")

        with refused if wants_some else nullcontext():
            wrong.client().sign_in()

    def test_a_pushed_image_is_served_under_its_digest(
        self, any_registry: RunningRegistry, repository: str, image: Path, tmp_path: Path
    ) -> None:
        archived = read_archive(image, tmp_path)
        client = any_registry.client()

        digest = client.push(archived, repository, "core-stage-1")

        assert digest == archived.manifest.digest
        assert client.digest(repository, "core-stage-1") == digest
        assert client.manifest(repository, "core-stage-1").content == archived.manifest.content

    def test_a_second_push_sends_no_layer_again(
        self, any_registry: RunningRegistry, repository: str, image: Path, tmp_path: Path
    ) -> None:
        archived = read_archive(image, tmp_path)
        client = any_registry.client()
        client.push(archived, repository, "first")

        assert [client.upload(repository, blob) for blob in archived.blobs] == [False, False]

    def test_size_and_revision_of_a_tag_are_read_back(
        self, any_registry: RunningRegistry, repository: str, image: Path, tmp_path: Path
    ) -> None:
        archived = read_archive(image, tmp_path)
        client = any_registry.client()
        digest = client.push(archived, repository, "tag")

        existing = client.existing(repository, "tag")

        assert existing is not None
        assert existing.digest == digest
        assert existing.revision == COMMIT
        assert existing.size == archived.size.largest == client.size(repository, "tag").largest

    def test_an_index_is_pushed_with_its_members_and_measured_by_platform(
        self, any_registry: RunningRegistry, repository: str, tmp_path: Path
    ) -> None:
        layout = Layout()
        members = [
            for_platform(layout.add_image(b"amd64"), "linux/amd64"),
            for_platform(layout.add_image(b"arm64" * 5000), "linux/arm64"),
            attestation(layout.add_image(b"provenance")),
        ]
        index = layout.add_index(members)
        archived = read_archive(layout.write_tar(tmp_path / "index.tar", index), tmp_path)
        client = any_registry.client()

        digest = client.push(archived, repository, "multi")

        assert client.digest(repository, "multi") == digest == index["digest"]
        sizes = client.size(repository, "multi").platforms
        assert sizes == archived.size.platforms
        assert set(sizes) == {"linux/amd64", "linux/arm64"}

    def test_another_tag_is_given_without_pushing_again(
        self, any_registry: RunningRegistry, repository: str, image: Path, tmp_path: Path
    ) -> None:
        client = any_registry.client()
        digest = client.push(read_archive(image, tmp_path), repository, "old")

        client.put_manifest(repository, "new", client.manifest(repository, "old"))

        assert client.digest(repository, "new") == digest

    def test_a_layer_is_taken_over_from_another_repository(
        self, any_registry: RunningRegistry, repository: str
    ) -> None:
        blob = blob_of(b"a layer")
        client = any_registry.client()
        client.upload(f"{repository}/base", blob)

        assert client.mount(repository, blob.digest, f"{repository}/base")
        assert client.upload(repository, blob) is False

    def test_a_layer_that_is_not_there_is_not_mounted(
        self, any_registry: RunningRegistry, repository: str
    ) -> None:
        digest = blob_of(b"never pushed").digest

        assert any_registry.client().mount(repository, digest, f"{repository}/base") is False

    def test_a_missing_manifest_is_told_as_such(
        self, any_registry: RunningRegistry, repository: str
    ) -> None:
        with pytest.raises(NotFound, match="Could not read"):
            any_registry.client().manifest(repository, "never")

    def test_content_that_is_not_what_its_digest_says_is_refused(
        self, any_registry: RunningRegistry, repository: str
    ) -> None:
        wrong = replace(blob_of(b"one thing"), open=lambda: io.BytesIO(b"two thing"))

        with pytest.raises(ActionError, match="DIGEST_INVALID"):
            any_registry.client().upload(repository, wrong)

    def test_an_empty_layer_can_be_pushed(
        self, any_registry: RunningRegistry, repository: str
    ) -> None:
        assert any_registry.client().upload(repository, blob_of(b""))

    @pytest.mark.parametrize("any_registry", ["sandbox", DEBIAN_BASIC], indirect=True)
    def test_a_wrong_password_is_denied_and_not_repeated(
        self, any_registry: RunningRegistry, repository: str
    ) -> None:
        clock = ManualClock()
        stranger = replace(any_registry, password="wrong").client(clock=clock, retries=3)

        permission = stranger.push_permission(repository)

        assert permission.verdict == "denied"
        assert permission.refusal is not None
        assert "expired or wrong" in permission.refusal.detail
        assert clock.slept == []


class TestPermissions:
    @pytest.mark.parametrize(
        ("token", "repositories", "cause"),
        [
            ("ghs_readonly", {"xiilab/*": "read"}, "has no write access"),
            ("github_pat_x", {"xiilab/*": "write"}, "fine-grained token"),
            ("ghs_elsewhere", {}, "is not the owner of"),
        ],
    )
    def test_ghcr_says_only_at_the_upload_that_a_token_may_not_push(
        self,
        sandbox_registry: SandboxRegistry,
        token: str,
        repositories: dict[str, str],
        cause: str,
    ) -> None:
        sandbox_registry.registry.add_token(token, repositories)  # type: ignore[arg-type]
        client = sandbox_registry.client(token, source="xiilab/astrago-backend")

        permission = client.push_permission("xiilab/core")

        assert permission.verdict == "denied"
        assert permission.refusal is not None
        assert cause in permission.refusal.detail
        assert permission.refusal.remedy

    @pytest.mark.parametrize(
        ("message", "remedy"),
        [
            ("permission_denied: write_package", "Manage Actions access"),
            ("installation not allowed to Create organization package", "packages: write"),
            ("installation not allowed to Write organization package", "packages: write"),
            ("The requested installation does not exist.", "own owner"),
            ("permission_denied: The token provided does not match expected scopes.", "classic"),
            ("Resource protected by organization SAML enforcement.", "Configure SSO"),
            ("unauthorized", "Renew the token"),
        ],
    )
    def test_each_refusal_names_the_setting_that_lifts_it(
        self, sandbox_registry: SandboxRegistry, message: str, remedy: str
    ) -> None:
        body = f'{{"errors":[{{"code":"DENIED","message":"{message}"}}]}}'
        sandbox_registry.server.faults.add(Fault("status", "POST", UPLOADS, status=403, body=body))

        permission = sandbox_registry.client(source="xiilab/web").push_permission("xiilab/core")

        assert permission.refusal is not None
        assert remedy in permission.refusal.remedy
        assert message in permission.refusal.detail

    def test_an_upload_that_cannot_be_cancelled_changes_nothing(
        self, sandbox_registry: SandboxRegistry
    ) -> None:
        assert sandbox_registry.client().push_permission("xiilab/core").verdict == "allowed"
        cancelled = sandbox_registry.server.exchanges[-1]
        assert (cancelled.request.method, cancelled.response.status) == ("DELETE", 405)

    def test_an_answer_that_is_neither_yes_nor_no_is_unknown(
        self, sandbox_registry: SandboxRegistry
    ) -> None:
        sandbox_registry.server.faults.add(Fault("status", "POST", UPLOADS, status=418, body="tea"))

        permission = sandbox_registry.client().push_permission("xiilab/core")

        assert permission.verdict == "unknown"
        assert "418" in permission.note

    def test_nobody_may_push_without_a_token(self, sandbox_registry: SandboxRegistry) -> None:
        assert sandbox_registry.client("").push_permission("xiilab/core").verdict == "denied"


class TestTokens:
    def test_a_token_is_fetched_once_for_many_requests(
        self, sandbox_registry: SandboxRegistry
    ) -> None:
        client = sandbox_registry.client()

        for _ in range(3):
            client.digest("xiilab/core", "any")

        paths = [each.request.path for each in sandbox_registry.server.exchanges]
        assert paths.count("/token") == 1
        assert paths.count("/v2/") == 1

    def test_a_token_for_pushing_serves_for_reading_too(
        self, sandbox_registry: SandboxRegistry
    ) -> None:
        client = sandbox_registry.client()

        client.push_permission("xiilab/core")
        client.digest("xiilab/core", "any")
        client.digest("xiilab/web", "any")

        asked = [
            each.request.query["scope"]
            for each in sandbox_registry.server.exchanges
            if each.request.path == "/token"
        ]
        assert asked == ["repository:xiilab/core:pull,push", "repository:xiilab/web:pull"]

    def test_a_token_that_expired_on_the_way_is_fetched_again(
        self, sandbox_registry: SandboxRegistry
    ) -> None:
        client = sandbox_registry.client()
        client.digest("xiilab/core", "any")
        body = '{"errors":[{"code":"UNAUTHORIZED","message":"token expired"}]}'
        sandbox_registry.server.faults.add(
            Fault("status", "HEAD", ".*manifests.*", status=401, body=body)
        )

        assert client.digest("xiilab/core", "any") is None

    def test_a_token_is_renewed_when_its_time_is_up(
        self, sandbox_registry: SandboxRegistry
    ) -> None:
        clock = ManualClock()
        client = sandbox_registry.client(clock=clock)
        client.digest("xiilab/core", "any")

        clock.sleep(3600)
        client.digest("xiilab/core", "any")

        paths = [each.request.path for each in sandbox_registry.server.exchanges]
        assert paths.count("/token") == 2

    def test_a_token_goes_to_no_other_address(self) -> None:
        other = _Recorder()
        with LoopbackServer(other) as elsewhere, LoopbackServer(_Elsewhere(elsewhere.url)) as here:
            host = here.url.removeprefix("http://")
            client = RegistryClient(
                host, Credentials("octocat", Secret(CLASSIC_TOKEN)), clock=ManualClock(), retries=0
            )
            client.push_permission("xiilab/core")
            client.upload("xiilab/core", blob_of(b"a layer"))
            with pytest.raises(ActionError):
                client.manifest("xiilab/core", "redirected")

        assert {request.method for request in other.requests} == {"DELETE", "PUT", "GET"}
        assert not any("authorization" in request.headers for request in other.requests)

    @pytest.mark.parametrize("any_registry", [DEBIAN_TLS], indirect=True)
    def test_a_password_is_not_sent_to_a_realm_without_tls(
        self, any_registry: RunningRegistry
    ) -> None:
        session = RegistrySession(
            any_registry.host, Credentials("u", Secret("password")), clock=ManualClock()
        )
        session.send(Call("GET", "/v2/", Asked("ask", any_registry.host)))
        session._challenge = Challenge("bearer", "http://127.0.0.1:9/token", "x")

        with pytest.raises(AccessDenied, match="has no TLS"):
            session.send(Call("GET", "/v2/", Asked("ask", any_registry.host)))

    def test_netrc_does_not_replace_the_token(
        self, sandbox_registry: SandboxRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login somebody password else\n")
        monkeypatch.setenv("NETRC", str(netrc))

        assert sandbox_registry.client().push_permission("xiilab/core").verdict == "allowed"


class TestTrouble:
    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
    def test_what_may_pass_is_repeated(
        self, sandbox_registry: SandboxRegistry, status: int
    ) -> None:
        sandbox_registry.server.faults.add(Fault("status", "PUT", UPLOADS, status=status, times=2))
        told: list[str] = []
        clock = ManualClock()
        client = sandbox_registry.client(clock=clock, retries=3, report=told.append)

        assert client.upload("xiilab/core", blob_of(b"a layer"))

        assert clock.slept == [1.0, 2.0]
        assert [f"({number} of 3)" in line for number, line in enumerate(told, 1)] == [True, True]

    @pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
    def test_a_cut_connection_is_repeated_and_nothing_arrives_twice(
        self, sandbox_registry: SandboxRegistry, tmp_path: Path, image: Path, kind: str
    ) -> None:
        for path in (UPLOADS, r"/v2/.*/manifests/tag"):
            sandbox_registry.server.faults.add(Fault(kind, "PUT", path))
        client = sandbox_registry.client(retries=3)
        archived = read_archive(image, tmp_path)

        digest = client.push(archived, "xiilab/core", "tag")

        assert sandbox_registry.registry.digest_of("xiilab/core", "tag") == digest

    def test_an_upload_that_the_registry_lost_is_begun_anew(
        self, sandbox_registry: SandboxRegistry
    ) -> None:
        body = '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"blob upload unknown"}]}'
        sandbox_registry.server.faults.add(Fault("status", "PUT", UPLOADS, status=404, body=body))

        assert sandbox_registry.client(retries=1).upload("xiilab/core", blob_of(b"a layer"))

    def test_the_registry_says_how_long_to_wait(self, sandbox_registry: SandboxRegistry) -> None:
        sandbox_registry.server.faults.add(
            Fault("status", "HEAD", status=429, headers={"Retry-After": "7"})
        )
        clock = ManualClock()

        sandbox_registry.client(clock=clock, retries=1).digest("xiilab/core", "tag")

        assert clock.slept == [7.0]

    def test_what_does_not_pass_ends_after_the_last_repetition(
        self, sandbox_registry: SandboxRegistry
    ) -> None:
        sandbox_registry.server.faults.add(Fault("status", "HEAD", status=429, times=None))

        with pytest.raises(RateLimited, match="answered 429"):
            sandbox_registry.client(retries=2).digest("xiilab/core", "tag")

    def test_a_registry_that_is_not_there_is_unreachable(self) -> None:
        client = RegistryClient("127.0.0.1:9", None, clock=ManualClock(), retries=1)

        with pytest.raises(Unreachable, match="Connection refused"):
            client.push_permission("xiilab/core")

    def test_an_address_that_is_no_registry_is_not_built_for(self) -> None:
        with LoopbackServer(_Website()) as server:
            host = server.url.removeprefix("http://")
            client = RegistryClient(host, None, clock=ManualClock(), retries=0)

            with pytest.raises(NotFound, match="answered 404"):
                client.push_permission("xiilab/core")

    @pytest.mark.registry
    def test_a_certificate_that_nobody_vouches_for_is_explained(
        self, request: pytest.FixtureRequest
    ) -> None:
        running = request.getfixturevalue("debian_registries")("debian-tls")

        permission = running.client().push_permission("xiilab/core")

        assert permission.verdict == "denied"
        assert permission.refusal is not None
        assert "REQUESTS_CA_BUNDLE" in permission.refusal.remedy


class _Recorder:
    """Takes everything and remembers it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def respond(self, request: Request) -> Response:
        self.requests.append(request)
        return Response(201 if request.method == "PUT" else 200)


class _Website:
    """Anything but a registry."""

    def respond(self, request: Request) -> Response:
        return Response(404, b"<html>")


class _Elsewhere:
    """A registry whose uploads and manifests lie on another host, as some clouds' do."""

    def __init__(self, elsewhere: str) -> None:
        self._elsewhere = elsewhere.replace("127.0.0.1", "localhost")

    def respond(self, request: Request) -> Response:
        if request.path == "/token":
            return json_response(200, {"access_token": "opaque", "expires_in": 300})
        if "authorization" not in request.headers:
            realm = f"http://{request.headers['host']}/token"
            challenge = {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'}
            return json_response(401, {"errors": []}, challenge)
        if request.method == "HEAD":
            return Response(404)
        status = 307 if request.method == "GET" else 202
        return Response(status, b"", {"Location": f"{self._elsewhere}/there?_state=1"})
