"""Whoever else writes, in whatever order and whatever fails: no change is lost or made twice.

Several writers run the action at once. Each of their requests is held at the server, and
hypothesis chooses which one is answered next and what happens to it, so that every interleaving
can be found, repeated and made smaller. Others commit by hand in between. What git says of the
branch is compared with `tests/bump_model.py`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from astrago_actions.actions.bump_image_tag import Outputs
from astrago_actions.context import Context
from astrago_actions.errors import ActionError, NotFound
from astrago_actions.sandbox.github.errors import (
    BAD_GATEWAY,
    SECONDARY_RATE_LIMIT,
    SERVER_FAULT,
    secondary_rate_limit,
)
from astrago_actions.sandbox.server import Fault, Request
from tests.branch_history import GitCommit, commits, git
from tests.bump_model import (
    Bump,
    Effect,
    Recorded,
    Rollback,
    State,
    Target,
    ValuesFile,
    Wish,
    bumped,
    changed,
    missing,
    rolled_back,
    to_take_back,
    value,
    with_values,
)
from tests.deployment_world import BRANCH, DEPLOYMENT, FILE, SOURCE, World
from tests.interleaving import Client, HoldingServer
from tests.manual_clock import ManualClock
from tests.recording_step import RecordingStep

KEYS = ("core", "batch")
FILES = (FILE, FILE.replace("xiilab", "busan"))
MOST_WRITERS = 4


@dataclass(frozen=True)
class Happening:
    """What happens to a request; a read may come from a replica that is some commits behind."""

    name: str
    fault: Fault | None = field(default=None, repr=False)
    behind: int = 0


SERVED = Happening("served")
HAPPENINGS = (
    SERVED,
    Happening("one commit behind", behind=1),
    Happening("two commits behind", behind=2),
    Happening("four commits behind", behind=4),
    Happening("cut before", Fault(kind="reset-before")),
    Happening("cut after", Fault(kind="reset-after")),
    Happening("502 before", BAD_GATEWAY.fault()),
    Happening("502 after", BAD_GATEWAY.fault(applied=True)),
    Happening("GraphQL 502 before", SERVER_FAULT.fault()),
    Happening("GraphQL 502 after", SERVER_FAULT.fault(applied=True)),
    Happening("an empty answer after", Fault(kind="status-after", status=200)),
    Happening("403 without Retry-After", SECONDARY_RATE_LIMIT.fault()),
    Happening("403 with Retry-After", secondary_rate_limit(3).fault()),
    Happening("429 with Retry-After", secondary_rate_limit(3, status=429).fault()),
)
# PyGithub repeats reads over REST by itself, and takes real time for it.
HAPPENINGS_TO_REST = (Fault(kind="reset-before"), Fault(kind="reset-after"), BAD_GATEWAY.fault())

targets = st.lists(
    st.tuples(st.sampled_from(FILES), st.sampled_from(KEYS)), min_size=1, max_size=3, unique=True
)
writers = st.integers(0, MOST_WRITERS - 1)
turns = st.tuples(writers, st.sampled_from(HAPPENINGS))
sources = st.integers(0, 5)
rolled_back_files = st.sampled_from([FILES[:1], FILES])


@dataclass
class Writer:
    """One run of the action: what it wants, and the heads that it has been shown."""

    number: int
    wish: Wish
    step: RecordingStep
    client: Client[Outputs]
    began: int
    seen: list[str] = field(default_factory=list)
    rest_fault: bool = False

    @property
    def targets(self) -> tuple[Target, ...]:
        """Where it may change something."""
        return tuple(self.wish.values) if isinstance(self.wish, Bump) else self.wish.targets


@pytest.fixture(autouse=True)
def _requests_may_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gives up on a request because others were served first."""
    monkeypatch.setattr("astrago_actions.clients.github.TIMEOUT_SECONDS", 300)


class Storm(RuleBasedStateMachine):
    """Writers, faults and outside commits on one branch."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name), HoldingServer)
        assert isinstance(self.world.server, HoldingServer)
        self.server = self.world.server
        self.server.start()
        self.sources = self._source_commits()
        self.writers: list[Writer] = []
        self.by_number: dict[int, Writer] = {}
        self.made: dict[int, Recorded] = {}
        self.bump_ids: set[str] = set()
        self.by_hand: dict[str, State] = {}
        self.past: list[Recorded] = []
        self.changes = 0
        self._commit_by_hand({path: self._fresh_file() for path in FILES})

    def _source_commits(self) -> tuple[str, ...]:
        """Four commits in a row, and two on a branch that leaves them after the first."""
        github, first = self.world.github, self.world.first
        row = [self.world.second]
        row += [github.commit(SOURCE, BRANCH, {"a": text}, "next") for text in (b"3", b"4")]
        github.create_branch(SOURCE, "side", first)
        side = [github.commit(SOURCE, "side", {"a": text}, "side") for text in (b"x", b"y")]
        return (first, *row, *side)

    @property
    def present(self) -> State:
        """The files as they are now."""
        return self.past[-1].state

    @precondition(lambda self: len(self.writers) < MOST_WRITERS)
    @rule(where=targets, source=sources)
    def a_build_is_deployed(self, where: Sequence[Target], source: int) -> None:
        """A pipeline sets the tags of its commit, unless newer ones are there."""
        commit = self.sources[source]
        tags = {target: f"{target[1]}-{commit[:8]}" for target in where}
        self._start(Bump(tags, commit, guarded=True), commit)

    @precondition(lambda self: len(self.writers) < MOST_WRITERS)
    @rule(where=targets, source=sources)
    def a_build_is_deployed_whatever_is_there(self, where: Sequence[Target], source: int) -> None:
        """Somebody sets tags with `if-older: apply`."""
        commit, number = self.sources[source], self._next()
        tags = {target: f"{target[1]}-{commit[:8]}-n{number}" for target in where}
        self._start(Bump(tags, commit, guarded=False), commit)

    @precondition(lambda self: len(self.writers) < MOST_WRITERS and self.made)
    @rule(path=st.sampled_from(FILES), key=st.sampled_from(KEYS))
    def a_job_runs_again(self, path: str, key: str) -> None:
        """The tag is in place already."""
        if self.present[path] is None:
            return
        tag = value(self.present, (path, key))
        source = next((each for each in self.sources if each[:8] in tag), "")
        if source:
            self._start(Bump({(path, key): tag}, source, guarded=False), source)

    @precondition(lambda self: len(self.writers) < MOST_WRITERS and self.made)
    @rule(paths=rolled_back_files, keys=st.sampled_from([KEYS[:1], KEYS]))
    def the_last_bump_is_taken_back(self, paths: Sequence[str], keys: Sequence[str]) -> None:
        """A rollback to `previous`."""
        where = tuple((path, key) for path in paths for key in keys)
        self._start(Rollback(where, "previous"), self.sources[0])

    @precondition(lambda self: len(self.writers) < MOST_WRITERS and self.made)
    @rule(paths=rolled_back_files, which=st.integers(0, 9))
    def a_certain_bump_is_taken_back(self, paths: Sequence[str], which: int) -> None:
        """A rollback of a bump, or of a rollback, by its SHA."""
        bumps = [each for each in self.past if each.wish is not None]
        where = tuple((path, key) for path in paths for key in KEYS)
        self._start(Rollback(where, bumps[-1 - which % len(bumps)].sha), self.sources[0])

    @precondition(lambda self: self.writers)
    @rule(chosen=st.lists(turns, min_size=1, max_size=8))
    def requests_are_answered(self, chosen: list[tuple[int, Happening]]) -> None:
        """One request after the other, of these writers, with these happenings."""
        for number, happening in chosen:
            if self.writers:
                self._answer(self.writers[number % len(self.writers)], happening)

    @precondition(lambda self: self.writers)
    @rule(number=writers, happenings=st.lists(st.sampled_from(HAPPENINGS), min_size=1, max_size=5))
    def one_goes_on(self, number: int, happenings: list[Happening]) -> None:
        """One writer is answered time and again, while the others wait."""
        writer = self.writers[number % len(self.writers)]
        for happening in happenings:
            if not writer.client.ended:
                self._answer(writer, happening)

    @precondition(lambda self: self.writers)
    @rule()
    def all_come_to_an_end(self) -> None:
        """Nothing goes wrong any more."""
        self._finish()

    @rule(path=st.sampled_from(FILES))
    def somebody_changes_another_line(self, path: str) -> None:
        """A commit by hand that touches no tag."""
        file = self.present[path]
        if file is not None:
            self._commit_by_hand({path: ValuesFile(str(self._next()), file.tags)})

    @rule(path=st.sampled_from(FILES), key=st.sampled_from(KEYS), source=st.integers(0, 7))
    def somebody_sets_a_tag(self, path: str, key: str, source: int) -> None:
        """A commit by hand on our line: to a build, to one that nobody knows, to a name."""
        tags = [*(f"{key}-{each[:8]}" for each in self.sources), f"{key}-deadbee1", "by-hand"]
        if self.present[path] is not None:
            after = with_values(self.present, {(path, key): f"{tags[source]}-n{self._next()}"})
            self._commit_by_hand({path: after[path]})

    @rule(path=st.sampled_from(FILES), moved=st.booleans())
    def somebody_takes_the_file_away(self, path: str, *, moved: bool) -> None:
        """A commit by hand that deletes or moves a file."""
        file = self.present[path]
        if file is not None:
            elsewhere = {f"{path}.moved": file.text.encode()} if moved else {}
            self._commit_by_hand({path: None}, elsewhere)

    @precondition(lambda self: not all(self.present.values()))
    @rule()
    def somebody_puts_the_files_back(self) -> None:
        """A commit by hand that makes what is missing anew."""
        gone = [path for path, file in self.present.items() if file is None]
        self._commit_by_hand({path: self._fresh_file() for path in gone})

    def _fresh_file(self) -> ValuesFile:
        """With the tags of a build that is neither the oldest nor the newest."""
        tags = {key: f"{key}-{self.sources[1][:8]}" for key in KEYS}
        return ValuesFile(str(self._next()), tags)

    def _finish(self) -> None:
        while self.writers:
            for writer in list(self.writers):
                self._answer(writer, SERVED)

    def _next(self) -> int:
        self.changes += 1
        return self.changes

    def _start(self, wish: Wish, source: str) -> None:
        """A writer with a token, a clock and a step of its own, up to its first request."""
        number = len(self.by_number) + 1
        token = f"github_pat_writer_{number}"
        grants = {DEPLOYMENT: {"contents": "write"}, SOURCE: {"contents": "read"}}
        self.world.github.add_token(token, grants)  # type: ignore[arg-type]
        step = RecordingStep()
        context = Context(step, self.world.run_of(source, number), ManualClock())
        inputs = {**_inputs(wish), "token": token, "source_token": "", "timeout": "99999"}
        client = self.server.client(token, lambda: self.world.bump_in(context, **inputs))
        writer = Writer(number, wish, step, client, began=len(self.past) - 1)
        self.by_number[number] = writer
        self.writers.append(writer)

    def _answer(self, writer: Writer, happening: Happening) -> None:
        """Let this happen to the request that the writer waits with; see what came of it."""
        request = writer.client.held
        assert request is not None
        fault = happening.fault
        if request.method == "GET":
            allowed = fault in HAPPENINGS_TO_REST and not writer.rest_fault
            fault = fault if allowed else None
            writer.rest_fault = writer.rest_fault or allowed
        if fault is None and _reads_the_branch(request):
            self._show(writer, happening.behind)
        self.server.let_pass(writer.client, *([fault] if fault else []))
        self._look_at_git()
        if writer.client.ended:
            self.writers.remove(writer)
            self._judge(writer)

    def _show(self, writer: Writer, behind: int) -> None:
        """Let a read find the head, or an older one, but none that was old when it began.

        It may be older than what the same writer was shown before: replicas differ.
        """
        heads = [each.sha for each in self.past]
        shown = heads[max(writer.began, len(heads) - 1 - behind)]
        if shown != heads[-1]:
            self.world.github.lag(DEPLOYMENT, BRANCH, shown)
        writer.seen.append(shown)

    def _commit_by_hand(self, files: State, elsewhere: dict[str, bytes] | None = None) -> None:
        contents = {path: file.text.encode() if file else None for path, file in files.items()}
        contents |= elsewhere or {}
        sha = self.world.github.commit(DEPLOYMENT, BRANCH, contents, "by hand")
        self.by_hand[sha] = {**(self.present if self.past else {}), **files}
        self._look_at_git()

    def _look_at_git(self) -> None:
        """Every commit that is new must be what somebody wanted, on the commit before."""
        last = self.past[-1].sha if self.past else self.world.start
        if self.world.github.head(DEPLOYMENT, BRANCH) == last:
            return
        for commit in commits(self.repository, BRANCH, FILES, after=last):
            assert commit.parents == (last,)
            self.past.append(self._explained(commit))
            last = commit.sha

    @property
    def repository(self) -> Path:
        """The deployment repository on disk."""
        return Path(self.folder.name, f"{DEPLOYMENT}.git")

    def _explained(self, commit: GitCommit) -> Recorded:
        state = {path: _values_file(content) for path, content in commit.files.items()}
        if commit.sha in self.by_hand:
            assert state == self.by_hand[commit.sha]
            return Recorded(commit.sha, state)
        (run,) = commit.trailers["Workflow-Run"]
        writer = self.by_number[int(run.rpartition("/")[2])]
        assert writer.number not in self.made, "a second commit of one bump"
        (bump_id,) = commit.trailers["Bump-Id"]
        assert bump_id not in self.bump_ids
        self.bump_ids.add(bump_id)
        assert not missing(self.present, writer.targets), "a file that was gone was made again"
        assert state == self._effect(writer, self.present).after
        assert state != self.present
        bump = self._to_take_back(writer)
        assert commit.trailers["Rollback-Of"] == ((bump.sha,) if bump else ())
        recorded = Recorded(
            commit.sha, state, writer.wish, changed(self.present, state), bump.sha if bump else ""
        )
        self.made[writer.number] = recorded
        return recorded

    def _state(self, sha: str) -> State:
        return next(each.state for each in self.past if each.sha == sha)

    def _to_take_back(self, writer: Writer) -> Recorded | None:
        """The bump that a rollback takes back is decided on what it was shown first."""
        if not isinstance(writer.wish, Rollback):
            return None
        heads = [each.sha for each in self.past]
        return to_take_back(writer.wish, self.past[heads.index(writer.seen[0]) :: -1])

    def _effect(self, writer: Writer, state: State) -> Effect:
        if isinstance(writer.wish, Bump):
            return bumped(writer.wish, state, self.sources, self._contains)
        bump = self._to_take_back(writer)
        assert bump is not None
        return rolled_back(bump, state)

    def _contains(self, newer: str, older: str) -> bool:
        return self.world.github.is_ancestor(SOURCE, older, newer)

    def _judge(self, writer: Writer) -> None:
        """What a writer says at its end must be what it did."""
        outputs, error = writer.client.result, writer.client.error
        if error is not None or outputs is None:
            self._judge_failure(writer, error)
            return
        made = self.made.get(writer.number)
        assert outputs.changed == (made is not None)
        if made is None:
            states = self._believable(writer)
            assert any(self._leaves_alone(writer, outputs, state) for state in states)
            return
        assert outputs.commit_sha == made.sha
        before = self.past[self.past.index(made) - 1].state
        effect = self._effect(writer, before)
        assert outputs.superseded == bool(effect.superseded)
        assert ("is not known" in writer.step.log) == bool(effect.unordered)
        assert any("not put back" in each for each in writer.step.warnings) == bool(effect.kept)

    def _believable(self, writer: Writer) -> list[State]:
        """The states that a writer was shown, but for those that were older than one before."""
        heads = [each.sha for each in self.past]
        found = [heads.index(sha) for sha in writer.seen]
        newest = [at for turn, at in enumerate(found) if at == max(found[: turn + 1])]
        return [self.past[at].state for at in newest]

    def _leaves_alone(self, writer: Writer, outputs: Outputs, state: State) -> bool:
        """Whether there was nothing to do for it in a state that it was shown."""
        if missing(state, writer.targets):
            return False
        effect = self._effect(writer, state)
        return effect.after == state and outputs.superseded == bool(effect.superseded)

    def _judge_failure(self, writer: Writer, error: BaseException | None) -> None:
        """A bump fails when its file is gone, or when there is nothing to take back."""
        if not isinstance(error, ActionError):
            raise AssertionError(f"writer {writer.number} ended without a word") from error
        assert writer.number not in self.made, f"a bump that was done failed: {error}"
        if isinstance(error, NotFound):
            assert any(missing(self._state(sha), writer.targets) for sha in writer.seen)
        elif error.title.startswith("No bump to take back"):
            assert self._to_take_back(writer) is None
        else:
            raise error

    def teardown(self) -> None:
        """All end; git finds the branch in order, and tells the same of it from the beginning."""
        try:
            self._finish()
            git(self.repository, "fsck", "--strict")
            told = [each.sha for each in commits(self.repository, BRANCH, FILES, self.world.start)]
            assert told == [each.sha for each in self.past]
        finally:
            self.server.stop()
            self.folder.cleanup()


def _inputs(wish: Wish) -> dict[str, str]:
    """The inputs that ask for a wish."""
    if isinstance(wish, Bump):
        lines = [f"{path}:{key}.tag={tag}" for (path, key), tag in wish.values.items()]
        if_older = "skip" if wish.guarded else "apply"
        return {"tags": "", "updates": "\n".join(lines), "if_older": if_older}
    files, keys = (list(dict.fromkeys(each)) for each in zip(*wish.targets, strict=True))
    where = {"file": json.dumps(files), "key": "{component}.tag", "components": json.dumps(keys)}
    return {"tags": "", "rollback": wish.wanted, **where}


def _reads_the_branch(request: Request) -> bool:
    return b"ref(qualifiedName" in request.body and b"createCommitOnBranch" not in request.body


def _values_file(content: bytes | None) -> ValuesFile | None:
    return None if content is None else ValuesFile.read(content.decode())


TestStorm = Storm.TestCase
TestStorm.settings = settings(
    max_examples=settings().max_examples // 5,  # more of them in `make fuzz`
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
