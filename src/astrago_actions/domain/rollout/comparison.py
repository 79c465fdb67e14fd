"""Rows S1 and S2 about comparisons that fail: the spec is refused, the manifests not made."""

from __future__ import annotations

from astrago_actions.domain.rollout.application import (
    Condition,
)
from astrago_actions.domain.rollout.values import (
    REFRESH,
    Verdict,
)
from astrago_actions.domain.rollout.view import View
from astrago_actions.domain.rollout.words import cause, first_line

_RENDER = (
    "Render the chart at this commit (`helm template`, `kustomize build`) and correct it in "
    "the deployment repository."
)
_CREDENTIALS = (
    "Check the address of the application's repository and Argo CD's credentials for it "
    "(Settings > Repositories)."
)
# What Argo CD says when it does not get as far as making manifests, and what helps then.
_NEXT_STEPS = (
    ("app path does not exist", "Correct the application's `path`, or add that folder."),
    ("unable to resolve", "Correct the application's `targetRevision`: nothing has that name."),
    ("failed to list refs", _CREDENTIALS),
    ("authentication required", _CREDENTIALS),
    ("repository not found", _CREDENTIALS),
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
        f"waiting for a fresh comparison; the last one failed: {cause(found.message)}",
        detail=f"{found.type}: {found.message}",
        wants=REFRESH,
    )


def comparison_network_error(view: View) -> Verdict | None:
    """S2/S3: Argo CD cannot reach its sources just now; that may pass."""
    found = _comparison_error(view)
    if found is None or not found.is_network_trouble:
        return None
    return Verdict(
        "commit",
        "comparison-network-error",
        f"Argo CD cannot reach its sources: {cause(found.message)}",
        detail=f"{found.type}: {found.message}",
        wants=REFRESH,
    )


def manifest_error(view: View) -> Verdict | None:
    """S2/S3: the manifests cannot be made; confirmed by one more refresh."""
    found = _comparison_error(view)
    if found is None:
        return None
    headline = f"Argo CD cannot make the manifests: {cause(found.message)}"
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
        _next_step(found.message),
    )


def _next_step(message: str) -> str:
    return next((step for words, step in _NEXT_STEPS if words in message), _RENDER)


def _comparison_error(view: View) -> Condition | None:
    return view.application.condition("ComparisonError", "UnknownError")
