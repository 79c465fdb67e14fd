"""How revisions of the deployment repository stand to our commit, as GitHub tells it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from threading import Lock, Thread

from astrago_actions.domain.rollout.values import Relation
from astrago_actions.errors import AccessDenied, ActionError, NotFound
from astrago_actions.inputs import Secret

_RELATIONS: dict[str, Relation] = {
    "identical": "same",
    "ahead": "newer",
    "behind": "older",
    "diverged": "diverged",
}
_ATTEMPTS = 3
_PATIENCE_SECONDS = 3.0

Compare = Callable[[str, str], str]
"""`compare(base, head)` -> identical, ahead, behind or diverged; raises ActionError."""


class Ancestry:
    """Answers, each asked for once, how a revision stands to ours.

    `problem` says why it could not be told, where that happened.
    """

    def __init__(self, compare: Compare, ours: str) -> None:
        self._compare = compare
        self._ours = ours
        self._known: dict[str, Relation] = {}
        self._failures: dict[str, int] = {}
        self._pending: dict[str, Future[Relation]] = {}
        self._lock = Lock()
        self.problem = ""

    def relation(self, revision: str) -> Relation:
        """How `revision`, a commit or a branch, stands to our commit.

        An answer that takes long is `unknown` for now and known the next time.
        """
        if revision == self._ours:
            return "same"
        if revision in self._known:
            return self._known[revision]
        if not self._ours or self._failures.get(revision, 0) >= _ATTEMPTS:
            return "unknown"
        return self._asked(revision)

    def _asked(self, revision: str) -> Relation:
        with self._lock:
            pending = self._pending.get(revision)
            if pending is None:
                pending = self._pending[revision] = Future()
                Thread(target=self._answer, args=(revision, pending), daemon=True).start()
        try:
            found = pending.result(_PATIENCE_SECONDS)
        except futures.TimeoutError:
            return "unknown"
        with self._lock:
            self._pending.pop(revision, None)
        return found

    def _answer(self, revision: str, pending: Future[Relation]) -> None:
        found = self._ask(revision)
        if found != "unknown" and (_is_commit(revision) or found in {"same", "newer"}):
            self._known[revision] = found
        pending.set_result(found)

    def _ask(self, revision: str) -> Relation:
        try:
            return _RELATIONS.get(self._compare(self._ours, revision), "unknown")
        except (NotFound, AccessDenied) as error:
            self._failures[revision] = _ATTEMPTS
            self.problem = f"{error.title}: {error.detail}"
        except ActionError as error:
            self._failures[revision] = self._failures.get(revision, 0) + 1
            self.problem = f"{error.title}: {error.detail}"
        return "unknown"


def github_compare(token: Secret | None, api_url: str, repository: str) -> Compare:
    """A comparison through GitHub's API; connects when it is first needed."""

    def compare(base: str, head: str) -> str:
        from astrago_actions.clients import github

        return github.relation(github.connect(token, api_url), repository, base, head)

    return compare


def _is_commit(revision: str) -> bool:
    return len(revision) in {40, 64} and all(each in "0123456789abcdef" for each in revision)
