"""One request at a time: what is sent, what is understood, and how failures are told apart."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import responses

from astrago_actions.clients.argocd import ArgoCD, Place
from astrago_actions.clients.argocd_auth import Keyless, Password, Token, expiry
from astrago_actions.clients.argocd_connection import ArgoCDError, Server
from astrago_actions.domain.rollout.application import Pod
from astrago_actions.domain.rollout.values import TroubleKind
from astrago_actions.errors import AccessDenied
from astrago_actions.inputs import Secret
from astrago_actions.sandbox.server import LoopbackServer, Request, Response, json_response
from tests.certificates import serve_with_certificate

BASE = "https://argocd.example.com/root"
WEB = Place("web")
DOCUMENT = {"metadata": {"name": "web"}, "spec": {"source": {"repoURL": "x"}}}
POD = Pod("web-1", "apps", "uid-1")


def client(token: str = "token", **options: object) -> ArgoCD:
    return ArgoCD(Server(BASE, **options), Token(Secret(token)))  # type: ignore[arg-type]


def jwt(**claims: object) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{middle}.signature"


@responses.activate
def test_the_token_is_sent_without_what_copying_added() -> None:
    """Argo CD ignores a bearer value that is no JWT, and then nobody is logged in."""
    responses.get(f"{BASE}/api/v1/applications/web", json=DOCUMENT)
    client(' "Bearer token"\n').application(WEB)
    assert responses.calls[0].request.headers["Authorization"] == "Bearer token"


@responses.activate
def test_project_and_namespace_are_given_with_every_call() -> None:
    place = Place("web", project="shop", namespace="team-a")
    query = {"project": "shop", "appNamespace": "team-a"}
    match = [responses.matchers.query_param_matcher(query, strict_match=False)]
    responses.get(f"{BASE}/api/v1/applications/web", json=DOCUMENT, match=match)
    responses.get(f"{BASE}/api/v1/applications/web/resource-tree", json={}, match=match)
    client().application(place)
    assert client().tree(place) == ((), ())


@responses.activate
def test_a_name_is_quoted_in_the_path() -> None:
    responses.get(f"{BASE}/api/v1/applications/a%2Fb", json=DOCUMENT)
    client().application(Place("a/b"))


@responses.activate
def test_a_sync_names_no_revision() -> None:
    """With auto-sync on, a server refuses a sync that names one."""
    responses.post(f"{BASE}/api/v1/applications/web/sync", json=DOCUMENT)
    assert client().sync(Place("web", "shop"), prune=True).outcome == "accepted"
    request = responses.calls[0].request
    assert json.loads(request.body or "") == {"project": "shop", "prune": True}
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "message", "outcome"),
    [
        (400, "another operation is already in progress", "busy"),
        (403, "cannot sync: blocked by sync window", "window"),
        (403, "permission denied: applications, sync, default/web", "refused"),
        (503, "upstream", "busy"),
    ],
)
@responses.activate
def test_what_becomes_of_a_sync(status: int, message: str, outcome: str) -> None:
    body = {"error": message, "code": 7, "message": message}
    responses.post(f"{BASE}/api/v1/applications/web/sync", json=body, status=status)
    answer = client().sync(WEB, prune=False)
    assert answer.outcome == outcome
    assert message in answer.message


@pytest.mark.parametrize(
    ("status", "body", "content_type", "kind"),
    [
        (401, '{"error":"no session","code":16,"message":"no session"}', "json", "unauthorized"),
        (401, "<html>", "html", "unauthorized"),
        (403, '{"code":7,"message":"permission denied"}', "json", "hidden"),
        (404, '{"error":"x","code":5,"message":"not found"}', "json", "hidden"),
        (404, "404 page not found", "plain", "not-argo-cd"),
        (200, "<html>log in</html>", "html", "not-argo-cd"),
        (200, "[]", "json", "not-argo-cd"),
        (200, "{broken", "json", "not-argo-cd"),
        (400, '{"error":"bad","code":3,"message":"bad"}', "json", "refused"),
        (429, "slow down", "plain", "rate-limited"),
        (500, '{"error":{"message":"boom","http_code":500}}', "json", "no-answer"),
        (502, "<html>bad gateway</html>", "html", "no-answer"),
        (504, "", "plain", "no-answer"),
    ],
)
@responses.activate
def test_kinds_of_trouble(status: int, body: str, content_type: str, kind: TroubleKind) -> None:
    types = {"json": "application/json", "html": "text/html", "plain": "text/plain"}
    url = f"{BASE}/api/v1/applications/web"
    responses.get(url, body=body, status=status, content_type=types[content_type])
    with pytest.raises(ArgoCDError) as caught:
        client().application(WEB)
    assert caught.value.trouble.kind == kind


@responses.activate
def test_a_redirect_is_not_followed_and_its_target_is_told_without_its_query() -> None:
    location = "https://login.example.com/oauth?state=secret"
    responses.get(f"{BASE}/api/version", status=302, headers={"Location": location})
    with pytest.raises(ArgoCDError) as caught:
        client().version()
    assert caught.value.trouble.kind == "not-argo-cd"
    assert "https://login.example.com" in caught.value.trouble.message
    assert "secret" not in caught.value.trouble.message
    assert len(responses.calls) == 1


@responses.activate
def test_a_server_may_say_how_long_to_wait() -> None:
    headers = {"Retry-After": "17"}
    responses.get(f"{BASE}/api/v1/applications/web", status=429, headers=headers)
    with pytest.raises(ArgoCDError) as caught:
        client().application(WEB)
    assert caught.value.trouble.retry_after == 17.0


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (requests.ConnectTimeout("slow"), "no-answer"),
        (requests.ReadTimeout("slow"), "no-answer"),
        (requests.ConnectionError("Connection reset by peer"), "no-answer"),
        (requests.ConnectionError("[Errno 111] Connection refused"), "no-contact"),
        (requests.ConnectionError("NameResolutionError: getaddrinfo failed"), "no-contact"),
        (requests.exceptions.SSLError("EOF occurred in violation of protocol"), "no-answer"),
        (requests.exceptions.SSLError("[SSL: WRONG_VERSION_NUMBER]"), "no-contact"),
        (requests.exceptions.ProxyError("proxy says 502"), "no-answer"),
    ],
)
@responses.activate
def test_kinds_of_silence(error: requests.RequestException, kind: TroubleKind) -> None:
    responses.get(f"{BASE}/api/version", body=error)
    with pytest.raises(ArgoCDError) as caught:
        client().version()
    assert caught.value.trouble.kind == kind


@responses.activate
def test_a_session_lasts_by_the_servers_own_clock() -> None:
    """The runner's clock may be wrong: the server's Date header is what counts."""
    responses.get(
        f"{BASE}/api/v1/session/userinfo",
        json={"loggedIn": True, "username": "ci"},
        headers={"Date": "Thu, 01 Jan 1970 00:10:00 GMT"},
    )
    session = client(jwt(exp=900)).session()
    assert (session.logged_in, session.username, session.seconds_left) == (True, "ci", 300.0)


def test_tokens_that_never_expire_or_are_no_jwt() -> None:
    assert expiry(jwt(exp=5)) == 5.0
    for token in (jwt(sub="ci"), "opaque", "a.b.c", "a.!.c"):
        assert expiry(token) is None


@responses.activate
def test_a_refused_session_is_renewed_once_with_a_password() -> None:
    responses.post(f"{BASE}/api/v1/session", json={"token": "first"})
    responses.post(f"{BASE}/api/v1/session", json={"token": "second"})
    responses.get(f"{BASE}/api/v1/applications/web", status=401)
    responses.get(f"{BASE}/api/v1/applications/web", json=DOCUMENT)
    server = ArgoCD(Server(BASE), Password("ci", Secret("secret")))
    assert server.application(WEB).name == "web"
    sent = [call.request.headers.get("Authorization") for call in responses.calls]
    assert sent == [None, "Bearer first", None, "Bearer second"]
    assert json.loads(responses.calls[0].request.body or "") == {
        "username": "ci",
        "password": "secret",
    }


@responses.activate
def test_a_token_is_not_renewed() -> None:
    responses.get(f"{BASE}/api/v1/applications/web", status=401)
    with pytest.raises(ArgoCDError):
        client().application(WEB)
    assert len(responses.calls) == 1


@responses.activate
def test_the_jobs_identity_is_exchanged_at_dex() -> None:
    responses.post(f"{BASE}/api/dex/token", json={"access_token": "dex-token"})
    responses.get(f"{BASE}/api/v1/applications/web", json=DOCUMENT)
    credentials = Keyless("github-actions", "argocd", lambda audience: f"identity-{audience}")
    ArgoCD(Server(BASE), credentials).application(WEB)
    request = responses.calls[0].request
    form = dict(part.split("=") for part in str(request.body).split("&"))
    assert form["connector_id"] == "github-actions"
    assert form["subject_token"] == "identity-argocd"
    assert form["grant_type"].endswith("token-exchange")
    assert form["scope"] == "openid+email+profile+federated%3Aid"
    basic = base64.b64encode(b"argo-cd-cli:").decode()
    assert request.headers["Authorization"] == f"Basic {basic}"
    assert responses.calls[1].request.headers["Authorization"] == "Bearer dex-token"


@responses.activate
def test_a_job_without_an_identity_is_told_what_is_missing() -> None:
    def none(_: str) -> str:
        raise AccessDenied("No identity", "x", "Add `permissions: id-token: write`.")

    with pytest.raises(ArgoCDError) as caught:
        ArgoCD(Server(BASE), Keyless("github-actions", "", none)).session()
    assert caught.value.trouble.kind == "unauthorized"
    assert "id-token: write" in caught.value.trouble.message


@responses.activate
def test_log_lines_end_at_the_marker_and_are_the_last_ones() -> None:
    lines: list[dict[str, dict[str, object]]] = [
        {"result": {"content": f"line {number}"}} for number in range(30)
    ]
    lines.append({"result": {"content": "", "last": True}})
    body = "".join(json.dumps(line) + "\n" for line in lines)
    responses.get(f"{BASE}/api/v1/applications/web/logs", body=body)
    log = client().logs(WEB, POD, lines=20, previous=True)
    assert log == tuple(f"line {number}" for number in range(10, 30))
    query = responses.calls[0].request.params  # type: ignore[attr-defined]
    assert query == {
        "namespace": "apps",
        "podName": "web-1",
        "tailLines": "20",
        "previous": "true",
    }


@responses.activate
def test_events_of_a_pod_need_all_three_of_its_names() -> None:
    event = {
        "type": "Warning",
        "reason": "Failed",
        "message": "no",
        "count": 3,
        "lastTimestamp": "2026-08-22T10:00:00Z",
        "involvedObject": {"kind": "Pod", "name": "web-1"},
    }
    responses.get(f"{BASE}/api/v1/applications/web/events", json={"items": [event]})
    (found,) = client().events(WEB, POD)
    assert (found.reason, found.count, found.object) == ("Failed", 3, "Pod web-1")
    query = responses.calls[0].request.params  # type: ignore[attr-defined]
    assert query == {
        "resourceNamespace": "apps",
        "resourceName": "web-1",
        "resourceUID": "uid-1",
    }


@responses.activate
def test_lists_leave_out_what_is_being_deleted() -> None:
    items = [
        {"metadata": {"name": "web"}},
        {"metadata": {"name": "old", "deletionTimestamp": "2026-08-22T10:00:00Z"}},
    ]
    responses.get(f"{BASE}/api/v1/applications", json={"items": items})
    assert client().applications("team=a", "", "") == ("web",)


@responses.activate
def test_selected_applications_are_named_with_their_namespace() -> None:
    items = [{"metadata": {"name": "web", "namespace": "team-a"}}]
    responses.get(f"{BASE}/api/v1/applications", json={"items": items})
    assert client().applications("team=a", "", "") == ("team-a/web",)


@responses.activate
def test_the_log_of_one_of_several_containers_is_asked_for_by_name() -> None:
    """Kubernetes refuses to choose one."""
    responses.get(f"{BASE}/api/v1/applications/web/logs", body="")
    client().logs(WEB, replace(POD, container="main"), lines=20, previous=False)
    assert responses.calls[0].request.params["container"] == "main"  # type: ignore[attr-defined]


@responses.activate
def test_nothing_selected_is_null() -> None:
    responses.get(f"{BASE}/api/v1/applications", json={"items": None})
    assert client().applications("team=a", "", "") == ()


class Anything:
    """Answers every request like an Argo CD."""

    def respond(self, request: Request) -> Response:
        return json_response(200, {"Version": "v3.5.1"})


def test_a_private_authority_is_trusted_by_its_file_only(tmp_path: Path) -> None:
    server = LoopbackServer(Anything())
    certificate = serve_with_certificate(server, tmp_path)
    url = server.url.replace("http:", "https:")
    credentials = Token(Secret("token"))
    with server:
        assert ArgoCD(Server(url, verify=str(certificate)), credentials).version() == "v3.5.1"
        assert ArgoCD(Server(url, verify=False), credentials).version() == "v3.5.1"
        with pytest.raises(ArgoCDError) as caught:
            ArgoCD(Server(url), credentials).version()
    assert caught.value.trouble.kind == "certificate"
    assert "Issuer: CN=argocd.test" in caught.value.trouble.message


def test_an_authority_named_in_the_environment_does_not_replace_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = LoopbackServer(Anything())
    certificate = serve_with_certificate(server, tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    url = server.url.replace("http:", "https:")
    with server:
        client = ArgoCD(Server(url, verify=str(certificate)), Token(Secret("token")))
        assert client.version() == "v3.5.1"


def test_a_proxy_named_in_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with LoopbackServer(Anything()) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        client = ArgoCD(Server("http://argocd.internal"), Token(Secret("token")))
        assert client.version() == "v3.5.1"
    assert proxy.exchanges[0].request.headers["host"] == "argocd.internal"


def test_a_netrc_of_the_runner_does_not_replace_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = LoopbackServer(Anything())
    with server:
        ArgoCD(Server(server.url), Token(Secret("token"))).session()
    assert server.exchanges[0].request.headers["authorization"] == "Bearer token"
