"""GitHub's REST API: one module per group of endpoints, `ROUTES` is the table of all."""

from __future__ import annotations

from astrago_actions.sandbox.github.calls import Routes
from astrago_actions.sandbox.github.rest import (
    accounts,
    actions,
    contents,
    history,
    repositories,
)

ROUTES = Routes(
    [
        entry
        for module in (accounts, repositories, contents, history, actions)
        for entry in module.ROUTES.table
    ]
)
