"""One repository: its git store, its settings, and what GitHub keeps around the git objects."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from astrago_actions.sandbox.github.git_objects import (
    EXECUTABLE,
    HEADS,
    REGULAR_FILE,
    Commit,
    Entry,
    Missing,
    Moved,
    Signature,
)
from astrago_actions.sandbox.github.git_store import (
    GitStore,
)
from astrago_actions.sandbox.github.records import (
    Deployment,
    Job,
    Person,
    Protection,
    PullRequest,
    Run,
    Token,
)

GITHUB = Person("GitHub", "noreply@github.com")
WORKFLOWS = ".github/workflows/"


@dataclass
class Repository:
    """Everything about one repository; hold `store.lock` around what belongs together.

    `moved` are branch updates `(branch, sha)` that subscribers have not been told of. `runs` maps
    a run's id to its attempts, oldest first; `protections` a branch to its rules; `behind` a full
    ref name to what replicas still show of it, one for each of the next readers.
    """

    number: int
    full_name: str
    store: GitStore
    private: bool
    created_at: float
    archived: bool = False
    allow_auto_merge: bool = True
    protections: dict[str, list[Protection]] = field(default_factory=dict)
    runs: dict[int, list[Run]] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)
    moved: deque[tuple[str, str]] = field(default_factory=deque)
    behind: dict[str, deque[str]] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """The account that it belongs to."""
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        """Its name without the owner."""
        return self.full_name.partition("/")[2]

    @property
    def default_branch(self) -> str:
        """The branch that HEAD points to."""
        return self.store.default_ref().removeprefix(HEADS)

    def head(self, branch: str) -> str | None:
        """The commit that a branch points to."""
        return self.store.ref(HEADS + branch)

    def shown(self, ref: str) -> str | None:
        """What a full ref name points to for the next reader, whose replica may be behind."""
        with self.store.lock:
            old = self.behind.get(ref)
            return old.popleft() if old else self.store.ref(ref)

    def branches(self) -> dict[str, str]:
        """Branch names and their heads, sorted by name."""
        return {name.removeprefix(HEADS): sha for name, sha in self.store.refs(HEADS).items()}

    def move(self, ref: str, expected: str | None, to: str | None) -> None:
        """Move, create or delete a ref as `GitStore.move` does, and remember to tell of it."""
        self.store.move(ref, expected, to)
        if to is not None and ref.startswith(HEADS):
            self.moved.append((ref.removeprefix(HEADS), to))

    def commit(
        self,
        branch: str,
        expected: str | None,
        changes: Mapping[str, Entry | None],
        message: str,
        author: Signature,
        committer: Signature | None = None,
    ) -> Commit:
        """Commit changes (None removes a path) on the branch if its head is still `expected`.

        Raises Moved when it is not.
        """
        with self.store.lock:
            if self.head(branch) != expected:
                raise Moved(HEADS + branch, self.head(branch))
            base = self.store.commit(expected).tree if expected else None
            tree = self.store.write_tree(base, changes)
            parents = [expected] if expected else []
            sha = self.store.write_commit(tree, parents, message, author, committer)
            self.move(HEADS + branch, expected, sha)
            return self.store.commit(sha)

    def rule_against(self, branch: str, token: Token | None) -> Protection | None:
        """The first rule that forbids a direct commit of this token's owner to the branch."""
        login = token.login if token else ""
        rules = self.protections.get(branch, [])
        return next((rule for rule in rules if login not in rule.bypass), None)

    def file(self, revision: str, path: str) -> bytes:
        """The bytes of a file at a commit, branch or tag; raises Missing."""
        tree = self.store.commit(self.store.resolve(revision)).tree
        entry = self.store.entry(tree, path)
        if entry.kind != "blob":
            raise Missing(path)
        return self.store.blob(entry.sha)

    def keep_run(self, run: Run) -> Run:
        """Keep an attempt of a run, in place of one with the same number."""
        attempts = self.runs.setdefault(run.id, [])
        others = [each for each in attempts if each.attempt != run.attempt]
        attempts[:] = sorted([*others, run], key=lambda each: each.attempt)
        return run

    def run_number(self, run_id: int) -> int:
        """The number that people see for a run; a new one counts on."""
        attempts = self.runs.get(run_id)
        return attempts[0].number if attempts else len(self.runs) + 1

    def latest_runs(self) -> list[Run]:
        """The newest attempt of every run, newest run first."""
        latest = [attempts[-1] for attempts in self.runs.values()]
        return sorted(latest, key=lambda run: (run.created_at, run.id), reverse=True)

    def entries(self, files: Mapping[str, bytes]) -> dict[str, Entry]:
        """Store files as a developer would have pushed them: scripts are executable."""
        return {
            path: Entry(
                path,
                EXECUTABLE if content.startswith(b"#!") else REGULAR_FILE,
                self.store.write_blob(content),
            )
            for path, content in files.items()
        }

    def regular_entry(self, path: str, content: bytes) -> Entry:
        """Store one file as GitHub's API does: never executable."""
        return Entry(path, REGULAR_FILE, self.store.write_blob(content))
