"""The contracts themselves; without them these tests are left out, except in CI."""

from __future__ import annotations

import pytest

from tests.contracts.plugin import contracts_or_reason, github_contract

__all__ = ["github_contract"]


@pytest.fixture
def contracts() -> None:
    """Skip, with the reason, where GitHub's contracts cannot be had."""
    reason = contracts_or_reason()
    if reason is not None:
        pytest.skip(f"left out: GitHub's own description was not consulted ({reason})")
