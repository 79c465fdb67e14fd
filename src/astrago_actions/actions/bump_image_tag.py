"""bump-image-tag: change image tags in another repository's YAML, one commit, nothing lost."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from uuid import uuid4

from astrago_actions.actions.bump_report import (
    nothing_to_take_back,
    summary,
    superseded_error,
    superseded_text,
)
from astrago_actions.clients.deployment_branch import (
    HISTORY,
    LONG_HISTORY,
    DeploymentBranch,
    Snapshot,
)
from astrago_actions.clients.github import connect
from astrago_actions.clients.local_checkout import read_files, write_files
from astrago_actions.clients.safe_commit import Outcome, Proposal, commit_safely
from astrago_actions.clients.source_history import SourceHistory
from astrago_actions.context import Context
from astrago_actions.domain.bump_commit import (
    DEFAULT_MESSAGE,
    ROLLBACK_MESSAGE,
    Change,
    Origin,
    compose,
)
from astrago_actions.domain.bump_edit import Edit, Update, edit_files, present_values
from astrago_actions.domain.bump_order import source_commit_of
from astrago_actions.domain.bump_rollback import rollback
from astrago_actions.domain.references import tag_problem
from astrago_actions.inputs import InputReader, Secret
from astrago_actions.workflow_run import WorkflowRun

# Writers that start together wait a random part of this much time each before they read.
SECONDS_PER_WRITER = 0.3


@dataclass(frozen=True)
class Inputs:
    """What is to be changed, where, and under which conditions; see action.yml for each."""

    repository: str
    branch: str
    updates: tuple[Update, ...]
    token: Secret
    source_token: Secret | None
    origin: Origin
    message: str
    rollback: str
    if_missing: Literal["fail", "create"]
    if_older: Literal["skip", "fail", "apply"]
    spread: int
    timeout: float
    path: Path | None
    dry_run: bool

    @property
    def files(self) -> tuple[str, ...]:
        """The files to change, each once, in the order given."""
        return tuple(dict.fromkeys(update.file for update in self.updates))


@dataclass(frozen=True)
class Outputs:
    """What was changed; `previous` maps component (or key) to the value before."""

    commit_sha: str = ""
    commit_url: str = ""
    changed: bool = False
    previous: Mapping[str, str] = field(default_factory=dict)
    diff: str = ""
    superseded: bool = False


def read(given: InputReader, run: WorkflowRun) -> Inputs:
    """Read and cross-check the inputs; mistakes are noted in `given`."""
    path = given.text("path")
    origin = Origin(
        environment=given.text("environment"),
        repository=given.text("source-repository", run.repository),
        commit=given.text("source-commit", run.source_commit),
        run_url=run.url,
    )
    going_back = given.text("rollback")
    return Inputs(
        repository="" if path else given.repository("repository"),
        branch="" if path else given.required("branch"),
        updates=_targets(given) if going_back else _updates(given),
        token=Secret("") if path else given.required_secret("token", "the deployment token"),
        source_token=given.secret("source-token"),
        origin=origin,
        message=_message(given, origin, ROLLBACK_MESSAGE if going_back else DEFAULT_MESSAGE),
        rollback=going_back,
        if_missing=given.choice("if-missing", ("fail", "create"), "fail"),
        if_older=given.choice("if-older", ("skip", "fail", "apply"), "skip"),
        spread=given.whole_number("spread", 1),
        timeout=given.seconds("timeout", 300),
        path=Path(path) if path else None,
        dry_run=given.flag("dry-run"),
    )


def run(inputs: Inputs, context: Context) -> Outputs:
    """Change the values in one commit, and report what was done."""
    with context.stage("bump"):
        if inputs.path is not None:
            return _edit_checkout(inputs, inputs.path, context)
        return _commit(inputs, context)


def _commit(inputs: Inputs, context: Context) -> Outputs:
    branch = DeploymentBranch(
        connect(inputs.token, context.run.api_url), inputs.repository, inputs.branch
    )
    bump = _Bump(inputs, context)
    if inputs.dry_run:
        bump.propose(branch.read(inputs.files))
        return _report(inputs, context, bump, branch, None)
    _spread_out(inputs, context)
    outcome = commit_safely(
        branch,
        inputs.files,
        bump.propose,
        bump_id=bump.bump_id,
        clock=context.clock,
        deadline=context.clock.monotonic() + inputs.timeout,
        history=LONG_HISTORY if inputs.rollback else HISTORY,
        on_wait=lambda error, seconds: context.step.info(
            f"{error}\nTrying again in {seconds:.1f} s."
        ),
    )
    return _report(inputs, context, bump, branch, outcome)


def _edit_checkout(inputs: Inputs, folder: Path, context: Context) -> Outputs:
    """The manual fallback: the same edit in a checkout, to be committed by hand."""
    edit = edit_files(
        read_files(folder, inputs.files), inputs.updates, if_missing=inputs.if_missing
    )
    if not inputs.dry_run:
        write_files(folder, edit.contents)
    context.step.info(edit.diff or "Nothing to change.")
    return Outputs(changed=bool(edit.changes), previous=_previous(edit.changes), diff=edit.diff)


class _Bump:
    """The change that is wanted, decided anew on every state of the branch."""

    def __init__(self, inputs: Inputs, context: Context) -> None:
        self.bump_id = uuid4().hex[:16]
        self.edit = Edit({}, (), (), "")
        self.superseded: dict[Update, str] = {}
        self.unordered: dict[Update, str] = {}
        self._inputs = inputs
        self._origin = inputs.origin
        self._history = SourceHistory(
            connect(inputs.source_token or inputs.token, context.run.api_url),
            inputs.origin.repository,
        )

    def propose(self, snapshot: Snapshot) -> Proposal | None:
        """The files with our values in them, or None when nothing would change."""
        contents = {path: file.content for path, file in snapshot.files.items()}
        if self._inputs.rollback:
            updates = self._going_back(snapshot)
        else:
            updates = self._not_superseded(contents, snapshot)
        self.edit = edit_files(contents, updates, if_missing=self._inputs.if_missing)
        if not self.edit.changes:
            return None
        message = compose(self._inputs.message, self.edit.changes, self._origin, self.bump_id)
        return Proposal(self.edit.contents, message)

    def _going_back(self, snapshot: Snapshot) -> Sequence[Update]:
        """The values before the bump that is to be taken back."""
        commits = [(commit.sha, commit.message) for commit in snapshot.history]
        targets = {(update.file, update.key): update for update in self._inputs.updates}
        found = rollback(self._inputs.rollback, targets, commits)
        if found is None:
            raise nothing_to_take_back(self._inputs.rollback, self._inputs.branch, commits)
        # The values were built from other commits than this run's: it is not their source.
        self._origin = replace(self._inputs.origin, commit="", rollback_of=found.of)
        return [replace(targets[target], value=value) for target, value in found.values.items()]

    def _not_superseded(
        self, contents: Mapping[str, bytes], snapshot: Snapshot
    ) -> Sequence[Update]:
        """The updates that are not older than what the files already hold."""
        self.superseded, self.unordered = {}, {}
        if self._inputs.if_older == "apply" or not self._inputs.origin.commit:
            return self._inputs.updates
        messages = [commit.message for commit in snapshot.history]
        for update, value in present_values(contents, self._inputs.updates).items():
            if value and value != update.value:
                self._compare(update, value, messages)
        if self.superseded and self._inputs.if_older == "fail":
            raise superseded_error(self.superseded, self._inputs.repository)
        return [update for update in self._inputs.updates if update not in self.superseded]

    def _compare(self, update: Update, value: str, messages: Sequence[str]) -> None:
        origin = self._inputs.origin
        other = source_commit_of(value, (update.file, update.key), origin.repository, messages)
        relation = self._history.relation(origin.commit, other) if other else None
        if relation == "ahead":
            self.superseded[update] = value
        elif relation in {None, "diverged"}:
            self.unordered[update] = value


def _report(
    inputs: Inputs,
    context: Context,
    bump: _Bump,
    branch: DeploymentBranch,
    outcome: Outcome | None,
) -> Outputs:
    commit = outcome.commit if outcome else None
    attempts = outcome.attempts if outcome else 1
    for note in bump.edit.notes:
        context.step.notice("About the edited file", note)
    if bump.superseded:
        context.step.warning("An older build changed nothing", superseded_text(bump.superseded))
    for update, value in bump.unordered.items():
        context.step.info(
            f"{update.key}: whether `{value}` is newer or older than this commit is not known "
            "(its commit is not in the source repository's history, or cannot be seen)."
        )
    context.step.info(bump.edit.diff or "Nothing to change.")
    if commit:
        context.step.info(f"Committed as {commit.sha}: {commit.url}")
    context.step.summary(
        summary(inputs.repository, inputs.branch, bump.edit, commit, attempts, branch.requests)
    )
    return Outputs(
        commit_sha=commit.sha if commit else "",
        commit_url=commit.url if commit else "",
        changed=commit is not None,
        previous=_previous(bump.edit.changes),
        diff=bump.edit.diff,
        superseded=bool(bump.superseded),
    )


def _previous(changes: Sequence[Change]) -> dict[str, str]:
    return {change.component or change.key: change.previous for change in changes}


def _spread_out(inputs: Inputs, context: Context) -> None:
    """Jobs of one matrix finish together; apart in time they do not collide."""
    if inputs.spread > 1:
        longest = inputs.spread * SECONDS_PER_WRITER
        context.clock.sleep(random.uniform(0, longest))  # noqa: S311 - nothing secret


def _message(given: InputReader, origin: Origin, default: str) -> str:
    template = given.text("message", default)
    try:
        compose(template, (), origin, "")
    except ValueError as error:
        given.mistake("message", str(error))
    return template


def _updates(given: InputReader) -> tuple[Update, ...]:
    """From `tags` with `file` and `key`, from lines `file:key=value`, or from both."""
    tags, lines = given.mapping("tags"), given.lines("updates")
    if not tags and not lines:
        given.mistake("tags", "is empty, and so is `updates`: there is nothing to change")
    updates = [*_from_tags(given, tags), *_from_lines(given, lines)]
    targets = [(update.file, update.key) for update in updates]
    for file, key in sorted({target for target in targets if targets.count(target) > 1}):
        given.mistake(
            "key", f"`{key}` in `{file}` would be set twice; use {{component}} in the key"
        )
    for update in updates:
        problem = _value_problem(update.value)
        if problem:
            given.mistake("tags" if update.component else "updates", problem)
    return tuple(updates)


def _targets(given: InputReader) -> tuple[Update, ...]:
    """The keys that a rollback puts back, without values."""
    for name in ("tags", "updates"):
        if given.text(name):
            given.mistake(name, "cannot be given with `rollback`, which finds the values itself")
    components = given.items("components")
    if not components and "{component}" in given.text("key"):
        given.mistake("components", "is required with `rollback` and {component} in `key`")
    return tuple(_from_tags(given, dict.fromkeys(components or ("",), "")))


def _from_tags(given: InputReader, tags: Mapping[str, str]) -> list[Update]:
    if not tags:
        return []
    files, key = given.items("file"), given.text("key")
    if not files:
        given.mistake("file", "is required with `tags`: the path of the values file")
    if not key:
        given.mistake("key", "is required with `tags`, such as astrago.{component}.imageTag")
    return [
        Update(file, key.replace("{component}", component), tag, component)
        for file in files
        for component, tag in tags.items()
    ]


def _from_lines(given: InputReader, lines: Sequence[str]) -> list[Update]:
    updates = []
    for line in lines:
        file, colon, rest = line.partition(":")
        key, equals, value = rest.rpartition("=")
        if not (file and colon and key and equals and value):
            given.mistake("updates", f"line `{line}` is not file:key=value")
            continue
        updates.append(Update(file.strip(), key.strip(), value.strip()))
    return updates


def _value_problem(value: str) -> str | None:
    """A value is a tag, a digest, or a tag with a digest."""
    tag, at, digest = value.partition("@")
    if at or value.startswith("sha256:"):
        digest = digest or value
        well_formed = digest.startswith("sha256:") and len(digest) == 71
        return None if well_formed else f"`{digest}` is not a sha256 digest"
    return tag_problem(tag)
