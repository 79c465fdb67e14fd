"""Rows S0 and "any": what can never work, what the conversation itself met, and who is gone.

Each function is one row of the rollout's state table: a verdict where the row applies, or None.
"""

from __future__ import annotations

import re

from astrago_actions.domain.argocd_application import Condition
from astrago_actions.domain.rollout_view import (
    Memory,
    Observation,
    Target,
    Trouble,
    Verdict,
    View,
    normal_repository,
    short,
)

_FULL_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_GONE_AFTER = 3


def judge_trouble(
    target: Target, observation: Observation, memory: Memory, trouble: Trouble
) -> Verdict:
    """The verdict where a look brought no document."""
    if memory.baseline is not None:
        return _trouble_in_mid_wait(target, observation, memory, trouble)
    if trouble.kind == "certificate":
        return tls_verify_fails(trouble)
    if trouble.kind == "not-argo-cd":
        return not_argo_cd(trouble)
    if trouble.kind == "unauthorized":
        return not_logged_in(trouble)
    if trouble.kind == "hidden":
        return application_hidden(target, trouble)
    if trouble.kind == "no-contact":
        return never_reached(memory, trouble)
    if trouble.kind == "refused":
        return request_refused(trouble)
    return no_answer(target, observation, memory, trouble)


def _trouble_in_mid_wait(
    target: Target, observation: Observation, memory: Memory, trouble: Trouble
) -> Verdict:
    if trouble.kind == "unauthorized":
        return session_ended(trouble)
    if trouble.kind == "hidden":
        return application_gone(memory, trouble)
    return no_answer(target, observation, memory, trouble)


def tls_verify_fails(trouble: Trouble) -> Verdict:
    """S0: the certificate is not trusted; never go on without checking it."""
    return Verdict(
        "preflight",
        "tls-verify-fails",
        "The certificate of the Argo CD server is not trusted",
        "config",
        trouble.message,
        "Give the certificate of your authority in `ca-cert`; `insecure: true` is the last resort.",
    )


def not_argo_cd(trouble: Trouble) -> Verdict:
    """S0: something else answers: a wrong address, a login page, a missing root path."""
    return Verdict(
        "preflight",
        "not-argo-cd",
        "The server does not answer like Argo CD",
        "config",
        trouble.message,
        "Check `server`: scheme, host and root path (`https://host/argo-cd`); where a login page "
        "stands in front, let `/api/` through or send its header with `headers`.",
    )


def not_logged_in(trouble: Trouble) -> Verdict:
    """S0: the credentials are refused before anything was seen."""
    return Verdict(
        "preflight",
        "not-logged-in",
        "Argo CD does not accept the credentials",
        "auth",
        trouble.message,
        "Make a new token (`argocd account generate-token`) and store it whole, without quotes or "
        "line breaks; for keyless login check `dex-connector` and `permissions: id-token: write`.",
    )


def never_reached(memory: Memory, trouble: Trouble) -> Verdict:
    """S0: nobody answers at this address, three times within two seconds."""
    sighting = memory.sighting("no-contact")
    if sighting is None or sighting.count < _GONE_AFTER:
        return Verdict(
            "preflight",
            "not-reached-yet",
            "Argo CD cannot be reached",
            detail=trouble.message,
            look_again=0.5,
        )
    return Verdict(
        "preflight",
        "never-reached",
        "Argo CD cannot be reached",
        "unreachable",
        trouble.message,
        "Check `server`, and that this runner may reach it (network, proxy, VPN).",
    )


def session_ended(trouble: Trouble) -> Verdict:
    """Any: 401 in mid-wait, and logging in again did not help."""
    return Verdict(
        "refresh",
        "session-ended",
        "The Argo CD session ended during the wait; the outcome is unknown",
        "auth",
        trouble.message,
        "Look at the application in Argo CD. Use a token that outlives the wait, or "
        "username/password or keyless login, which are renewed by themselves.",
    )


def application_hidden(target: Target, trouble: Trouble) -> Verdict:
    """S0: 403 or 404 for the application; Argo CD says 403 for both unless `project` is given."""
    headline = f"Application {target.application} is missing, or these credentials may not see it"
    if target.wait_for_application:
        return Verdict("preflight", "application-awaited", headline, look_again=5.0)
    meaning = (
        "Argo CD answers 403 for a missing application too, unless `project` is given."
        if trouble.status == 403
        else "The project is readable, but the application is not in it."
    )
    return Verdict(
        "preflight",
        "application-hidden",
        headline,
        "not-found",
        f"{trouble.message}\n{meaning}",
        "Check `application`, `project` and `app-namespace`, and that the account has the right "
        f"`applications, get, <project>/{target.application}`.",
    )


def application_gone(memory: Memory, trouble: Trouble) -> Verdict:
    """Any: 403 or 404 in mid-wait, three times in a row."""
    sighting = memory.sighting("hidden")
    if sighting is None or sighting.count < _GONE_AFTER:
        return Verdict(
            "refresh",
            "application-vanished",
            "The application cannot be read just now",
            detail=trouble.message,
            look_again=2.0,
        )
    return Verdict(
        "refresh",
        "application-gone",
        "The application was deleted, or access to it was taken away, during the wait",
        "not-found",
        trouble.message,
        "Look at who deleted the application (an ApplicationSet or its parent may own it).",
    )


def request_refused(trouble: Trouble) -> Verdict:
    """S0: the server understood and said no for another reason than access."""
    return Verdict(
        "preflight",
        "request-refused",
        "Argo CD refused the request",
        "config",
        trouble.message,
        "Check `application`, `project` and `app-namespace` against what Argo CD says.",
    )


def no_answer(
    target: Target, observation: Observation, memory: Memory, trouble: Trouble
) -> Verdict:
    """Any: 429, 5xx, time-outs, resets: go on, more slowly; after five minutes give up."""
    since = memory.answered_at or 0.0
    if observation.at - since < target.graces.unreachable:
        return Verdict(
            "refresh", "no-answer", "Argo CD does not answer just now", detail=trouble.message
        )
    return unreachable(trouble, observation.at - since)


def unreachable(trouble: Trouble, silent_for: float) -> Verdict:
    """Any: no answer for too long; the rollout may have gone well all the same."""
    return Verdict(
        "refresh",
        "unreachable",
        f"No answer from Argo CD for {silent_for:.0f} s; the outcome is unknown",
        "unreachable",
        trouble.message,
        "Check that this runner reaches the server (network, proxy, VPN); the deployment itself "
        "may have gone well: look at the application in Argo CD.",
    )


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


def spec_error(view: View) -> Verdict | None:
    """Any: the application itself is wrong; confirmed by a second look after a refresh."""
    found = view.application.condition("InvalidSpecError", "DeletionError")
    if found is None:
        return None
    headline = f"Argo CD refuses the application: {first_line(found.message)}"
    if not view.confirmed("spec-error"):
        wants = view.wants_to_confirm("spec-error")
        return Verdict("refresh", "spec-error-unconfirmed", headline, wants=wants)
    return Verdict(
        "refresh",
        "spec-error",
        headline,
        "config",
        f"{found.type}: {found.message}",
        "Correct the application's spec or its project's permitted sources and destinations.",
    )


def old_complaint(view: View) -> Verdict | None:
    """S1: an error of a comparison before our refresh may be old; the fresh one will tell."""
    found = _comparison_error(view)
    if found is None or view.target.refresh == "none" or view.observation.refreshes > 0:
        return None
    if view.for_how_long("manifest-error") >= view.target.graces.refresh_again:
        return None
    return Verdict(
        "refresh",
        "old-complaint",
        f"waiting for a fresh comparison; the last one failed: {first_line(found.message)}",
        detail=f"{found.type}: {found.message}",
        wants=frozenset({"refresh"}),
    )


def comparison_network_error(view: View) -> Verdict | None:
    """S2/S3: Argo CD cannot reach its sources just now; that may pass."""
    found = _comparison_error(view)
    if found is None or not found.is_network_trouble:
        return None
    return Verdict(
        "commit",
        "comparison-network-error",
        f"Argo CD cannot reach its sources: {first_line(found.message)}",
        detail=f"{found.type}: {found.message}",
        wants=frozenset({"refresh"}),
    )


def manifest_error(view: View) -> Verdict | None:
    """S2/S3: the manifests cannot be made; confirmed by one more refresh."""
    found = _comparison_error(view)
    if found is None:
        return None
    headline = f"Argo CD cannot make the manifests: {first_line(found.message)}"
    detail = f"{found.type}: {found.message}"
    if not view.confirmed("manifest-error"):
        wants = view.wants_to_confirm("manifest-error")
        return Verdict("commit", "manifest-error-unconfirmed", headline, detail=detail, wants=wants)
    return Verdict(
        "commit",
        "manifest-error",
        headline,
        "manifest-error",
        detail,
        "Render the chart at this commit (`helm template`, `kustomize build`) and correct it in "
        "the deployment repository.",
    )


def _comparison_error(view: View) -> Condition | None:
    return view.application.condition("ComparisonError", "UnknownError")


def first_line(text: str) -> str:
    """The first line of a message, not too long for a headline."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line if len(line) <= 160 else f"{line[:159]}…"
