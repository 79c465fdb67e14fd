"""Rows S3: sync."""

from __future__ import annotations

import re

from astrago_actions.domain.rollout.application import (
    Condition,
    Operation,
    ResourceResult,
)
from astrago_actions.domain.rollout.values import (
    REFRESH,
    Verdict,
    Want,
)
from astrago_actions.domain.rollout.view import View
from astrago_actions.domain.rollout.words import first_line, short

_FAILED_ATTEMPT = re.compile(r"Failed (?:last )?sync attempt to \[?([^\]:]*)\]?")


_WINDOW_MESSAGE = "blocked by sync window"


def older_sync_running(view: View) -> Verdict | None:
    """S3: a sync of an older revision is in the way; ours comes after it."""
    operation = view.application.operation
    if not view.application.operation_pending or operation is None:
        return None
    if operation.phase not in {"Running", "Terminating"} or view.our_operation is not None:
        return None
    if not operation.revisions or view.relation == "unknown":
        return None
    return Verdict(
        "sync",
        "older-sync-running",
        f"queued behind the older sync of {short(operation.revisions[0])}"
        f"{_said(operation.message)}",
        wants=frozenset() if view.seen else REFRESH,
    )


def window_blocks(view: View) -> Verdict | None:
    """S3: a sync window keeps our change out."""
    application = view.application
    operation = application.operation
    running = operation is not None and application.operation_pending
    blocked_run = running and operation is not None and _WINDOW_MESSAGE in operation.message
    window = view.observation.active_window
    blocked_start = (
        view.seen and application.sync_status == "OutOfSync" and bool(window) and not running
    )
    answer = view.observation.sync_answer
    refused = answer is not None and answer.outcome == "window" and not view.synced
    if not (blocked_run or blocked_start or refused):
        return None
    headline = f"a sync window blocks the sync{f': {window}' if window else ''}"
    if not view.target.fail_in_sync_window:
        return Verdict("sync", "window-blocks", headline)
    return Verdict(
        "sync",
        "window-blocks-fails",
        headline[0].upper() + headline[1:],
        "blocked",
        (operation.message if blocked_run and operation else "") or window,
        "Deploy again when the window has ended, or set `on-sync-window: wait`.",
    )


def sync_running(view: View) -> Verdict | None:
    """S3: a sync is asked for, running, or waiting for its next attempt."""
    application = view.application
    if not application.operation_pending or not view.seen:
        return None
    operation = application.operation
    if operation is None or operation.phase not in {"Running", "Terminating"}:
        return Verdict("sync", "sync-requested", "the sync is about to begin")
    if operation.waits_to_retry:
        return _retrying(operation)
    return Verdict(
        "sync",
        "sync-running",
        f"syncing{_progress(operation)}",
        wants=view.pods_when_due,
        look_again=view.look_at_pods_at_once,
    )


def _retrying(operation: Operation) -> Verdict:
    """The failed object leads: the operation's own words only say that something failed."""
    limit = f" of {operation.retry_limit}" if operation.retry_limit > 0 else ""
    failed = next((each for each in operation.resources if _went_wrong(each)), None)
    what = f" ({failed}{_said(failed.message)})" if failed else ""
    return Verdict(
        "sync",
        "sync-retries",
        f"the sync failed{what} and is tried again (retry {operation.retry_count}{limit})"
        f"{'' if failed else _said(operation.message)}",
        detail="\n".join(_failed_results(operation)),
    )


def _progress(operation: Operation) -> str:
    hooks = [each for each in operation.resources if each.is_running_hook]
    if hooks:
        return f": {hooks[0]} is running"
    return _said(operation.message)


def _said(message: str) -> str:
    return f": {first_line(message)}" if message.strip() else ""


def sync_failed(view: View) -> Verdict | None:
    """S3: the sync of our change failed; one of an older revision does not count."""
    operation = view.our_operation
    if operation is None or view.application.operation_pending or not operation.failed:
        return None
    overtaken = bool(view.revision) and view.revision not in operation.revisions
    if overtaken and view.application.automated:
        return None
    if view.target.sync == "if-needed" and _failed_before_us(view, operation):
        return None
    failed = [each for each in operation.resources if _went_wrong(each)]
    lines = [operation.message, *_failed_results(operation)]
    what = f" ({failed[0]})" if failed else ""
    return Verdict(
        "sync",
        "sync-failed",
        f"The sync failed{what}: {first_line(failed[0].message if failed else operation.message)}",
        "sync-failed",
        "\n".join(line for line in lines if line.strip()),
        "Correct what is named above in the deployment repository; Argo CD does not try the same "
        "commit again by itself.",
    )


def _failed_results(operation: Operation) -> list[str]:
    return [f"- {each}: {each.message}" for each in operation.resources if _went_wrong(each)]


def _went_wrong(result: ResourceResult) -> bool:
    return result.status == "SyncFailed" or result.hook_phase in {"Failed", "Error"}


def _failed_before_us(view: View, operation: Operation) -> bool:
    """Whether it is the failure that was there at the beginning, which a sync of ours replaces."""
    baseline = view.memory.baseline
    earlier = baseline.operation if baseline else None
    same = earlier is not None and earlier.started_at == operation.started_at
    return same and not _refused(view)


def autosync_gave_up(view: View) -> Verdict | None:
    """S3: the controller says in a SyncError that it will not sync our revision again."""
    found = view.application.condition("SyncError")
    if found is None or view.application.operation_pending or view.synced or not view.seen:
        return None
    if not _is_about_ours(view, found) or view.times_seen("sync-error") < 2:
        return None
    return Verdict(
        "sync",
        "autosync-gave-up",
        f"Auto-sync gave up: {first_line(found.message)}",
        "sync-failed",
        f"{found.type}: {found.message}",
        "Correct the cause in the deployment repository, or sync by hand after checking it.",
    )


def _is_about_ours(view: View, condition: Condition) -> bool:
    match = _FAILED_ATTEMPT.search(condition.message)
    if match is None:
        return True
    named = re.findall(r"[0-9a-f]{40,64}", match[1])
    return any(
        view.relation_of(each) in {"same", "newer"} or each == view.revision for each in named
    ) and (view.revision in named or not view.application.automated)


def comparison_older_than_sync(view: View) -> Verdict | None:
    """S3: the operation has ended, and what is shown was compared before that."""
    if not view.seen or view.application.compared_since_operation:
        return None
    return Verdict(
        "sync", "comparison-older-than-sync", "waiting for the comparison after the sync"
    )


def drifted_after_sync(view: View) -> Verdict | None:
    """S3: out of sync again after our sync succeeded: something changes the objects back."""
    operation = view.our_operation
    if view.synced or operation is None or operation.phase != "Succeeded":
        return None
    if view.revision not in operation.revisions or view.application.sync_status != "OutOfSync":
        return None
    names = ", ".join(map(str, view.application.out_of_sync[:3])) or "some objects"
    return Verdict(
        "sync",
        "drifted-after-sync",
        f"out of sync again after a successful sync: {names}",
        detail="\n".join(f"- {each} differs" for each in view.application.out_of_sync),
    )


def person_must_sync(view: View) -> Verdict | None:
    """S3: auto-sync is off: sync ourselves where we may, else wait for a person."""
    if view.synced or not view.seen or view.application.automated:
        return None
    if view.application.sync_status != "OutOfSync":
        return None
    if view.target.sync == "if-needed" and not _refused(view):
        return Verdict(
            "sync",
            "sync-needed",
            "auto-sync is off; asking for a sync",
            wants=_sync_once(view),
        )
    return Verdict(
        "sync",
        "person-must-sync",
        f"waiting for somebody to sync: auto-sync is off{_refusal(view)}",
        notices=("Auto-sync is off: somebody has to sync, or set `sync: if-needed`.",),
    )


def autosync_stuck(view: View) -> Verdict | None:
    """S3: out of sync at our commit, and auto-sync does nothing for too long: nudge it."""
    if view.synced or view.application.sync_status != "OutOfSync" or not view.seen:
        return None
    if view.for_how_long("idle-out-of-sync") < view.target.graces.stuck:
        return Verdict("sync", "autosync-awaited", "out of sync; waiting for auto-sync to begin")
    nudges = view.target.sync != "never" and not _refused(view)
    return Verdict(
        "sync",
        "autosync-stuck",
        f"auto-sync has not begun for {view.for_how_long('idle-out-of-sync'):.0f} s"
        f"{_refusal(view)}",
        wants=_sync_once(view) if nudges else frozenset(),
    )


def _sync_once(view: View) -> frozenset[Want]:
    """Ask once for each compared revision; an answer `busy` lets us ask again later."""
    asked = view.revision in view.memory.syncs_asked
    answer = view.observation.sync_answer
    busy = answer is not None and answer.outcome == "busy"
    return frozenset() if asked and not busy else frozenset({"sync"})


def _refused(view: View) -> bool:
    answer = view.observation.sync_answer
    return answer is not None and answer.outcome == "refused"


def _refusal(view: View) -> str:
    answer = view.observation.sync_answer
    return (
        f" (our sync was refused: {first_line(answer.message)})"
        if answer and _refused(view)
        else ""
    )


def not_yet_synced(view: View) -> Verdict | None:
    """S3: neither synced nor out of sync: the comparison is under way."""
    if view.synced:
        return None
    return Verdict(
        "sync",
        "not-yet-synced",
        f"sync status is {view.application.sync_status}",
        wants=REFRESH,
    )


def sync_overdue(view: View, waiting: Verdict) -> Verdict | None:
    """S2/S3: not in sync at our commit within `sync-timeout`; names what was waited for."""
    limit = view.target.graces.sync
    if view.for_how_long("waiting-for-sync") < limit:
        return None
    return Verdict(
        waiting.state,
        "sync-overdue",
        f"Not in sync after {limit:.0f} s: {waiting.headline}",
        {"person-must-sync": "blocked", "sync-retries": "sync-failed"}.get(waiting.row, "timeout"),
        waiting.detail,
        waiting.remedy or _next_step(waiting.row),
    )


def _next_step(row: str) -> str:
    return {
        "commit-not-seen": "Check that the application's source is this repository and branch, and "
        "that Argo CD's repo server reaches GitHub; a webhook (`/api/webhook`) makes it faster.",
        "person-must-sync": "Sync the application, or set `sync: if-needed` here.",
        "autosync-stuck": "Look at the application controller's log; a sync by hand usually helps.",
        "sync-retries": "Correct what is named above in the deployment repository; raise "
        "`sync-timeout` if a later attempt usually succeeds.",
        "drifted-after-sync": "Find what changes the objects back (an operator, a webhook, an "
        "autoscaler) and name the fields in `ignoreDifferences`.",
        "older-sync-running": "Look at the older sync in Argo CD and terminate it if it hangs.",
    }.get(row, "Look at the application in Argo CD; raise `sync-timeout` if this is normal there.")
