"""The event stream wakes; when it is cut, silent or forbidden nothing is lost but time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from astrago_actions.clients.argocd import ArgoCD, Place
from astrago_actions.clients.argocd_auth import Token
from astrago_actions.clients.argocd_connection import Server
from astrago_actions.clients.argocd_stream import Doorbell, EventStream
from astrago_actions.clock import SystemClock
from astrago_actions.inputs import Secret
from astrago_actions.sandbox.argocd import ArgoCD as SandboxArgoCD
from astrago_actions.sandbox.argocd import Policy
from astrago_actions.sandbox.argocd.memory import MemoryGit, MemoryRegistry
from astrago_actions.sandbox.server import Fault, LoopbackServer
from astrago_actions.sandbox.virtual_clock import VirtualClock
from tests.argocd_world import BRANCH, REPOSITORY, TOKEN, application


@pytest.fixture
def sandbox() -> SandboxArgoCD:
    git = MemoryGit()
    manifest = "kind: ConfigMap\nmetadata: {name: x}\n"
    git.commit(REPOSITORY, BRANCH, {"charts/web/x.yaml": manifest, "charts/batch/x.yaml": manifest})
    sandbox = SandboxArgoCD(git, MemoryRegistry())
    sandbox.add_token(TOKEN)
    sandbox.add_application(application())
    return sandbox


@pytest.fixture
def server(sandbox: SandboxArgoCD) -> Iterator[LoopbackServer]:
    with LoopbackServer(sandbox) as server:
        yield server


class Listening:
    """A stream that is being followed, and its doorbell."""

    def __init__(self, server: LoopbackServer, token: str = TOKEN, *names: str) -> None:
        self.bell = Doorbell(SystemClock())
        client = ArgoCD(Server(server.url), Token(Secret(token)))
        places = [Place(name) for name in names or ("web",)]
        self.stream = EventStream(client, places, self.bell)
        self.stream.start()

    def rung_within(self, seconds: float) -> bool:
        self.bell.wait(seconds)
        return bool(self.bell.answer())

    def __enter__(self) -> Listening:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.stop()


def test_a_change_rings_within_a_second(sandbox: SandboxArgoCD, server: LoopbackServer) -> None:
    with Listening(server) as listening:
        assert listening.rung_within(2)  # the first frame tells what is there
        assert listening.stream.connected
        sandbox.behave("web", log=("x",))
        began = time.monotonic()
        assert listening.rung_within(2)
        assert time.monotonic() - began < 1


def test_it_asks_for_what_it_needs_only(sandbox: SandboxArgoCD, server: LoopbackServer) -> None:
    """Whole documents of a large application at each change would be megabytes."""
    with Listening(server) as listening:
        listening.rung_within(2)
    query = server.exchanges[0].request.query
    assert query["name"] == "web"
    assert "resourceVersion" in query["fields"]


def test_several_applications_share_one_stream(
    sandbox: SandboxArgoCD, server: LoopbackServer
) -> None:
    sandbox.add_application(application("batch"))
    with Listening(server, TOKEN, "web", "batch") as listening:
        assert listening.rung_within(2)
        time.sleep(0.1)
        listening.bell.answer()
        sandbox.behave("batch", log=("x",))
        listening.bell.wait(2)
        assert listening.bell.answer() == {"batch"}
    streams = [each for each in server.exchanges if "stream" in each.request.path]
    assert len(streams) == 1


def test_a_stream_tells_only_of_whom_it_has_named(server: LoopbackServer) -> None:
    """One that came later, or is hidden, is looked at as often as without a stream."""
    with Listening(server, TOKEN, "web", "hidden") as listening:
        assert listening.rung_within(2)
        assert listening.stream.tells_of("web")
        assert not listening.stream.tells_of("hidden")


def test_a_stream_that_is_cut_is_followed_again(
    sandbox: SandboxArgoCD, server: LoopbackServer
) -> None:
    server.faults.add(Fault("cut", path=".*/stream/.*", seconds=0.05))
    with Listening(server) as listening:
        listening.rung_within(1)
        sandbox.behave("web", log=("a",))
        deadline = time.monotonic() + 3
        while len(server.exchanges) < 2 and time.monotonic() < deadline:
            sandbox.behave("web", log=("b",))
            time.sleep(0.05)
    assert len(server.exchanges) >= 2


def test_a_forbidden_stream_is_given_up(server: LoopbackServer) -> None:
    body = '{"error":"no","code":7,"message":"no"}'
    server.faults.add(Fault("status", path=".*/stream/.*", status=403, body=body, times=None))
    with Listening(server) as listening:
        assert not listening.rung_within(0.8)
        assert not listening.stream.connected
    assert len(server.exchanges) == 1


def test_a_hidden_application_sends_nothing_and_rings_nothing(
    sandbox: SandboxArgoCD, server: LoopbackServer
) -> None:
    """The server sends no frame and no error for what an account may not see."""
    token = sandbox.new_token((Policy("applications", "get", "other/*"),))
    with Listening(server, token) as listening:
        sandbox.behave("web", log=("x",))
        assert not listening.rung_within(0.5)


def test_a_doorbell_remembers_what_was_rung_before_the_wait() -> None:
    clock = VirtualClock()
    bell = Doorbell(clock)
    bell.ring("web")
    bell.wait(60)
    assert clock.monotonic() == 0
    assert bell.answer() == {"web"}
    bell.wait(60)
    assert clock.monotonic() >= 60
