"""What the inputs of each part are called in the whole: part's name -> pipeline's name."""

from __future__ import annotations


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


TAG_NAMES = _same(
    *("components", "environment", "environments", "template", "image", "sha", "base"),
)
PUSH_NAMES = _same(
    *("context", "dockerfile", "target", "build-args", "secrets", "platforms", "cache"),
    *("builder", "fallback-registry", "fallback-username", "fallback-token", "if-exists"),
    *("max-size", "archive", "provenance", "sbom", "dry-run"),
) | {"username": "registry-username", "token": "registry-token"}
BUMP_NAMES = _same(
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
) | {
    "repository": "deployment-repository",
    "branch": "deployment-branch",
    "token": "deployment-token",
}
WAIT_NAMES = _same(
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
) | {
    "server": "argocd-server",
    "token": "argocd-token",
    "username": "argocd-username",
    "password": "argocd-password",
    "ca-cert": "argocd-ca-cert",
    "insecure": "argocd-insecure",
    "timeout": "wait-timeout",
}
METRICS_NAMES = _same(
    *("targets", "window", "on-breach", "slack-webhook", "pushgateway", "otlp-endpoint"),
    *("report", "deployment-repository", "deployment-branch", "deployment-token"),
) | {"token": "source-token"}
