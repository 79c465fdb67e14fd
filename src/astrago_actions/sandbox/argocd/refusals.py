"""How Argo CD says no."""

from __future__ import annotations

from http import HTTPStatus

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


def answered(status: int, value: object) -> Response:
    """A JSON answer with the bare content type that the gateway gives."""
    return json_response(status, value, {"Content-Type": "application/json"})


def refused(refusal: Refusal, *, modern: bool, stream: bool = False) -> Response:
    """The answer; `modern` is the shape of the newer gateway, without the key `error`.

    Calls whose answer is a stream put the same into an object of its own.
    """
    status = _HTTP_OF_CODE[refusal.code]
    body: dict[str, object] = {"code": refusal.code, "message": refusal.message}
    if stream:
        codes = {"grpc_code": refusal.code, "http_code": status}
        said = {"message": refusal.message, "http_status": HTTPStatus(status).phrase}
        body = {"error": body if modern else {**codes, **said}}
    elif not modern:
        body = {"error": refusal.message, **body}
    return answered(status, body)
