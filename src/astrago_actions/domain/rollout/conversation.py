"""Rows where a look brought no document: what the conversation itself met.

Before the first document it is a matter of S0, afterwards of the rows that hold in any state.
"""

from __future__ import annotations

from astrago_actions.domain.rollout.values import (
    Memory,
    Observation,
    Target,
    Trouble,
    Verdict,
)

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
        else "Where `project` is given, it is readable, but the application is not in it; else "
        "`server` may be the address of something that is not Argo CD."
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
