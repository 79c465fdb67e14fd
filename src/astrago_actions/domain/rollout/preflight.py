"""Rows S0: what can never work.

Each function is one row of the rollout's state table: a verdict where the row applies, or None.
"""

from __future__ import annotations

import re

from astrago_actions.domain.rollout.conversation import not_logged_in
from astrago_actions.domain.rollout.values import (
    Trouble,
    Verdict,
)
from astrago_actions.domain.rollout.view import View
from astrago_actions.domain.rollout.words import normal_repository, short

_FULL_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def session_missing(view: View) -> Verdict | None:
    """S0: userinfo says that nobody is logged in, though requests are answered."""
    session = view.observation.session
    if session is None or session.logged_in:
        return None
    return not_logged_in(Trouble("unauthorized", "The server says: loggedIn=false", 401))


def deletion_under_way(view: View) -> Verdict | None:
    """S0 and any: the application is being deleted."""
    if not view.application.deleting:
        return None
    return Verdict(
        "preflight",
        "deletion-under-way",
        "The application is being deleted",
        "not-found",
        "Its metadata has a deletionTimestamp.",
        "Find out who deleted it; nothing will be deployed by it any more.",
    )


def no_source_is_ours(view: View) -> Verdict | None:
    """S0: none of the application's sources is the deployment repository."""
    hydrated_from = view.application.hydrated_from
    sources = [hydrated_from] if hydrated_from else list(view.application.sources)
    ours = [
        each for each in sources if normal_repository(each.repository) == view.target.repository
    ]
    if not view.target.repository or ours:
        return None
    listed = "\n".join(f"- {each.repository or each.chart}" for each in sources) or "- none"
    return Verdict(
        "preflight",
        "no-source-is-ours",
        "This application can never deploy our commit: it has other sources",
        "config",
        f"Our repository is {view.target.repository}; the application's sources are:\n{listed}",
        "Check `application` and `deployment-repository`.",
    )


def follows_another_revision(view: View) -> Verdict | None:
    """S0: the application follows another branch or a fixed commit that is not ours."""
    if view.seen or not view.target.revision:
        return None
    hydrated_from = view.application.hydrated_from
    if hydrated_from is not None:
        followed = [hydrated_from.target_revision or "HEAD"]
    else:
        sources = [view.application.sources[index] for index in view.our_sources]
        followed = [each.target_revision or "HEAD" for each in sources if not each.chart]
    if not followed or not all(_never_ours(view, each) for each in followed):
        return None
    names = ", ".join(f"`{each}`" for each in followed)
    wanted = f"branch `{view.target.branch}`" if view.target.branch else "a branch with our commit"
    return Verdict(
        "preflight",
        "follows-another-revision",
        f"This application can never deploy our commit: it follows {names}",
        "config",
        f"Our commit is {short(view.target.revision)}; the application has to follow {wanted}.",
        "Correct the application's targetRevision, or the branch that the tag was changed on; if "
        "it is the right one, somebody rewrote it.",
    )


def _never_ours(view: View, followed: str) -> bool:
    relation, branch = view.relation_of(followed), view.target.branch
    if _FULL_SHA.fullmatch(followed):
        return relation not in {"same", "newer"}
    # A branch that diverged, where an ancestor of ours was compared at first, was rewritten since.
    baseline = view.memory.baseline
    began_elsewhere = baseline is not None and view.best_relation(baseline.revisions) == "diverged"
    if relation == "older" or (relation == "diverged" and began_elsewhere):
        return view.times_seen("follows-another") > 1
    if not branch or followed in {branch, f"refs/heads/{branch}", "HEAD"}:
        return False
    return relation not in {"same", "newer"}


def nothing_will_sync(view: View) -> Verdict | None:
    """S0: auto-sync is off and we may not sync either."""
    application = view.application
    done = view.seen and application.sync_status == "Synced"
    if application.automated or view.target.sync != "never" or done:
        return None
    if application.operation_pending:
        return None
    return Verdict(
        "preflight",
        "nothing-will-sync",
        "Nothing will sync this application: auto-sync is off and `sync` is `never`",
        "config",
        "A change in git reaches the cluster only through a sync.",
        "Set `sync: if-needed` here, or turn on auto-sync in the application.",
    )
