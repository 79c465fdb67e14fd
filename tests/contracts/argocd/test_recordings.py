"""What the client makes of every answer that a real Argo CD was recorded to give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from astrago_actions.clients.argocd import ArgoCD, Place
from astrago_actions.clients.argocd_auth import Password, Token
from astrago_actions.clients.argocd_connection import ArgoCDError, Server
from astrago_actions.clients.argocd_stream import name_in
from astrago_actions.domain.rollout.application import Application, Condition, Pod
from astrago_actions.domain.rollout.values import SyncAnswer
from astrago_actions.domain.rollout.words import is_commit
from astrago_actions.inputs import Secret
from astrago_actions.sandbox.server import LoopbackServer, Request, Response
from tests.contracts.argocd.recordings import FOLDER, Recording, load, recording, recordings

WEB = Place("web")
POD = Pod("web-1", namespace="web", uid="1")


class Replay:
    """A server that gives one recorded answer, whatever it is asked."""

    def __init__(self, recorded: Recording) -> None:
        self._recorded = recorded
        self.asked: list[Request] = []

    def respond(self, request: Request) -> Response:
        self.asked.append(request)
        headers = {"Content-Type": self._recorded.content_type}
        return Response(self._recorded.status, self._recorded.content, headers)


@contextmanager
def answering(recorded: Recording) -> Iterator[ArgoCD]:
    """A client whose server answers with a recording."""
    with LoopbackServer(Replay(recorded)) as server:
        yield ArgoCD(Server(server.url), Token(Secret("a.b.c")))


def ask(name: str, call: Callable[[ArgoCD], Any]) -> Any:
    """The client's answer to a call that the server answers with the recording `name`."""
    with answering(recording(name)) as argocd:
        return call(argocd)


def application(name: str) -> Application:
    """The application of a recording."""
    found: Application = ask(f"application{name}", lambda argocd: argocd.application(WEB))
    return found


def trouble(name: str, call: Callable[[ArgoCD], Any] | None = None) -> tuple[str, str]:
    """How the client tells a refusal: its kind and words."""
    with pytest.raises(ArgoCDError) as caught:
        ask(name, call or (lambda argocd: argocd.application(WEB)))
    return caught.value.trouble.kind, caught.value.trouble.message


APPLICATIONS = [
    each for each in recordings() if each.name.startswith("application-") and each.status == 200
]


@pytest.mark.parametrize("recorded", APPLICATIONS, ids=lambda each: f"{each.version}-{each.name}")
def test_every_recorded_application_can_be_read(recorded: Recording) -> None:
    with answering(recorded) as argocd:
        found = argocd.application(WEB)
    assert all(map(is_commit, found.revisions))
    assert found.sources
    assert {found.sync_status, found.health} <= {
        "Synced",
        "OutOfSync",
        "Unknown",
        "Healthy",
        "Progressing",
        "Missing",
    }


def test_a_healthy_application() -> None:
    found = application("")
    assert (found.sync_status, found.health, found.project) == ("Synced", "Healthy", "default")
    assert (found.automated, found.prune, found.self_heal) == (True, True, True)
    assert found.images == ("ghcr.io/xiilab/web:v1",)
    assert [str(each) for each in found.resources] == ["Deployment web"]
    assert found.operation is not None
    assert (found.operation.phase, found.operation.retry_limit) == ("Succeeded", 5)
    assert found.operation.revisions == found.revisions
    assert (found.operation_pending, found.compared_since_operation) == (False, True)


def test_an_application_that_is_being_deleted() -> None:
    assert (application("").deleting, application("-deleting").deleting) == (False, True)


def test_an_application_out_of_sync_and_its_sync_by_hand() -> None:
    before, during, after = map(application, ("-out-of-sync", "-syncing", "-synced-by-hand"))
    assert (before.sync_status, before.automated, before.operation) == ("OutOfSync", False, None)
    assert during.operation_pending
    assert during.requested_revisions == before.revisions
    assert (after.sync_status, after.operation_pending) == ("Synced", False)
    assert after.operation is not None
    assert after.operation.username == "ci"
    assert not after.operation.automated


@pytest.mark.parametrize("version", ["v3.2.6", "v3.5.7"])
def test_a_comparison_that_failed_has_no_revision(version: str) -> None:
    """The document names the branch in place of a commit."""
    recorded = load(FOLDER / version / "application-manifest-error.json")
    assert recorded.body["status"]["sync"]["revision"] == "stabilize/1.0"
    with answering(recorded) as argocd:
        found = argocd.application(WEB)
    assert (found.sync_status, found.revisions) == ("Unknown", ())
    complaint = found.condition("ComparisonError")
    assert complaint is not None
    assert "no such key" in complaint.message


def test_an_application_that_is_refused() -> None:
    found = application("-spec-error")
    assert isinstance(found.condition("InvalidSpecError"), Condition)
    assert (found.revisions, found.health) == ((), "Unknown")


def test_an_application_of_two_sources() -> None:
    found = application("-two-sources")
    assert [(each.path, each.ref) for each in found.sources] == [
        ("two-sources", ""),
        ("", "values"),
    ]
    assert len(found.revisions) == 2


@pytest.mark.parametrize("version", ["v3.2.6", "v3.5.7"])
def test_a_failed_hook(version: str) -> None:
    with answering(load(FOLDER / version / "application-failed-hook.json")) as argocd:
        found = argocd.application(WEB)
    assert found.operation is not None
    assert found.operation.failed
    (hook,) = found.operation.resources
    assert hook.is_failed_hook
    assert str(hook).startswith("PreSync hook migrate-")
    assert hook.message == "Job has reached the specified backoff limit"
    assert found.condition("SyncError") is not None


def test_a_plain_object_is_no_hook_though_it_has_the_phase_of_one() -> None:
    operation = application("").operation
    assert operation is not None
    (deployment,) = operation.resources
    assert (deployment.hook_phase, deployment.is_running_hook) == ("Running", False)
    failed = application("-failed-sync").operation
    assert failed is not None
    assert [each.is_failed_hook for each in failed.resources if each.status == "SyncFailed"] == [
        False
    ]


def test_a_sync_that_is_tried_again() -> None:
    operation = application("-retrying").operation
    assert operation is not None
    assert operation.waits_to_retry
    assert (operation.retry_count > 0, operation.retry_limit) == (True, 5)
    assert "Retrying attempt #" in operation.message


def test_a_suspended_cron_job_is_healthy() -> None:
    found = application("-suspended")
    (nightly,) = [each for each in found.resources if each.kind == "CronJob"]
    assert (nightly.health, nightly.message) == ("Healthy", "CronJob is Suspended")
    assert found.health == "Healthy"


@pytest.mark.parametrize(
    ("name", "reason", "health", "message"),
    [
        ("no-image", "ImagePullBackOff", "Degraded", "Back-off pulling image"),
        ("crash-loop", "CrashLoopBackOff", "Degraded", "back-off 10s restarting failed container"),
        ("no-node", "Pending", "Progressing", ""),
    ],
)
def test_pods_in_trouble(name: str, reason: str, health: str, message: str) -> None:
    pods, children = ask(f"tree-{name}", lambda argocd: argocd.tree(WEB))
    assert children == ()
    assert len(pods) == 2
    for pod in pods:
        assert (pod.reason, pod.health, pod.ready) == (reason, health, "0/1")
        assert message in pod.message
        assert pod.path == (f"Deployment {name} Rev:1", f"ReplicaSet {pod.name[:-6]} Rev:1")
        assert pod.newest
    assert application(f"-{name}").health == "Progressing"


def test_pods_that_run() -> None:
    pods, _ = ask("tree", lambda argocd: argocd.tree(WEB))
    assert {(each.reason, each.health, each.images) for each in pods} == {
        ("Running", "Healthy", ("ghcr.io/xiilab/web:v1",))
    }


def test_the_pod_of_a_hook_is_below_its_job() -> None:
    pods, _ = ask("tree-failed-hook", lambda argocd: argocd.tree(WEB))
    assert {each.path[0].split("-")[0] for each in pods} == {"Job migrate"}
    assert {each.health for each in pods} == {"Degraded"}


@pytest.mark.parametrize(
    ("name", "reason", "message"),
    [
        ("no-image", "ImagePullBackOff", "Back-off pulling image"),
        ("crash-loop", "CrashLoopBackOff", "back-off 10s"),
        ("no-node", "Unschedulable", "0/1 nodes are available"),
    ],
)
def test_why_a_container_waits(name: str, reason: str, message: str) -> None:
    found = ask(f"pod-{name}", lambda argocd: argocd.standstill(WEB, POD))
    assert found.reason == reason
    assert message in found.message


@pytest.mark.parametrize("name", ["managed-resources", "desired-images"])
def test_the_images_that_are_wanted(name: str) -> None:
    found = ask(name, lambda argocd: argocd.desired_images(WEB))
    assert found == ("ghcr.io/xiilab/web:v1",)


def test_events_of_an_application_and_of_a_pod() -> None:
    of_application = ask("events", lambda argocd: argocd.events(WEB))
    assert {each.object for each in of_application} == {"Application web"}
    of_pod = ask("events-no-image", lambda argocd: argocd.events(WEB, POD))
    assert {each.reason for each in of_pod} >= {"Failed", "BackOff"}
    assert {each.type for each in of_pod} == {"Warning"}
    assert ask("events-no-node", lambda argocd: argocd.events(WEB, POD)) == ()


@pytest.mark.parametrize("name", ["logs-no-image", "logs-crash-loop"])
def test_lines_of_a_log(name: str) -> None:
    found = ask(name, lambda argocd: argocd.logs(WEB, POD, lines=20, previous=False))
    assert found == ("cannot connect to the database", "giving up")


def test_sync_windows() -> None:
    assert ask("no-windows", lambda argocd: argocd.windows(WEB, automated=True)) == ("", ())
    blocking, assigned = ask("deny-window", lambda argocd: argocd.windows(WEB, automated=True))
    assert blocking == "deny window `* * * * *` for 1h"
    assert len(assigned) == 1


def test_lists() -> None:
    def names(argocd: ArgoCD) -> tuple[str, ...]:
        return argocd.applications("team=core", "", "")

    assert {"web", "two-sources"} <= set(ask("list", names))
    assert ask("list-of-nothing", names) == ()
    assert ask("hidden-list", names) == ()


def test_who_made_a_commit() -> None:
    assert ask("revision-metadata", lambda argocd: argocd.author(WEB, "a" * 40)) == (
        "astrago <astrago@example.com>: Change"
    )
    missing = ask("revision-metadata-of-nothing", lambda argocd: argocd.author(WEB, "0" * 40))
    assert missing == ""


def test_versions_and_sessions() -> None:
    assert ask("version", lambda argocd: argocd.version()).startswith("v3.5.7")
    session = ask("userinfo", lambda argocd: argocd.session())
    assert (session.logged_in, session.username) == (True, "ci")
    for nobody in ("of-nobody", "with-a-wrong-token", "with-an-expired-token"):
        assert not ask(f"userinfo-{nobody}", lambda argocd: argocd.session()).logged_in


def test_a_password_is_exchanged_for_a_token() -> None:
    with LoopbackServer(Replay(recording("session"))) as server:
        token = Password("ci", Secret("secret")).token(
            lambda path, **options: requests.post(server.url + path, timeout=5, **options)
        )
    assert token == "eyJ0.eyJ0.c2ln"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("session-refused", "unauthorized", "Invalid username or password"),
        ("refused-without-a-token", "unauthorized", "no session information"),
        ("refused-with-a-token-of-no-shape", "unauthorized", "no session information"),
        ("refused-with-a-wrong-token", "unauthorized", "token is malformed"),
        ("refused-with-an-expired-token", "unauthorized", "token is expired"),
        ("missing-application", "hidden", "HTTP 403: permission denied"),
        ("missing-application-of-a-project", "hidden", 'HTTP 404: applications.argoproj.io "gone"'),
        ("application-of-another-project", "hidden", "HTTP 404"),
        ("hidden-application", "hidden", "HTTP 403"),
        ("hidden-application-of-a-project", "hidden", "HTTP 403"),
        ("logs-forbidden", "hidden", "permission denied: logs, get, default/web"),
        ("events-of-nothing", "refused", "not found as part of application web"),
        ("resource-of-nothing", "refused", "Pod  gone not found as part of application web"),
        ("unknown-path", "not-argo-cd", "text/plain"),
        ("wrong-content-type", "not-argo-cd", "HTTP 415"),
        ("no-content-type", "not-argo-cd", "HTTP 415"),
        ("terminate-nothing", "refused", "No operation is in progress"),
    ],
)
def test_refusals(name: str, kind: str, message: str) -> None:
    found = trouble(name)
    assert found[0] == kind
    assert message in found[1]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("sync", "accepted"),
        ("sync-while-one-runs", "busy"),
        ("sync-in-a-window", "window"),
        ("sync-forbidden", "refused"),
        ("sync-of-a-revision-refused", "refused"),
    ],
)
def test_answers_to_a_sync(name: str, outcome: str) -> None:
    answer = ask(name, lambda argocd: argocd.sync(WEB, prune=True))
    assert isinstance(answer, SyncAnswer)
    assert answer.outcome == outcome


@pytest.mark.parametrize("name", ["stream", "stream-of-lines", "stream-of-whole-documents"])
def test_frames_name_their_application(name: str) -> None:
    lines = ask(name, lambda argocd: list(argocd.stream({}, silence_seconds=1.0)))
    assert [name_in(each) for each in lines if name_in(each)] == ["web"]


def test_ending_an_operation_names_the_type_of_its_empty_body() -> None:
    replay = Replay(recording("terminate-nothing"))
    with LoopbackServer(replay) as server:
        ArgoCD(Server(server.url), Token(Secret("a.b.c"))).terminate(WEB)
    assert replay.asked[-1].headers["content-type"] == "application/json"


def test_recordings_hold_no_token_and_no_address_of_the_machine() -> None:
    for each in recordings():
        assert b"127.0.0.1:" not in each.content
        assert b"eyJhbGci" not in each.content
