"""Logging in: by password, by a job's identity, and what a request's token is worth."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs

from astrago_actions.sandbox.argocd.access import Access, Account
from astrago_actions.sandbox.argocd.refusals import UNAUTHENTICATED, Refusal, answered
from astrago_actions.sandbox.server import Request, Response

_DEX_CLIENT = "Basic " + base64.b64encode(b"argo-cd-cli:").decode()


def log_in(access: Access, request: Request) -> Response:
    """`POST /api/v1/session`."""
    given = request.json()
    token = access.log_in(given.get("username", ""), given.get("password", ""))
    if token is None:
        raise Refusal(UNAUTHENTICATED, "Invalid username or password")
    return answered(200, {"token": token})


def who_is_it(access: Access, request: Request) -> dict[str, object]:
    """`GET /api/v1/session/userinfo`; nobody is no error."""
    ticket = access.ticket(request.headers)
    if ticket is None:
        return {}
    return {"loggedIn": True, "username": ticket.account.name, "iss": "argocd"}


def exchange(access: Access, request: Request) -> Response:
    """`POST /api/dex/token`: Dex's answers, which have a shape of their own."""
    form = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
    if request.headers.get("authorization") != _DEX_CLIENT:
        return answered(401, {"error": "invalid_client"})
    token = access.exchange(form.get("connector_id", ""), form.get("subject_token", ""))
    if token is None:
        description = {"error": "access_denied", "error_description": "Invalid subject token"}
        return answered(401, description)
    return answered(200, {"access_token": token, "token_type": "bearer"})


def account_of(access: Access, request: Request) -> Account:
    """Who sends this; what does not even look like a token is as good as none."""
    ticket = access.ticket(request.headers)
    if ticket is not None:
        return ticket.account
    given = request.headers.get("authorization", "")
    if given.removeprefix("Bearer ").strip() in access.tickets:
        said = "invalid session: token has invalid claims: token is expired"
        raise Refusal(UNAUTHENTICATED, said)
    if given.count(".") == 2:
        said = "invalid session: token is malformed: could not base64 decode header"
        raise Refusal(UNAUTHENTICATED, said)
    raise Refusal(UNAUTHENTICATED, "no session information")
