"""Whatever happens to connections and whoever else commits, every bump is there exactly once."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from astrago_actions.sandbox.server import Fault
from tests.deployment_world import BRANCH, DEPLOYMENT, FILE, World

LIMIT = '{"message": "You have exceeded a secondary rate limit."}'
KEYS = ("core", "batch", "monitor")

faults = st.sampled_from(
    [
        Fault(kind="reset-before"),
        Fault(kind="reset-after"),
        Fault(kind="status", status=502, body="<html>Bad Gateway</html>"),
        Fault(kind="status-after", status=502, body="<html>Bad Gateway</html>"),
        Fault(kind="status", status=403, body=LIMIT, headers={"Retry-After": "3"}),
        Fault(kind="status", status=403, body=LIMIT),
        Fault(kind="reset-after", contains="createCommitOnBranch", times=3),
        Fault(kind="status", contains="createCommitOnBranch", status=500, times=2),
    ]
)


class Bumps(RuleBasedStateMachine):
    """Bumps of three keys among faults and other people's commits; a dict is the model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name))
        self.world.server.start()
        self.model = dict.fromkeys(KEYS, "old")
        self.note = 0
        self.number = 0
        self.world.outside_commit(self.text())
        self.expected_commits = 1

    def text(self) -> str:
        """The file as the model has it."""
        lines = [f"{key}:\n  tag: {tag}   # {key} 태그\n" for key, tag in self.model.items()]
        return f"# note {self.note}\n" + "".join(lines)

    def somebody_commits(self) -> None:
        """Another person changes a line that is not ours."""
        self.note += 1
        self.expected_commits += 1
        self.world.outside_commit(self.text())

    @rule(key=st.sampled_from(KEYS), happening=st.lists(faults, max_size=3))
    def bump(self, key: str, happening: list[Fault]) -> None:
        """One bump, while these things go wrong."""
        for fault in happening:
            self.world.server.faults.add(fault)
        self._bump(key)

    @rule(key=st.sampled_from(KEYS), happening=st.lists(faults, max_size=2))
    def bump_while_somebody_commits(self, key: str, happening: list[Fault]) -> None:
        """One bump, with somebody else's commit between our read and our write."""
        for fault in happening:
            self.world.server.faults.add(fault)
        self.world.before_our_commit(self.somebody_commits)
        self._bump(key)

    @rule()
    def commit_by_hand(self) -> None:
        """Somebody else's commit in between."""
        self.somebody_commits()

    @rule(key=st.sampled_from(KEYS))
    def bump_to_the_same_value(self, key: str) -> None:
        """A job that runs again changes nothing."""
        outputs = self.world.bump(
            tags="", updates=f"{FILE}:{key}.tag={self.model[key]}", timeout="9999"
        )
        assert not outputs.changed

    def _bump(self, key: str) -> None:
        self.number += 1
        tag = f"v{self.number}"
        outputs = self.world.bump(
            tags="", updates=f"{FILE}:{key}.tag={tag}", timeout="9999", if_older="apply"
        )
        self.model[key] = tag
        self.expected_commits += 1
        assert outputs.changed
        assert outputs.commit_sha in self._git("log", "--format=%H", BRANCH).split()
        self.world.server.faults.clear()

    @invariant()
    def the_file_is_what_everybody_wrote(self) -> None:
        """No change of anybody is lost, and no byte besides changed."""
        assert self._git("show", f"{BRANCH}:{FILE}") == self.text()

    @invariant()
    def every_change_is_one_commit(self) -> None:
        """Exactly one commit for each change, in one line of history."""
        parents = self._git("log", "--format=%P", BRANCH).splitlines()
        assert len(parents) - 1 == self.expected_commits
        assert all(len(each.split()) <= 1 for each in parents)

    def teardown(self) -> None:
        """git finds nothing wrong with what is left."""
        self._git("fsck", "--strict")
        self.world.server.stop()
        self.folder.cleanup()

    def _git(self, *arguments: str) -> str:
        repository = Path(self.folder.name, f"{DEPLOYMENT}.git")
        command = ["git", "-C", str(repository), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


TestBumps = Bumps.TestCase
TestBumps.settings = settings(
    max_examples=12,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
