from __future__ import annotations

from pathlib import Path

from astrago_actions.sandbox.consumer_tree import export_consumer_tree, source_root


def test_consumers_get_actions_links_and_sources_and_nothing_else(tmp_path: Path) -> None:
    tree = export_consumer_tree(source_root(), tmp_path)

    names = {each.name for each in tree.iterdir()}
    assert {"action.yml", "actions", "src", "requirements", "build-tag"} <= names
    assert names.isdisjoint({"tests", "examples", "docs", ".git", ".venv"})
    assert (tree / "build-tag").is_symlink()
    assert (tree / "build-tag" / "action.yml").is_file()
