"""How the contracts are fetched and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts import plugin, published
from tests.contracts.published import Contract, Unavailable

WANTED = Contract("@octokit/graphql-schema", "0.0.0", "package/schema.graphql", "0" * 64)


@pytest.fixture
def without_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(published, "CACHE", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_what_is_kept_is_used_without_npm(without_npm: Path) -> None:
    kept = without_npm / "0.0.0-schema.graphql"
    kept.write_text("type Query")

    assert WANTED.path() == kept


def test_what_cannot_be_had_is_said(without_npm: Path) -> None:
    with pytest.raises(Unavailable, match="npm did not deliver @octokit"):
        WANTED.path()


def test_it_is_a_failure_only_in_ci(monkeypatch: pytest.MonkeyPatch, without_npm: Path) -> None:
    monkeypatch.setattr(plugin, "rest_contract", WANTED.path)

    monkeypatch.delenv("CI", raising=False)
    assert "npm did not deliver" in (plugin.contracts_or_reason() or "")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="are needed here"):
        plugin.contracts_or_reason()
