"""How Argo CD says no."""

from __future__ import annotations

from astrago_actions.sandbox.server import Response, json_response

NOT_FOUND, PERMISSION_DENIED, UNAUTHENTICATED = 5, 7, 16
INVALID_ARGUMENT, FAILED_PRECONDITION, INTERNAL = 3, 9, 13
_HTTP_OF_CODE = {
    INVALID_ARGUMENT: 400,
    NOT_FOUND: 404,
    PERMISSION_DENIED: 403,
    FAILED_PRECONDITION: 400,
    INTERNAL: 500,
    UNAUTHENTICATED: 401,
}


class Refusal(Exception):
    """An error answer: a gRPC code and a message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def refused(refusal: Refusal, *, modern: bool) -> Response:
    """The answer; `modern` is the shape of the newer gateway, without the key `error`."""
    body: dict[str, object] = {"code": refusal.code, "message": refusal.message}
    if not modern:
        body = {"error": refusal.message, **body}
    return json_response(_HTTP_OF_CODE[refusal.code], body)
