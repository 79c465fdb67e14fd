"""on-failure: rollback: the tags before a change that failed are put back in git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

from astrago_actions.actions.argocd_wait_inputs import Inputs, RollbackPlace
from astrago_actions.clients.deployment_branch import (
    LONG_HISTORY,
    Commit,
    DeploymentBranch,
    Snapshot,
)
from astrago_actions.clients.github import connect
from astrago_actions.clients.safe_commit import Proposal, commit_safely
from astrago_actions.context import Context
from astrago_actions.domain.bump_commit import (
    ROLLBACK_MESSAGE,
    Origin,
    compose,
    recorded_changes,
    trailers,
)
from astrago_actions.domain.bump_edit import Update, edit_files, present_values
from astrago_actions.domain.images_put_back import images_put_back
from astrago_actions.errors import ActionError
from astrago_actions.step import Step

COMMIT_SECONDS = 120


def take_back(place: RollbackPlace, revision: str, context: Context) -> Commit | None:
    """Put back the values before the bump `revision`, in one commit.

    A key that has another value by now stays as it is: somebody has deployed since. None when
    that is so for every key. Raises ActionError when `revision` is not a bump that this can read.
    """
    branch = DeploymentBranch(
        connect(place.token, context.run.api_url), place.repository, place.branch
    )
    message = _message_of(revision, branch.read((), history=LONG_HISTORY), place.branch)
    bump_id = uuid4().hex[:16]

    def decide(snapshot: Snapshot) -> Proposal | None:
        contents = {path: file.content for path, file in snapshot.files.items()}
        restored = _restored(message, contents)
        if not restored:
            return None
        edit = edit_files(contents, restored, if_missing="fail")
        origin = _origin(message, revision, context)
        return Proposal(edit.contents, compose(ROLLBACK_MESSAGE, edit.changes, origin, bump_id))

    outcome = commit_safely(
        branch,
        tuple(dict.fromkeys(file for file, _ in recorded_changes(message))),
        decide,
        bump_id=bump_id,
        clock=context.clock,
        deadline=context.clock.monotonic() + COMMIT_SECONDS,
        on_wait=lambda error, seconds: context.step.info(f"{error}\nAgain in {seconds:.1f} s."),
    )
    return outcome.commit


def change_before(inputs: Inputs, commit: Commit, error: ActionError, step: Step) -> Inputs:
    """What is waited for after the rollback `commit`: the commit, and the images put back.

    Where they cannot be told, the commit alone; `error` is the failure that was taken back.
    """
    images, unknown = images_put_back(inputs.images, recorded_changes(commit.message).values())
    if error.outputs.get("result") == "manifest-error":
        images, unknown = (), inputs.images  # no manifest was seen to want them
    if images:
        step.info(f"Waiting for {', '.join(images)} to run again.")
    else:
        step.info("The rollback is waited for by its commit alone.")
    if unknown:
        step.info(f"Which images run again in place of {', '.join(unknown)} is not known.")
    return replace(inputs, revision=commit.sha, images=images, rollback=None)


def _message_of(revision: str, snapshot: Snapshot, branch: str) -> str:
    for commit in snapshot.history:
        if commit.sha == revision and recorded_changes(commit.message):
            return commit.message
    raise ActionError(
        "There is nothing to take back",
        f"{revision[:8]} is not a bump among the last {LONG_HISTORY} commits of `{branch}`.",
        "Put the tags back by hand: docs/rollback.md says how.",
    )


def _restored(message: str, contents: Mapping[str, bytes]) -> list[Update]:
    """The values before the bump, for the keys that still have the value it gave them."""
    recorded = recorded_changes(message)
    components = _components(message, len(recorded))
    ours = {
        Update(file, key, value, component): previous
        for ((file, key), (previous, value)), component in zip(
            recorded.items(), components, strict=True
        )
    }
    present = present_values(contents, ours)
    return [
        Update(update.file, update.key, previous, update.component)
        for update, previous in ours.items()
        if previous and present[update] == update.value
    ]


def _components(message: str, keys: int) -> list[str]:
    """The component of each recorded key: a bump records them in the same order for each file."""
    names = trailers(message).get("Component", ())
    if not names or keys % len(names):
        return [""] * keys
    return [*names] * (keys // len(names))


def _origin(message: str, revision: str, context: Context) -> Origin:
    """Without a source commit: the values were built from others than this run's."""
    found = trailers(message)
    return Origin(
        environment=found.get("Environment", ("",))[0],
        repository=found.get("Source-Repository", ("",))[0],
        run_url=context.run.url,
        rollback_of=revision,
    )
