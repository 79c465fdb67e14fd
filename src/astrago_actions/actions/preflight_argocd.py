"""What is asked of Argo CD: would the wait see our change go live?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from astrago_actions.actions.argocd_wait_inputs import Inputs as WaitInputs
from astrago_actions.actions.argocd_wait_start import (
    PASSING,
    Start,
    check_logged_in,
    deployment_repository,
    patiently,
    place_of,
    refusal,
    select,
)
from astrago_actions.actions.preflight_inputs import Inputs
from astrago_actions.actions.questions import Fact, Question, answer_to
from astrago_actions.clients.argocd import Place
from astrago_actions.clients.argocd_connection import ArgoCDError
from astrago_actions.clients.argocd_inquiry import in_thread
from astrago_actions.context import Context
from astrago_actions.domain.readiness import (
    Answer,
    combined,
    failed,
    ok,
    skipped,
    validity,
    warned,
)
from astrago_actions.domain.rollout.application import Application, Session
from astrago_actions.domain.rollout.readiness import logs, subject, syncs, will_deploy
from astrago_actions.domain.rollout.values import Target
from astrago_actions.errors import ActionError, Unreachable

Found = TypeVar("Found")

_AREA = "argo cd"
_RENEW = "Make a new token (`argocd account generate-token`) and store it again in the secret."


def argocd_questions(inputs: Inputs, context: Context) -> Iterator[Question]:
    """The rows about Argo CD; several applications share theirs."""
    given = inputs.argocd
    if given is None:
        remedy = "Give `argocd-server`, `argocd-token` and `application` as in the pipeline."
        yield Question(_AREA, "server", lambda: skipped("not asked", remedy))
        return
    if given.wait is None:
        told = f"`argocd-token` is empty, so nothing can be asked of {given.server}"
        remedy = "Set the secret in this repository, or give `argocd-username` and its password."
        yield Question(_AREA, "token", lambda: failed(told, remedy))
        return
    asked = _ArgoCD(given.wait, context)
    yield Question(_AREA, "server", asked.reachable)
    yield Question(_AREA, "token", asked.validity)
    yield Question(_AREA, "application", asked.follow_us)
    yield Question(_AREA, "sync", partial(asked.of_each, asked.syncs))
    yield Question(_AREA, "logs", partial(asked.of_each, asked.logs), vital=False)


@dataclass(frozen=True)
class _Seen:
    """One application, looked at when the first question about it is asked."""

    place: Place
    look: Fact[Application]

    def application(self) -> Application:
        """The application, for a question that is not whether it can be seen."""
        return self.look.needed(f"{self.place.name} cannot be seen")


class _ArgoCD:
    """The questions, and the facts that they share; nothing is sent before one is asked."""

    def __init__(self, given: WaitInputs, context: Context) -> None:
        self._given = given
        self._start = Start(given, context, in_thread)
        self._version = Fact(partial(self._answered, self._start.server.version))
        self._session = Fact(self._log_in)
        self._applications = Fact(self._find)

    def reachable(self) -> Answer:
        """Whether an Argo CD answers at this address."""
        told = f"Argo CD {self._version()} at {self._given.server}"
        if self._given.insecure:
            return warned(f"{told}; its certificate is not checked", "Give `argocd-ca-cert`.")
        return ok(told)

    def validity(self) -> Answer:
        """Whether it takes the credentials, and until when."""
        session = self._session()
        told = f"logged in as {session.username or 'nobody by name'}"
        if self._start.server.renewable:
            return ok(f"{told}; renewed by itself")
        return validity(told, session.seconds_left, _RENEW)

    def follow_us(self) -> Answer:
        """Whether the applications are there and follow the deployment repository's branch."""
        self._session.needed("Argo CD does not take the credentials")
        found = self._applications()
        return combined(answer_to(partial(self._follows_us, seen)) for seen in found)

    def of_each(self, ask: Callable[[_Seen], Answer]) -> Answer:
        """One answer about all applications, for a question that is not whether they are there."""
        self._session.needed("Argo CD does not take the credentials")
        found = self._applications.needed("no application is found")
        return combined(answer_to(partial(ask, seen)) for seen in found)

    def syncs(self, seen: _Seen) -> Answer:
        """Whether auto-sync is on, or the wait may sync."""
        application = seen.application()
        target = self._target(seen, application)
        asks = not application.automated and target.sync == "if-needed"
        may = self._may("applications", "sync", target, application) if asks else None
        return syncs(target, application, may_sync=may)

    def logs(self, seen: _Seen) -> Answer:
        """Whether the pods' logs may be read."""
        application = seen.application()
        target = self._target(seen, application)
        may = self._may("logs", "get", target, application)
        return logs(target, application, may_read=may)

    def _follows_us(self, seen: _Seen) -> Answer:
        application = seen.look()
        return will_deploy(self._target(seen, application), application)

    def _log_in(self) -> Session:
        self._version.needed("Argo CD cannot be reached")
        session = self._answered(self._start.server.session)
        check_logged_in(self._start, session)
        return session

    def _find(self) -> list[_Seen]:
        names = self._given.applications or select(self._start)
        places = [place_of(self._given, name) for name in names]
        return [_Seen(place, Fact(partial(self._look, place))) for place in places]

    def _look(self, place: Place) -> Application:
        return self._answered(lambda: self._start.server.application(place))

    def _may(
        self, resource: str, action: str, target: Target, application: Application
    ) -> bool | None:
        """Whether we have a right; None where the server does not tell."""
        try:
            return self._start.server.may(resource, action, subject(target, application))
        except ArgoCDError:
            return None

    def _target(self, seen: _Seen, application: Application) -> Target:
        within = f"{seen.place.namespace}/" if seen.place.namespace else ""
        return Target(
            application=f"{within}{seen.place.name}",
            revision=self._given.revision,
            repository=deployment_repository(self._start, application),
            branch=self._given.branch,
            sync=self._given.sync,
        )

    def _answered(self, ask: Callable[[], Found]) -> Found:
        try:
            return patiently(self._start, ask)
        except ArgoCDError as error:
            raise self._explained(error) from error

    def _explained(self, error: ArgoCDError) -> ActionError:
        trouble = error.trouble
        if trouble.kind in PASSING - {"no-contact"}:
            return Unreachable(
                "Argo CD gives no usable answer",
                f"{self._given.server}: {trouble.message}",
                "Run it again; if it stays so, look at the server's health and its ingress.",
            )
        return refusal(self._start, trouble)
