"""GitHub's REST API: one module per group of endpoints, `ROUTES` is the table of all."""

from __future__ import annotations

from astrago_actions.sandbox.github.calls import Routes
from astrago_actions.sandbox.github.rest import (
    accounts,
    actions,
    contents,
    deployments,
    git_data,
    history,
    pulls,
    repositories,
)

ROUTES = Routes(
    [
        entry
        for module in (
            accounts,
            repositories,
            contents,
            history,
            git_data,
            pulls,
            deployments,
            actions,
        )
        for entry in module.ROUTES.table
    ]
)
