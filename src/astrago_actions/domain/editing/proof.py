"""Comparing two texts node by node: proof that nothing but the targeted values differs."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence as SequenceOf

from astrago_actions.domain.editing.creation import EMPTY_TEXT, Branch
from astrago_actions.domain.editing.lookup import key_name
from astrago_actions.domain.editing.scalar import is_misread
from astrago_actions.domain.editing.tree import Alias, Mapping, Node, Scalar, Sequence

STRING_TAGS = ("tag:yaml.org,2002:str", "!")

Pairs = list[tuple[Node, Node]]


def is_string(node: Node) -> bool:
    """Whether every reader takes the node for a string."""
    if not isinstance(node, Scalar):
        return False
    if node.tag:
        return node.tag in STRING_TAGS
    return bool(node.style) or not is_misread(node.value)


def same_but_for(
    before: SequenceOf[Node],
    after: SequenceOf[Node],
    changed: MappingOf[int, str],
    grown: MappingOf[int, Branch],
) -> bool:
    """Whether `after` is `before` with these values and these new keys, and nothing else.

    Nodes of `before` go by their `id`: `changed` has the string that a scalar must be now,
    `grown` the keys that a map must have gained at its end.
    """
    if not before and EMPTY_TEXT in grown:
        return len(after) == 1 and _is_branch(after[0], grown[EMPTY_TEXT])
    if len(before) != len(after):
        return False
    stack = list(zip(before, after, strict=True))
    while stack:
        old, new = stack.pop()
        if id(old) in changed:
            below = _as_changed(old, new, changed[id(old)])
        elif id(old) in grown:
            below = _as_grown(old, new, grown[id(old)])
        else:
            below = _as_before(old, new)
        if below is None:
            return False
        stack.extend(below)
    return True


def _as_changed(old: Node, new: Node, value: str) -> Pairs | None:
    right = isinstance(new, Scalar) and new.value == value and is_string(new)
    return [] if right and _alike(old, new) else None


def _as_grown(old: Node, new: Node, branch: Branch) -> Pairs | None:
    """The pairs of nodes that were there before, if what came after them is the branch."""
    if isinstance(old, Scalar):
        return [] if _is_branch(new, branch) else None
    kept = _children(old)
    children = _children(new)
    if not _alike(old, new) or not _are_branch(children[len(kept) :], branch):
        return None
    return list(zip(kept, children, strict=False))


def _as_before(old: Node, new: Node) -> Pairs | None:
    if not _alike(old, new):
        return None
    if isinstance(old, Alias) and isinstance(new, Alias):
        return [] if old.name == new.name else None
    if isinstance(old, Scalar) and isinstance(new, Scalar):
        return [] if (old.value, old.style) == (new.value, new.style) else None
    ours, theirs = _children(old), _children(new)
    return list(zip(ours, theirs, strict=True)) if len(ours) == len(theirs) else None


def _alike(old: Node, new: Node) -> bool:
    """Whether two nodes are of one kind, with the same anchor and tag."""
    if type(old) is not type(new):
        return False
    if isinstance(old, Alias) or isinstance(new, Alias):
        return True
    return (old.anchor, old.tag) == (new.anchor, new.tag)


def _is_branch(node: Node, branch: Branch) -> bool:
    return isinstance(node, Mapping) and _are_branch(_children(node), branch)


def _are_branch(children: list[Node], branch: Branch) -> bool:
    """Whether keys and values in turn are those of the branch, in its order."""
    keys, values = children[::2], children[1::2]
    if [key_name(key) for key in keys] != list(branch) or not all(map(is_string, keys)):
        return False
    return all(
        isinstance(node, Scalar) and node.value == wanted and is_string(node)
        if isinstance(wanted, str)
        else _is_branch(node, wanted)
        for node, wanted in zip(values, branch.values(), strict=True)
    )


def _children(node: Node) -> list[Node]:
    if isinstance(node, Mapping):
        return [each for pair in node.pairs for each in pair]
    return node.items if isinstance(node, Sequence) else []
