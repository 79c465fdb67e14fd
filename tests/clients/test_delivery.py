"""Sending to services that are busy, broken or away, without telling their addresses."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from astrago_actions.clients.delivery import Delivery, deliver
from astrago_actions.errors import AccessDenied, ActionError, RateLimited, Unreachable
from astrago_actions.sandbox.server import Fault, LoopbackServer
from tests.clients.recorder import Recorder
from tests.manual_clock import ManualClock

PATH = "/services/T0/B0/very-secret"


@pytest.fixture
def service() -> Iterator[LoopbackServer]:
    with LoopbackServer(Recorder()) as server:
        yield server


def a_delivery(address: str, *, idempotent: bool = True) -> Delivery:
    return Delivery("The service", "POST", address + PATH, b"{}", {}, idempotent=idempotent)


def test_returns_the_answer(service: LoopbackServer) -> None:
    assert deliver(a_delivery(service.url), ManualClock()) == "ok"


def test_waits_as_long_as_a_busy_service_asks(service: LoopbackServer) -> None:
    service.faults.add(Fault("status", status=429, headers={"Retry-After": "7"}))
    clock = ManualClock()

    assert deliver(a_delivery(service.url), clock) == "ok"
    assert clock.slept == [7]


def test_waits_on_its_own_when_a_busy_service_does_not_say(service: LoopbackServer) -> None:
    service.faults.add(Fault("status", status=429, times=2))
    clock = ManualClock()

    assert deliver(a_delivery(service.url), clock) == "ok"
    assert len(clock.slept) == 2
    assert all(1 <= slept <= 9 for slept in clock.slept)


def test_does_not_wait_for_half_an_hour(service: LoopbackServer) -> None:
    service.faults.add(Fault("status", status=429, headers={"Retry-After": "1800"}))
    clock = ManualClock()

    with pytest.raises(RateLimited, match="asks to be sent less") as caught:
        deliver(a_delivery(service.url), clock)

    assert clock.slept == []
    assert "1800 s" in caught.value.detail


@pytest.mark.parametrize("status", [500, 502, 503])
def test_asks_a_broken_service_again_and_then_gives_up(
    service: LoopbackServer, status: int
) -> None:
    service.faults.add(Fault("status", status=status, times=None))
    clock = ManualClock()

    with pytest.raises(Unreachable) as caught:
        deliver(a_delivery(service.url), clock)

    assert len(service.exchanges) == 4
    assert f"HTTP {status}" in caught.value.detail


def test_a_lost_answer_is_sent_again_where_that_does_no_harm(service: LoopbackServer) -> None:
    service.faults.add(Fault("reset-after"))

    assert deliver(a_delivery(service.url), ManualClock()) == "ok"


def test_a_lost_answer_is_not_sent_again_where_people_would_read_it_twice(
    service: LoopbackServer,
) -> None:
    service.faults.add(Fault("reset-after"))

    with pytest.raises(Unreachable):
        deliver(a_delivery(service.url, idempotent=False), ManualClock())
    assert service.exchanges == []


@pytest.mark.parametrize(("status", "error"), [(401, AccessDenied), (403, AccessDenied)])
def test_says_that_it_was_refused(
    service: LoopbackServer, status: int, error: type[ActionError]
) -> None:
    service.faults.add(Fault("status", status=status, body="no_token"))

    with pytest.raises(error) as caught:
        deliver(a_delivery(service.url), ManualClock())
    assert "no_token" in caught.value.detail


@pytest.mark.parametrize("status", [302, 400, 404, 410])
def test_says_what_a_service_answered_and_does_not_repeat(
    service: LoopbackServer, status: int
) -> None:
    headers = {"Location": "http://127.0.0.1:1/elsewhere"}
    service.faults.add(Fault("status", status=status, body="invalid_blocks", headers=headers))

    with pytest.raises(ActionError, match="did not take the message") as caught:
        deliver(a_delivery(service.url), ManualClock())

    assert f"HTTP {status}: invalid_blocks" in caught.value.detail
    assert len(service.exchanges) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset-before", times=None),
        Fault("status", status=404, times=None),
        Fault("status", status=500, times=None),
        Fault("status", status=429, times=None),
    ],
)
def test_no_error_tells_the_address(service: LoopbackServer, fault: Fault) -> None:
    service.faults.add(fault)

    with pytest.raises(ActionError) as caught:
        deliver(a_delivery(service.url), ManualClock())

    chain = [caught.value, caught.value.__cause__]
    assert not any("very-secret" in str(error) for error in chain)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "very-secret" not in repr(a_delivery(service.url))


def test_says_that_nobody_is_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"

    with pytest.raises(Unreachable, match="could not be reached") as caught:
        deliver(a_delivery(address), ManualClock())
    assert "very-secret" not in str(caught.value)
