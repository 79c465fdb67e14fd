"""What `docker push` prints when it fails, and whether trying again is worth it."""

from __future__ import annotations

import pytest

from astrago_actions.clients.registry_errors import Asked, explain_text
from astrago_actions.errors import AccessDenied, ActionError, RateLimited, Unreachable

ASKED = Asked("push ghcr.io/xiilab/core:1", "ghcr.io/xiilab/core", "xiilab/astrago-backend")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("denied: permission_denied: write_package", AccessDenied),
        ("denied: installation not allowed to Create organization package", AccessDenied),
        ("unauthorized: authentication required", AccessDenied),
        ("denied: requested access to the resource is denied", AccessDenied),
        ("Get https://h/v2/: x509: certificate signed by unknown authority", AccessDenied),
        ("http: server gave HTTP response to HTTPS client", AccessDenied),
        ("unknown blob", Unreachable),
        ("blob upload unknown to registry", Unreachable),
        ("received unexpected HTTP status: 503 Service Unavailable", Unreachable),
        ("unexpected status from PUT request to https://ghcr.io/v2/: 502 Bad Gateway", Unreachable),
        ("Patch https://ghcr.io/v2/: read: connection reset by peer", Unreachable),
        ("write: broken pipe", Unreachable),
        ("Head https://h/v2/: EOF", Unreachable),
        ("net/http: TLS handshake timeout", Unreachable),
        ("dial tcp: lookup ghcr.io: no such host", Unreachable),
        ("context deadline exceeded", Unreachable),
        ("cannot reuse body, request must be retried", Unreachable),
        ("toomanyrequests: retry-after: 1ms, allowed: 44000/minute", RateLimited),
        ("unexpected status code 429 Too Many Requests", RateLimited),
        ("manifest invalid: something", ActionError),
        ("", ActionError),
    ],
)
def test_what_may_pass_is_told_from_what_stays(text: str, kind: type[ActionError]) -> None:
    error = explain_text(f"The push refers to repository [ghcr.io/xiilab/core]\n{text}\n", ASKED)

    assert type(error) is kind
    assert text in error.detail


def test_the_repository_that_lacks_access_is_named() -> None:
    error = explain_text("denied: permission_denied: write_package", ASKED)

    assert "xiilab/astrago-backend has no write access" in error.detail
    assert "Add repository xiilab/astrago-backend with the role Write" in error.remedy
