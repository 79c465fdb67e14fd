"""The state behind the sandbox's GitHub: repositories, tokens, rate limits, and who listens."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from astrago_actions.clock import Clock
from astrago_actions.sandbox.github.errors import (
    CONTENT_TEXT,
    SECONDARY_DOCUMENTATION,
    Refusal,
)
from astrago_actions.sandbox.github.git_objects import (
    HEADS,
    Missing,
    Signature,
)
from astrago_actions.sandbox.github.git_store import (
    GitStore,
)
from astrago_actions.sandbox.github.pacing import Pace
from astrago_actions.sandbox.github.records import Allowance, Person, Token
from astrago_actions.sandbox.github.repository import Repository

HOUR = 3600.0
DEFAULT_LIMIT = 5000
FIRST_AUTHOR = Person("astrago", "astrago@example.com")

Listener = Callable[[str, str, str], None]


class Hub:
    """Everything that the REST, GraphQL and git sides share."""

    def __init__(self, folder: Path | None, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self._lock = threading.Lock()
        self._repositories: dict[str, Repository] = {}
        self._tokens: dict[str, Token] = {}
        self._allowances: dict[str, Allowance] = {}
        self._limits: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._listeners: list[Listener] = []
        self.pace: Pace | None = None

    def next_id(self) -> int:
        """A number that no other thing of this server has."""
        return next(self._numbers)

    def create_repository(
        self, full_name: str, files: Mapping[str, bytes], branch: str, *, private: bool
    ) -> Repository:
        """A repository with one commit; raises ValueError when the name is taken."""
        with self._lock:
            if full_name.lower() in self._repositories:
                raise ValueError(f"{full_name} exists already")
            folder = self.folder / f"{full_name}.git" if self.folder else None
            store = GitStore(folder, branch)
            now = self.clock.now()
            made = Repository(self.next_id(), full_name, store, private=private, created_at=now)
            author = Signature(FIRST_AUTHOR, int(now))
            tree = store.write_tree(None, made.entries(files))
            made.move(HEADS + branch, None, store.write_commit(tree, [], "Begin", author))
            self._repositories[full_name.lower()] = made
        return made

    def repository(self, full_name: str) -> Repository:
        """The repository of this name, whatever its case; raises Missing."""
        found = self._repositories.get(full_name.lower())
        if found is None:
            raise Missing(full_name)
        return found

    def repositories(self) -> list[Repository]:
        """All repositories, oldest first."""
        return list(self._repositories.values())

    def close(self) -> None:
        """Let go of open files."""
        for repository in self.repositories():
            repository.store.close()

    def add_token(self, token: Token) -> None:
        """Let this token be used, in place of one with the same value."""
        lowered = {name.lower(): granted for name, granted in token.permissions.items()}
        self._tokens[token.value] = Token(
            token.value,
            token.login,
            token.kind,
            lowered,
            token.sso_required,
            token.scopes,
            token.expires_at,
        )

    def token(self, value: str) -> Token | None:
        """The token with this value, if it is known and not expired."""
        found = self._tokens.get(value)
        if found and found.expires_at is not None and found.expires_at <= self.clock.now():
            return None
        return found

    def set_allowance(self, value: str, allowance: Allowance) -> None:
        """Set what a token (empty: nobody) may still send until its hour is over."""
        with self._lock:
            self._allowances[value] = allowance
            self._limits[value] = allowance.limit

    def spend(self, value: str, cost: int = 1) -> Allowance:
        """Count a request of a token; `remaining` is -1 when it must be refused."""
        now = self.clock.now()
        with self._lock:
            before = self._allowances.get(value)
            if before is None or before.reset_at <= now:
                limit = self._limits.get(value, DEFAULT_LIMIT)
                before = Allowance(limit, limit, now + HOUR)
            after = Allowance(before.limit, max(before.remaining - cost, -1), before.reset_at)
            self._allowances[value] = after
        return after

    def must_not_hurry(self, token: Token | None) -> None:
        """Count a write of an account; raises Refusal when it comes too soon after others."""
        if self.pace is None:
            return
        early = self.pace.write(token.login if token else "", self.clock.now())
        if early:
            headers = {"Retry-After": str(early)} if self.pace.says_how_long else {}
            raise Refusal(403, CONTENT_TEXT, SECONDARY_DOCUMENTATION, headers=headers)

    def subscribe(self, listener: Listener) -> None:
        """Call `listener(full_name, branch, sha)` after each branch update."""
        self._listeners.append(listener)

    def announce(self) -> None:
        """Tell listeners of the branches that moved; called without any lock held."""
        for repository in self.repositories():
            while repository.moved:
                try:
                    branch, sha = repository.moved.popleft()
                except IndexError:
                    break
                for listener in list(self._listeners):
                    listener(repository.full_name, branch, sha)
