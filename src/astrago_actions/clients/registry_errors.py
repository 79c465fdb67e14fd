"""Registries' refusals in the reader's own words: which permission is missing and where to give it.

The texts recognised here are those that GHCR, Docker Hub, Docker's own registry and the `docker`
command print; `docker push` prints the registry's text after the code, so one table serves both.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import requests

from astrago_actions.errors import (
    AccessDenied,
    ActionError,
    NotFound,
    RateLimited,
    Unreachable,
)

PERMISSIONS_GUIDE = (
    "https://docs.github.com/packages/learn-github-packages/"
    "configuring-a-packages-access-control-and-visibility"
)
TOKEN_GUIDE = (
    "https://docs.github.com/packages/working-with-a-github-packages-registry/"
    "working-with-the-container-registry"
)


@dataclass(frozen=True)
class Advice:
    """What a refusal means, and the next step."""

    cause: str
    remedy: str
    link: str | None = None


@dataclass(frozen=True)
class Asked:
    """What was wanted: `doing` completes "could not …", `image` names registry and repository.

    `source` is the repository whose workflow runs, as `owner/name`, or empty.
    """

    doing: str
    image: str
    source: str = ""


_WRITE_PACKAGE = Advice(
    "The package exists and {source} has no write access to it. Packages that were first pushed "
    "by hand or by another repository belong to nobody else until they are shared.",
    "Open the package's page on GitHub, then Package settings > Manage Actions access > Add "
    "repository {source} with the role Write. With a personal token, its owner needs that role.",
    PERMISSIONS_GUIDE,
)
_NO_CREATE = Advice(
    "The job's token lacks `packages: write`, or the organization does not let workflows create "
    "packages.",
    "Give the job `permissions: packages: write` (a block at the job replaces the workflow's). If "
    "it has that, an owner allows package creation in the organization's settings under Packages.",
    TOKEN_GUIDE,
)
_NO_INSTALLATION = Advice(
    "The owner in the image's name is not the owner of {source}, whose token was used.",
    "Push below {source}'s own owner, or use a classic personal token of the other owner.",
    TOKEN_GUIDE,
)
_SCOPES = Advice(
    "The token lacks the scope `write:packages`, or it is a fine-grained token, which GHCR does "
    "not accept.",
    "Use the job's own GITHUB_TOKEN with `permissions: packages: write`, or a classic personal "
    "token with the scope write:packages.",
    TOKEN_GUIDE,
)
_READ_PACKAGE = Advice(
    "The package is private and {source} has no access to it.",
    "Open the package's page on GitHub, then Package settings > Manage Actions access > Add "
    "repository {source} with the role Write.",
    PERMISSIONS_GUIDE,
)
_SSO = Advice(
    "The organization demands single sign-on and the token is not authorised for it.",
    "Authorise the token: GitHub settings > Developer settings > Personal access tokens > "
    "Configure SSO.",
)
_CERTIFICATE = Advice(
    "The registry's certificate is not signed by an authority that this machine trusts.",
    "Give the authority's certificate to the Docker engine (/etc/docker/certs.d/<registry>/ca.crt) "
    "and to this action (the variable REQUESTS_CA_BUNDLE).",
)
_PLAIN_HTTP = Advice(
    "The registry speaks plain HTTP and is not on this machine.",
    "Serve it over TLS, or list it under `insecure-registries` of this action and of the engine's "
    "/etc/docker/daemon.json.",
)
_DISK_FULL = Advice(
    "The machine's or the registry's disk is full.",
    "Free space (`docker system prune`), or use a larger runner.",
)
_NO_ENGINE = Advice(
    "The Docker engine does not answer.",
    "Run on a runner with Docker, or build with another tool and name its OCI archive in "
    "`archive`.",
)
_UNAUTHORISED = Advice(
    "The token is expired or wrong, belongs to another user, or is not authorised for the "
    "organization's single sign-on.",
    "Renew the token, and check that `username` is its owner and `registry` the right one.",
)

_ADVICE: tuple[tuple[re.Pattern[str], Advice], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (r"write_package", _WRITE_PACKAGE),
        (r"not allowed to (create|write) organization package", _NO_CREATE),
        (r"requested installation does not exist", _NO_INSTALLATION),
        (r"does not match expected scopes", _SCOPES),
        (r"read_package", _READ_PACKAGE),
        (r"SAML", _SSO),
        (r"x509|certificate.verify.failed|unknown authority", _CERTIFICATE),
        (r"server gave HTTP response to HTTPS client", _PLAIN_HTTP),
        (r"no space left on device", _DISK_FULL),
        (
            r"cannot connect to the docker daemon|is the docker daemon running"
            r"|permission denied while trying to connect",
            _NO_ENGINE,
        ),
        (r"unauthorized|authentication required|access .* denied|\bdenied\b", _UNAUTHORISED),
    )
)

# Each was met in practice and went away by itself; what the registry already has is not sent again.
_TRANSIENT = re.compile(
    r"unknown blob|blob unknown|blob upload (unknown|invalid)|BLOB_UPLOAD_(UNKNOWN|INVALID)"
    r"|cannot reuse body|toomanyrequests|too many requests|rate limit"
    r"|unexpected (http )?status:? (from .* )?(408|429|5\d\d)|received unexpected HTTP status: 5"
    r"|\b5\d\d (internal server error|bad gateway|service unavailable|gateway timeout)"
    r"|connection reset|connection refused|broken pipe|unexpected EOF|: EOF\b|i/o timeout"
    r"|tls handshake timeout|context deadline exceeded|client\.timeout|no such host"
    r"|temporary failure in name resolution|server misbehaving|use of closed network connection",
    re.IGNORECASE,
)
_RATE = re.compile(r"toomanyrequests|too many requests|rate limit|\b429\b", re.IGNORECASE)
_TRANSIENT_STATUSES = {408, 425, 429}


def text_of(response: requests.Response) -> str:
    """The registry's own words: the errors' codes and messages, or the plain text."""
    try:
        errors = json.loads(response.content)["errors"]
        parts = (f"{each.get('code', '')}: {each.get('message', '')}" for each in errors)
        return "; ".join(part.strip(": ") for part in parts)
    except (ValueError, KeyError, TypeError, AttributeError):
        return response.text.strip()[:300]


def explain_answer(response: requests.Response, asked: Asked) -> ActionError:
    """The error for an answer that is not the hoped-for one."""
    status, text = response.status_code, text_of(response)
    said = f"{asked.image} answered {status}: {text or 'without a text'}"
    if status in _TRANSIENT_STATUSES or status >= 500 or _TRANSIENT.search(text):
        return _transient(said, asked, _retry_after(response), rate_limited=status == 429)
    if status in {401, 403}:
        return denied(text or "unauthorized", said, asked)
    if status == 404:
        return NotFound(
            f"Could not {asked.doing}",
            said,
            "Check the name. A registry also says so to a token that may not read the repository.",
        )
    return ActionError(
        f"Could not {asked.doing}",
        said,
        "The registry refuses the request itself, so repeating it does not help; its text above "
        "says why.",
    )


def explain_text(text: str, asked: Asked) -> ActionError:
    """The error for what the `docker` command printed; the last line that says something counts."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = f"{asked.image}: {lines[-1] if lines else 'the command said nothing'}"
    final = advice_for(text)
    if final is None and _TRANSIENT.search(text):
        return _transient(said, asked, None, rate_limited=bool(_RATE.search(text)))
    if final is not None:
        return denied(text, said, asked)
    return ActionError(
        f"Could not {asked.doing}", said, "Read the command's own lines above for the cause."
    )


def explain_failure(error: requests.RequestException, asked: Asked) -> ActionError:
    """The error for a request without an answer."""
    text = str(error)
    reason = text.rpartition(": ")[2].strip("'\")> ") or type(error).__name__
    said = f"{asked.image}: no answer ({reason[:100]})"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return denied(text, said, asked)
    return _transient(said, asked, None, rate_limited=False)


def denied(text: str, said: str, asked: Asked) -> AccessDenied:
    """A refusal that stays one until somebody changes a setting."""
    advice = advice_for(text) or _UNAUTHORISED
    source = asked.source or "the repository whose token is used"
    return AccessDenied(
        f"Could not {asked.doing}",
        f"{said}\n{advice.cause.format(source=source)}",
        advice.remedy.format(source=source),
        link=advice.link,
    )


def advice_for(text: str) -> Advice | None:
    """The advice for the first known phrase in the text."""
    for pattern, advice in _ADVICE:
        if pattern.search(text):
            return advice
    return None


def _transient(
    said: str, asked: Asked, retry_after: float | None, *, rate_limited: bool
) -> ActionError:
    kind = RateLimited if rate_limited else Unreachable
    error = kind(
        f"Could not {asked.doing}",
        said,
        "This usually passes. It was tried again as often as `retries` says; run the job again, or "
        "give a `fallback-registry`.",
    )
    if isinstance(error, RateLimited):
        error.retry_after = retry_after
    return error


def _retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else None
