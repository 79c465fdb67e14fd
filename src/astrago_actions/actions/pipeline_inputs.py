"""What the inputs of each part are called in the whole: part's name -> pipeline's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from astrago_actions.domain.input_names import renamed
from astrago_actions.errors import ActionError


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


DEPLOYMENT_NAMES = {
    "repository": "deployment-repository",
    "branch": "deployment-branch",
    "token": "deployment-token",
}
ARGOCD_NAMES = {
    "server": "argocd-server",
    "token": "argocd-token",
    "username": "argocd-username",
    "password": "argocd-password",
    "ca-cert": "argocd-ca-cert",
    "insecure": "argocd-insecure",
    "timeout": "wait-timeout",
}
TAG_NAMES = _same(
    *("components", "environment", "environments", "template", "image", "sha", "base"),
)
PUSH_NAMES = _same(
    *("context", "dockerfile", "target", "build-args", "secrets", "platforms", "cache"),
    *("builder", "fallback-registry", "fallback-username", "fallback-token", "if-exists"),
    *("max-size", "archive", "provenance", "sbom", "dry-run"),
) | {"username": "registry-username", "token": "registry-token"}
BUMP_NAMES = (
    _same(
        *(
            "file",
            "key",
            "templates",
            "mode",
            "if-missing",
            "if-older",
            "source-token",
            "spread",
            "dry-run",
        ),
    )
    | DEPLOYMENT_NAMES
)
WAIT_NAMES = (
    _same(
        *(
            "application",
            "selector",
            "on-failure",
            "refresh",
            "sync",
            "settle",
            "project",
            "app-namespace",
        ),
        *("sync-timeout", "deployment-repository", "deployment-token"),
    )
    | ARGOCD_NAMES
)
METRICS_NAMES = _same(
    *("targets", "window", "on-breach", "slack-webhook", "pushgateway", "otlp-endpoint"),
    *("report", "deployment-repository", "deployment-branch", "deployment-token"),
) | {"token": "source-token"}


@contextmanager
def told_under(names: Mapping[str, str]) -> Iterator[None]:
    """Let the remedy of a part's failure name the inputs as the whole does."""
    try:
        yield
    except ActionError as error:
        error.remedy = renamed(error.remedy, names)
        raise
