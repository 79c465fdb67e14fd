"""The texts that people meet when something fails, read out of the source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "src/astrago_actions"
GAP = "…"
# Functions whose first argument completes the title "Could not …".
DOING = frozenset({"explained", "explained_write", "_repeat"})


class Source:
    """One module; placeholders of f-strings are given as `…`."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text(encoding="utf-8"))

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """Every function by its name."""
        found = (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef))
        return {each.name: each for each in found}

    def calls(self, names: frozenset[str]) -> Iterator[ast.Call]:
        """Calls of functions and classes of these names."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and called(node) in names:
                yield node

    def texts(self, node: ast.expr | None) -> Iterator[str]:
        """What an expression may be as text, as far as it is written in this module."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(each.value) if isinstance(each, ast.Constant) else GAP for each in node.values
            )
        elif isinstance(node, ast.IfExp):
            yield from self.texts(node.body)
            yield from self.texts(node.orelse)
        elif isinstance(node, ast.Name):
            yield from self._assigned(node.id)
        elif isinstance(node, ast.Starred):
            yield from self.texts(node.value)
        elif isinstance(node, ast.Call):
            yield from self._returned(called(node))

    def _assigned(self, name: str) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign) and any(
                isinstance(each, ast.Name) and each.id == name for each in node.targets
            ):
                yield from self.texts(node.value)

    def _returned(self, function: str) -> Iterator[str]:
        for node in ast.walk(self.functions.get(function, ast.Module([], []))):
            if isinstance(node, ast.Return):
                first = node.value.elts[0] if isinstance(node.value, ast.Tuple) else node.value
                yield from self.texts(first)


def called(node: ast.Call) -> str:
    """The last part of what is called: `failure` of `step.failure(…)`."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def sources() -> list[Source]:
    """Every module that a user's workflow may run."""
    return [Source(path) for path in sorted(PACKAGE.rglob("*.py")) if "sandbox" not in path.parts]


def error_classes(modules: list[Source]) -> frozenset[str]:
    """`ActionError` and all that are made from it."""
    found = {"ActionError"}
    classes = [
        node
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    ]
    for _ in classes:
        found |= {
            each.name
            for each in classes
            if any(isinstance(base, ast.Name) and base.id in found for base in each.bases)
        }
    return frozenset(found)


def error_titles() -> set[str]:
    """The title of every error."""
    modules = sources()
    classes = error_classes(modules)
    titles: set[str] = set()
    for module in modules:
        for call in (*module.calls(classes | {"_error"}), *_super_calls(module, classes)):
            titles.update(module.texts(call.args[0] if call.args else None))
        for call in module.calls(DOING):
            titles.update(f"Could not {each}" for each in module.texts(call.args[0]))
    return titles - {GAP}


def _super_calls(module: Source, classes: frozenset[str]) -> Iterator[ast.Call]:
    """What an error class hands to `ActionError`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and node.name in classes - {"ActionError"}:
            for each in ast.walk(node):
                if isinstance(each, ast.Call) and called(each) == "__init__":
                    yield each


def annotation_titles() -> set[str]:
    """The title of every warning and notice that does not fail the step."""
    return {
        text
        for module in sources()
        for call in module.calls(frozenset({"warning", "notice"}))
        for text in module.texts(call.args[0])
    }


def final_rows() -> set[str]:
    """The rules of the rollout's state machine that end a wait: `reason` in `applications`."""
    rows: set[str] = set()
    for module in sources():
        for call in module.calls(frozenset({"Verdict"})):
            result = call.args[3] if len(call.args) > 3 else None
            given = next((each.value for each in call.keywords if each.arg == "result"), result)
            if given is not None:
                rows.update(module.texts(call.args[1]))
        for call in module.calls(frozenset({"_unhealthy"})):
            rows.update(module.texts(call.args[0]))
    return rows
