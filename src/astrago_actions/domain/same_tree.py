"""Comparing two texts node by node: proof that nothing but the targeted values differs."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence as SequenceOf

from astrago_actions.domain.yaml_tree import Alias, Mapping, Node, Scalar, Sequence


def first_difference(
    before: SequenceOf[Node], after: SequenceOf[Node], wanted: MappingOf[int, str]
) -> Node | None:
    """The first node of `before` that is not the same in `after`; None when all are.

    `wanted` maps the `id` of a scalar of `before` to the string that it must be in `after`.
    """
    if len(before) != len(after):
        return before[-1] if before else None
    stack = list(zip(before, after, strict=True))
    while stack:
        old, new = stack.pop()
        if id(old) in wanted:
            if not _is_string(old, new, wanted[id(old)]):
                return old
        elif not _same(old, new):
            return old
        else:
            stack.extend(zip(_children(old), _children(new), strict=True))
    return None


def _same(old: Node, new: Node) -> bool:
    """Whether two nodes are equal, their children apart (which must be as many)."""
    if isinstance(old, Alias) or isinstance(new, Alias):
        return isinstance(old, Alias) and isinstance(new, Alias) and old.name == new.name
    if type(old) is not type(new) or (old.anchor, old.tag) != (new.anchor, new.tag):
        return False
    if isinstance(old, Scalar) and isinstance(new, Scalar):
        return old.value == new.value and old.style == new.style
    return len(_children(old)) == len(_children(new))


def _is_string(old: Node, new: Node, value: str) -> bool:
    if not isinstance(old, Scalar) or not isinstance(new, Scalar):
        return False
    kept = (old.anchor, old.tag) == (new.anchor, new.tag)
    return kept and new.value == value


def _children(node: Node) -> list[Node]:
    if isinstance(node, Mapping):
        return [each for pair in node.pairs for each in pair]
    return node.items if isinstance(node, Sequence) else []
