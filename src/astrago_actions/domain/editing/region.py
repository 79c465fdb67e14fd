"""Asking the full reader about the lines of one key, one item or one value alone.

Its answer holds for the same lines in their place: the scanner comes to them with the same
indentation open, and goes on behind them with a line that ends whatever is open in them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from astrago_actions.domain.editing.lookup import key_name, walk
from astrago_actions.domain.editing.tree import (
    Alias,
    Mapping,
    Node,
    NotYaml,
    Sequence,
    read_documents,
)

# The result of an edit is read again with the same regions in it.
_remembered = lru_cache(maxsize=20_000)
_ACTION = "{{"
_OPENED = re.compile(r"(?:[&!]\S*\s+)*\{\{")


@_remembered
def only_key(lines: str, column: int) -> str | None:
    """The key of a map that stands at `column` and has nothing else; None for anything else.

    A line that begins with a colon gives a value to the key before it.
    """
    root = None if _ACTION in lines or lines[column] == ":" else _only_root(lines)
    if not isinstance(root, Mapping) or root.flow or len(root.pairs) != 1:
        return None
    return key_name(root.pairs[0][0]) if _stands_at(root, column) else None


@_remembered
def is_only_item(lines: str, column: int) -> bool:
    """Whether the lines are a list that stands at `column` and has one item."""
    root = None if _ACTION in lines else _only_root(lines)
    if not isinstance(root, Sequence) or root.flow or len(root.items) != 1:
        return False
    return _stands_at(root, column)


@_remembered
def is_only_value(text: str) -> bool:
    """Whether the text is one quoted string, flow collection or other value from end to end."""
    root = _only_root(text)
    return root is not None and not isinstance(root, Alias) and root.end == len(text)


@_remembered
def holds_action(text: str) -> bool:
    """Whether a value has an action of a template `{{ … }}` in it, not counting strings."""
    root = _only_root(text) if _ACTION in text else None
    return root is not None and is_or_holds_action(text, root)


def is_or_holds_action(text: str, root: Node) -> bool:
    """Whether a node of the text, or one below it, is an action of a template."""
    return any(
        isinstance(node, Mapping) and node.flow and _OPENED.match(text, node.start) is not None
        for _, node in walk(root)
    )


def _stands_at(root: Mapping | Sequence, column: int) -> bool:
    return root.start == column and not root.anchor and not root.tag


def _only_root(text: str) -> Node | None:
    try:
        roots = read_documents(text)
    except NotYaml:
        return None
    return roots[0] if len(roots) == 1 else None
