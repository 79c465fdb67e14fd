"""Sending a message to a service that may be busy, without ever naming its address.

The addresses of webhooks are secrets, and the exceptions of requests carry them; what leaves this
module names the service only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import requests
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from astrago_actions import __version__
from astrago_actions.clock import Clock
from astrago_actions.errors import AccessDenied, ActionError, RateLimited, Unreachable

TIMEOUT_SECONDS = 10
ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 30

_backoff = wait_exponential_jitter(initial=1, max=8, jitter=1)


@dataclass(frozen=True)
class Delivery:
    """One message: to whom, by which method, and whether a lost answer may be sent again.

    `service` is the name that people know; `idempotent` messages do no harm when they arrive twice.
    """

    service: str
    method: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    idempotent: bool = True


class _NeverSent(Unreachable):
    """No connection came about, so sending again is safe for any message."""


class _ServerFault(Unreachable):
    """The service answered that it failed itself."""


def deliver(delivery: Delivery, clock: Clock) -> str:
    """Send and return the answer's text; busy services are asked again, after Retry-After.

    Raises RateLimited, AccessDenied, Unreachable or ActionError, none of which holds the address.
    """
    again: tuple[type[ActionError], ...] = (RateLimited, _NeverSent, _ServerFault)
    retrying = Retrying(
        sleep=clock.sleep,
        stop=_give_up,
        wait=_wait,
        retry=retry_if_exception_type((*again, Unreachable) if delivery.idempotent else again),
        reraise=True,
    )
    return retrying(_send_once, delivery)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, RateLimited) else None
    return _backoff(state) if asked is None else asked


def _give_up(state: RetryCallState) -> bool:
    return stop_after_attempt(ATTEMPTS)(state) or state.upcoming_sleep > LONGEST_WAIT_SECONDS


def _send_once(delivery: Delivery) -> str:
    try:
        response = requests.request(
            delivery.method,
            delivery.url,
            data=delivery.body,
            headers={"User-Agent": f"astrago-actions/{__version__}", **delivery.headers},
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        )
    except requests.exceptions.SSLError:
        raise _certificate_problem(delivery) from None
    except requests.ConnectTimeout:
        raise _NeverSent(*_no_answer(delivery, "no connection in time")) from None
    except requests.RequestException as error:
        raise Unreachable(*_no_answer(delivery, type(error).__name__)) from None
    return _checked(delivery, response)


def _checked(delivery: Delivery, response: requests.Response) -> str:
    status = response.status_code
    if status == 429 or (status == 503 and "Retry-After" in response.headers):
        raise _busy(delivery, response)
    if status >= 500:
        raise _ServerFault(*_no_answer(delivery, f"HTTP {status}"))
    if status in (401, 403):
        raise AccessDenied(
            f"{delivery.service} refused the message",
            f"It answered HTTP {status}: {_excerpt(response.text)}",
            "Check the credentials and the address that it was given.",
        )
    if status >= 300:
        raise ActionError(
            f"{delivery.service} did not take the message",
            f"It answered HTTP {status}: {_excerpt(response.text)}",
            "Check the address that it was given.",
        )
    return response.text


def _busy(delivery: Delivery, response: requests.Response) -> RateLimited:
    asked = response.headers.get("Retry-After", "")
    error = RateLimited(
        f"{delivery.service} asks to be sent less",
        f"It answered HTTP {response.status_code}"
        + (f" and asks to wait {asked} s." if asked.isdigit() else "."),
        "Send fewer messages, or later.",
    )
    error.retry_after = float(asked) if asked.isdigit() else None
    return error


def _no_answer(delivery: Delivery, reason: str) -> tuple[str, str, str]:
    return (
        f"{delivery.service} could not be reached",
        f"There was no usable answer ({reason}).",
        "Check the address, the runner's proxy (HTTPS_PROXY, NO_PROXY) and the service itself.",
    )


def _certificate_problem(delivery: Delivery) -> ActionError:
    return ActionError(
        f"{delivery.service} shows a certificate that is not trusted here",
        "The TLS connection was refused.",
        "Put the authority's certificate on the runner and name it in REQUESTS_CA_BUNDLE.",
    )


def _excerpt(text: str) -> str:
    return " ".join(text.split())[:200] or "(no text)"
