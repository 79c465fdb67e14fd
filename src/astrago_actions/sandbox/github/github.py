"""`GitHub`: the application that a `LoopbackServer` serves, and its hands for tests and demo."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from astrago_actions.clock import Clock, SystemClock
from astrago_actions.sandbox.github import git_http
from astrago_actions.sandbox.github.front import Front
from astrago_actions.sandbox.github.git_objects import (
    HEADS,
    Entry,
    Missing,
    Signature,
)
from astrago_actions.sandbox.github.hub import FIRST_AUTHOR, HOUR, Hub
from astrago_actions.sandbox.github.pacing import Pace
from astrago_actions.sandbox.github.records import (
    Allowance,
    Deployment,
    Job,
    Level,
    Person,
    Protection,
    PullRequest,
    Rule,
    Run,
    Step,
    Token,
    TokenKind,
)
from astrago_actions.sandbox.github.repository import Repository
from astrago_actions.sandbox.server import Request, Response

Found = TypeVar("Found")


class GitHub:
    """GitHub with its repositories in memory, or in `folder/<owner>/<name>.git`.

    Everything below `create_repository` and `add_token` happens without tokens: it is what a
    person with all rights does outside the workflow. Unknown names raise KeyError.
    """

    def __init__(self, folder: Path | None = None, clock: Clock | None = None) -> None:
        self.url = ""
        self._clock = clock or SystemClock()
        self._hub = Hub(folder, self._clock)
        self._front = Front(self._hub)

    def respond(self, request: Request) -> Response:
        """The answer to one request; addresses in it carry the host that was asked."""
        host = request.headers.get("host")
        if git_http.matches(request.path):
            response = git_http.respond(self._hub, request)
            self._hub.announce()
            return response
        return self._front.respond(request, f"http://{host}" if host else self.url)

    def close(self) -> None:
        """Let go of open files."""
        self._hub.close()

    def create_repository(
        self,
        full_name: str,
        files: Mapping[str, bytes],
        branch: str = "main",
        *,
        private: bool = True,
        archived: bool = False,
    ) -> str:
        """Make a repository with one commit of these files and return that commit's SHA."""
        made = self._hub.create_repository(full_name, files, branch, private=private)
        made.archived = archived
        self._hub.announce()
        return made.store.resolve("HEAD")

    def archive(self, full_name: str) -> None:
        """Make a repository read-only."""
        self._repository(full_name).archived = True

    def commit(
        self,
        full_name: str,
        branch: str,
        files: Mapping[str, bytes | None],
        message: str,
        author: Person = FIRST_AUTHOR,
    ) -> str:
        """Commit files (None removes one) on a branch, whatever its head; return the SHA."""
        repository = self._repository(full_name)
        with repository.store.lock:
            head = repository.head(branch)
            if head is None:
                raise KeyError(f"{full_name} has no branch {branch}")
            written = {path: content for path, content in files.items() if content is not None}
            changes: dict[str, Entry | None] = dict.fromkeys(files.keys() - written.keys())
            changes |= repository.entries(written)
            who = Signature(author, int(self._clock.now()))
            made = repository.commit(branch, head, changes, message, who)
        self._hub.announce()
        return made.sha

    def create_branch(self, full_name: str, branch: str, start: str | None = None) -> str:
        """Make a branch at `start` (a revision; default: the default branch); return its head."""
        repository = self._repository(full_name)
        with repository.store.lock:
            sha = repository.store.resolve(start or repository.default_branch)
            repository.move(HEADS + branch, None, sha)
        self._hub.announce()
        return sha

    def add_token(
        self,
        token: str,
        permissions: Mapping[str, Mapping[str, Level]],
        kind: TokenKind = "fine-grained",
        *,
        sso_required: bool = False,
        login: str = "deployer",
        scopes: Collection[str] = (),
        expires_at: float | None = None,
    ) -> None:
        """Let `token` be used: repository -> permission (as in `contents`) -> level.

        `scopes` are those of a classic token, `expires_at` is in epoch seconds.
        """
        self._hub.add_token(
            Token(token, login, kind, permissions, sso_required, tuple(scopes), expires_at)
        )

    def protect(
        self,
        full_name: str,
        branch: str,
        rule: Rule = "pull-request",
        bypass: Collection[str] = (),
    ) -> None:
        """Forbid direct commits to a branch to all but the logins in `bypass`."""
        rules = self._repository(full_name).protections.setdefault(branch, [])
        rules.append(Protection(rule, frozenset(bypass)))

    def unprotect(self, full_name: str, branch: str) -> None:
        """Allow direct commits again."""
        self._repository(full_name).protections.pop(branch, None)

    def allow_auto_merge(self, full_name: str, *, allowed: bool) -> None:
        """Whether pull requests may be set to merge by themselves; they may at first."""
        self._repository(full_name).allow_auto_merge = allowed

    def rate_limit(
        self, token: str, remaining: int, *, limit: int = 5000, reset_at: float | None = None
    ) -> None:
        """Let a token send `remaining` more requests until `reset_at` (epoch; in an hour)."""
        until = self._clock.now() + HOUR if reset_at is None else reset_at
        self._hub.set_allowance(token, Allowance(limit, remaining, until))

    def lag(self, full_name: str, branch: str, sha: str, reads: int = 1) -> None:
        """Let the next GraphQL queries find a branch still at `sha`, as a replica that is behind.

        Mutations are not deceived: they compare with the branch's real head.
        """
        behind = self._repository(full_name).behind
        behind.setdefault(HEADS + branch, deque()).extend([sha] * reads)

    def limit_writes(
        self, *, per_minute: int = 80, per_hour: int = 500, says_how_long: bool = True
    ) -> None:
        """From now on let each account create content only this often, with all its tokens.

        What comes too soon gets GitHub's secondary rate limit, with the seconds to wait in
        `Retry-After` if it `says_how_long`. Source: REST API, "Rate limits".
        """
        self._hub.pace = Pace(per_minute, per_hour, says_how_long=says_how_long)

    def head(self, full_name: str, branch: str) -> str:
        """The commit that a branch points to."""
        found = self._repository(full_name).head(branch)
        if found is None:
            raise KeyError(f"{full_name} has no branch {branch}")
        return found

    def branches(self, full_name: str) -> dict[str, str]:
        """Branch names and their heads."""
        return self._repository(full_name).branches()

    def resolve(self, full_name: str, revision: str) -> str:
        """The commit that a branch, tag or (short) SHA means."""
        return self._found(full_name, lambda found: found.store.resolve(revision))

    def read(self, full_name: str, revision: str, path: str) -> bytes:
        """The bytes of a file at a branch, tag or commit."""
        return self._found(full_name, lambda found: found.file(revision, path))

    def files(self, full_name: str, revision: str) -> tuple[str, ...]:
        """The paths of all files at a branch, tag or commit, sorted."""

        def listed(found: Repository) -> tuple[str, ...]:
            tree = found.store.commit(found.store.resolve(revision)).tree
            return tuple(
                sorted(each.path for each in found.store.walk(tree) if each.kind != "tree")
            )

        return self._found(full_name, listed)

    def message(self, full_name: str, revision: str) -> str:
        """The message of a commit."""
        return self._found(
            full_name, lambda found: found.store.commit(found.store.resolve(revision)).message
        )

    def log(self, full_name: str, revision: str) -> tuple[str, ...]:
        """The SHAs of a commit and its ancestors, newest first."""
        return self._found(
            full_name,
            lambda found: tuple(
                each.sha for each in found.store.history(found.store.resolve(revision))
            ),
        )

    def is_ancestor(self, full_name: str, ancestor: str, descendant: str) -> bool:
        """Whether `descendant` contains `ancestor`; both are revisions."""
        return self._found(
            full_name,
            lambda found: found.store.is_ancestor(
                found.store.resolve(ancestor), found.store.resolve(descendant)
            ),
        )

    def pull_requests(self, full_name: str) -> tuple[PullRequest, ...]:
        """All pull requests, oldest first."""
        return tuple(self._repository(full_name).pulls.values())

    def deployments(self, full_name: str) -> tuple[Deployment, ...]:
        """All deployments, oldest first."""
        return tuple(self._repository(full_name).deployments.values())

    def subscribe(self, listener: Callable[[str, str, str], None]) -> None:
        """Call `listener(full_name, branch, sha)` after each branch update, before the answer."""
        self._hub.subscribe(listener)

    def record_run(
        self,
        full_name: str,
        *,
        path: str = ".github/workflows/ci-cd.yml",
        name: str = "ci-cd",
        branch: str | None = None,
        sha: str | None = None,
        event: str = "push",
        status: str = "completed",
        conclusion: str | None = "success",
        created_at: float | None = None,
        started_at: float | None = None,
        updated_at: float | None = None,
        run_id: int | None = None,
        attempt: int = 1,
        actor: str = "developer",
        title: str = "",
    ) -> Run:
        """Record an attempt of a workflow run, in place of one with the same id and number.

        Times are epoch seconds; without them everything happened now. A run that is not
        completed has no conclusion, whatever is given.
        """
        repository = self._repository(full_name)
        created = self._clock.now() if created_at is None else created_at
        started = created if started_at is None else started_at
        on_branch = branch or repository.default_branch
        with repository.store.lock:
            identifier = self._hub.next_id() if run_id is None else run_id
            run = Run(
                id=identifier,
                attempt=attempt,
                number=repository.run_number(identifier),
                name=name,
                path=path,
                branch=on_branch,
                sha=sha or repository.head(on_branch) or "0" * 40,
                event=event,
                status=status,
                conclusion=conclusion if status == "completed" else None,
                created_at=created,
                started_at=started,
                updated_at=started if updated_at is None else updated_at,
                actor=actor,
                title=title or name,
            )
            return repository.keep_run(run)

    def record_job(
        self,
        full_name: str,
        run_id: int,
        name: str,
        *,
        status: str = "completed",
        conclusion: str | None = "success",
        created_at: float | None = None,
        started_at: float | None = None,
        completed_at: float | None = None,
        steps: Iterable[Step] = (),
        attempt: int | None = None,
        job_id: int | None = None,
    ) -> Job:
        """Record a job of a run (of its newest attempt); steps are numbered in their order.

        Times are epoch seconds; without them everything happened when the run started.
        """
        repository = self._repository(full_name)
        with repository.store.lock:
            run = repository.runs[run_id][-1]
            started = run.started_at if started_at is None else started_at
            finished = started if completed_at is None else completed_at
            job = Job(
                id=self._hub.next_id() if job_id is None else job_id,
                run_id=run_id,
                attempt=run.attempt if attempt is None else attempt,
                name=name,
                status=status,
                conclusion=conclusion if status == "completed" else None,
                created_at=started if created_at is None else created_at,
                started_at=started,
                completed_at=finished if status == "completed" else None,
                steps=tuple(replace(step, number=at) for at, step in enumerate(steps, 1)),
            )
            repository.jobs[job.id] = job
        return job

    def _repository(self, full_name: str) -> Repository:
        try:
            return self._hub.repository(full_name)
        except Missing as error:
            raise KeyError(f"there is no repository {full_name}") from error

    def _found(self, full_name: str, read: Callable[[Repository], Found]) -> Found:
        try:
            return read(self._repository(full_name))
        except Missing as error:
            raise KeyError(f"{error} is not in {full_name}") from error
