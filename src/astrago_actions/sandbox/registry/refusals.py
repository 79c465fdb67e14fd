"""The registry's refusals: the error codes of the distribution specification as JSON bodies."""

from __future__ import annotations

from collections.abc import Mapping

from astrago_actions.sandbox.server import Response, json_response


class Refusal(Exception):
    """A request that is not fulfilled; becomes an answer with one error in it."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self._status = status
        self._headers = headers or {}
        self._error = {"code": code, "message": message}

    def response(self) -> Response:
        """Source: OCI distribution specification, "Error Codes"."""
        return json_response(self._status, {"errors": [self._error]}, self._headers)


def blob_unknown() -> Refusal:
    """The repository does not hold the blob."""
    return Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")


def upload_unknown() -> Refusal:
    """No such upload, or it is over."""
    return Refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")


def upload_invalid() -> Refusal:
    """The request is not about the upload as it stands."""
    return Refusal(404, "BLOB_UPLOAD_INVALID", "blob upload invalid")


def manifest_unknown() -> Refusal:
    """The repository holds nothing under this tag or digest."""
    return Refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")


def manifest_invalid(why: str) -> Refusal:
    """The manifest cannot be read, or contradicts itself."""
    return Refusal(400, "MANIFEST_INVALID", f"manifest invalid: {why}")


def digest_invalid() -> Refusal:
    """The content is not what its digest says."""
    return Refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")


def name_unknown(repository: str) -> Refusal:
    """Nothing was ever pushed to this repository."""
    return Refusal(404, "NAME_UNKNOWN", f"repository name not known to registry: {repository}")


def unsupported(headers: Mapping[str, str] | None = None) -> Refusal:
    """GHCR answers so where other registries delete things."""
    return Refusal(405, "UNSUPPORTED", "The operation is unsupported.", headers)
