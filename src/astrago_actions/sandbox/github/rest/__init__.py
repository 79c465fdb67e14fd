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
    labels,
    pulls,
    repositories,
)

_MODULES = (
    accounts,
    repositories,
    contents,
    history,
    git_data,
    pulls,
    labels,
    deployments,
    actions,
)
ROUTES = Routes([entry for module in _MODULES for entry in module.ROUTES.table])
