"""What is asked of a registry: does it take the token, and may it push there?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from astrago_actions.actions.preflight_inputs import Inputs, RegistryInputs
from astrago_actions.actions.push_inputs import FINE_GRAINED, GHCR
from astrago_actions.actions.questions import Fact, Question, Unanswerable
from astrago_actions.clients.registry import RegistryClient, refused_fine_grained
from astrago_actions.context import Context
from astrago_actions.domain.readiness import Answer, failed, ok, skipped, warned

_NEEDS_SIGN_IN = "the registry does not take the credentials"


def registry_questions(inputs: Inputs, context: Context) -> Iterator[Question]:
    """The rows about the registry, and about the fallback where one is given."""
    if not inputs.registries:
        remedy = "Give `image` (and `components`) as in the pipeline."
        yield Question("registry", "push", lambda: skipped("not asked", remedy))
    for given in inputs.registries:
        signed_in = Fact(partial(_signed_in, given, context))
        yield Question(given.area, "token", partial(_kind, given))
        yield Question(given.area, "sign-in", partial(_sign_in, given, signed_in))
        for repository in given.repositories:
            ask = partial(_push, given, signed_in, repository)
            yield Question(given.area, f"push {repository}", ask)


def _kind(given: RegistryInputs) -> Answer:
    """Whether there is a token, of a kind that the registry takes; nothing is sent for this."""
    if given.credentials is None:
        if given.is_open:
            return ok(f"none; {given.host} is on this machine")
        return failed(
            f"`{given.token_input}` is empty, and there is no earlier `docker login`",
            "Set the secret in this repository (Settings > Secrets and variables > Actions), or "
            "use the job's own token with `permissions: packages: write`.",
        )
    if _is_refused_kind(given):
        raise refused_fine_grained(given.host)
    return ok(f"for {given.host}, as {given.credentials.username}")


def _is_refused_kind(given: RegistryInputs) -> bool:
    token = given.credentials.password.reveal() if given.credentials else ""
    return given.host == GHCR and token.startswith(FINE_GRAINED)


def _signed_in(given: RegistryInputs, context: Context) -> RegistryClient:
    if _is_refused_kind(given) or (given.credentials is None and not given.is_open):
        raise Unanswerable("it needs another token")
    registry = RegistryClient(
        given.host,
        given.credentials,
        clock=context.clock,
        retries=1,
        source=context.run.repository,
    )
    registry.sign_in()
    return registry


def _sign_in(given: RegistryInputs, signed_in: Fact[RegistryClient]) -> Answer:
    signed_in()
    return ok(f"{given.host} takes the credentials" if given.credentials else "open to all")


def _push(given: RegistryInputs, signed_in: Fact[RegistryClient], repository: str) -> Answer:
    permission = signed_in.needed(_NEEDS_SIGN_IN).push_permission(repository)
    if permission.refusal:
        raise permission.refusal
    if permission.verdict == "unknown":
        return warned(permission.note, "The first push will tell whether it is allowed.")
    return ok(f"{given.host}/{repository} may be pushed to")
