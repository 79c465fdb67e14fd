"""The change that a bump wants, decided anew on every state of the branch."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import uuid4

from astrago_actions.actions.bump_refusals import nothing_to_take_back, superseded_error
from astrago_actions.clients.deployment_branch import Snapshot
from astrago_actions.clients.github import Comparison
from astrago_actions.clients.safe_commit import Proposal
from astrago_actions.clients.source_history import SourceHistory
from astrago_actions.domain.bump_commit import Origin, compose
from astrago_actions.domain.bump_edit import Edit, Update, edit_files, present_values
from astrago_actions.domain.bump_order import source_commits_of
from astrago_actions.domain.bump_rollback import Rollback, rollback
from astrago_actions.domain.chart_readers import reading_lines
from astrago_actions.domain.key_path import parse_key_path


@dataclass(frozen=True)
class Wish:
    """What a bump wants, whatever the branch looks like; see action.yml for each."""

    updates: tuple[Update, ...]
    origin: Origin
    message: str
    rollback: str
    if_missing: Literal["fail", "create"]
    if_older: Literal["skip", "fail", "apply"]
    templates: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The files to change, each once, in the order given."""
        return tuple(dict.fromkeys(update.file for update in self.updates))

    @property
    def folders(self) -> tuple[str, ...]:
        """Where the templates lie that read the files: named, or beside each file."""
        beside = (posixpath.join(posixpath.dirname(file), "templates") for file in self.files)
        return self.templates or tuple(dict.fromkeys(beside))


class Bump:
    """A wish applied to what the branch holds; remembers what came of it for the report."""

    def __init__(self, wish: Wish, history: SourceHistory, branch: str) -> None:
        self.bump_id = uuid4().hex[:16]
        self.edit = Edit({}, (), (), "")
        self.superseded: dict[Update, str] = {}
        self.unordered: dict[Update, str] = {}
        self.deployed: dict[str, Comparison] = {}
        self.unread: tuple[str, ...] = ()
        self.kept: tuple[str, ...] = ()
        self.executable: tuple[str, ...] = ()
        self._wish = wish
        self._origin = wish.origin
        self._taken_back: Rollback | None = None
        self.history = history
        self._branch = branch

    def propose(self, snapshot: Snapshot) -> Proposal | None:
        """The files with our values in them, or None when nothing would change."""
        contents = {path: file.content for path, file in snapshot.files.items()}
        if self._wish.rollback:
            updates = self._going_back(contents, snapshot)
        else:
            updates = self._not_superseded(contents, snapshot)
        self.edit = edit_files(contents, updates, if_missing=self._wish.if_missing)
        self.unread = _unread([change.key for change in self.edit.changes], snapshot.templates)
        self.executable = tuple(
            path for path in self.edit.contents if snapshot.files[path].executable
        )
        if not self.edit.changes:
            return None
        message = compose(self._wish.message, self.edit.changes, self._origin, self.bump_id)
        return Proposal(self.edit.contents, message)

    def _going_back(self, contents: Mapping[str, bytes], snapshot: Snapshot) -> Sequence[Update]:
        """The values before the bump that is to be taken back, where they are still the bump's.

        Which bump that is, is decided once: whatever is committed while we try is not taken back.
        """
        targets = {(update.file, update.key): update for update in self._wish.updates}
        if self._taken_back is None:
            commits = [(commit.sha, commit.message) for commit in snapshot.history]
            self._taken_back = rollback(self._wish.rollback, targets, commits)
            if self._taken_back is None:
                raise nothing_to_take_back(self._wish.rollback, self._branch, commits)
        # The values were built from other commits than this run's: it is not their source.
        self._origin = replace(self._wish.origin, commit="", rollback_of=self._taken_back.of)
        back = self._taken_back.values
        present = present_values(contents, [targets[target] for target in back])
        kept = {
            target
            for target, step in back.items()
            if present[targets[target]] not in {step.value, step.previous}
        }
        self.kept = tuple(f"{file}:{key}" for file, key in sorted(kept))
        return [
            replace(targets[target], value=step.previous)
            for target, step in back.items()
            if target not in kept
        ]

    def _not_superseded(
        self, contents: Mapping[str, bytes], snapshot: Snapshot
    ) -> Sequence[Update]:
        """The updates that are not older than what the files already hold."""
        self.superseded, self.unordered, self.deployed = {}, {}, {}
        if self._wish.if_older == "apply" or not self._wish.origin.commit:
            return self._wish.updates
        messages = [commit.message for commit in snapshot.history]
        for update, value in present_values(contents, self._wish.updates).items():
            if value and value != update.value:
                self._compare(update, value, messages)
        if self.superseded and self._wish.if_older == "fail":
            raise superseded_error(self.superseded, self._branch)
        return [update for update in self._wish.updates if update not in self.superseded]

    def _compare(self, update: Update, value: str, messages: Sequence[str]) -> None:
        target, source = (update.file, update.key), self._wish.origin.repository
        for other in source_commits_of(value, target, source, messages):
            comparison = self.history.since(other, self._wish.origin.commit)
            if comparison is not None:
                break
        else:
            self.unordered[update] = value
            return
        if comparison.relation == "behind":
            self.superseded[update] = value
        elif comparison.relation == "diverged":
            self.unordered[update] = value
        elif comparison.commits:
            self.deployed[other] = comparison


def _unread(keys: Sequence[str], templates: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that no template reads; none where there are no templates to look at."""
    if not templates:
        return ()
    return tuple(key for key in keys if not reading_lines(templates, parse_key_path(key)))
