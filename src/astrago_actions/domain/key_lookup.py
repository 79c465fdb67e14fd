"""Finding the node that a key path means, or the reason why it means none for certain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from astrago_actions.domain.key_path import Choice, Index, Key, Segment, path_text
from astrago_actions.domain.yaml_tree import Alias, Mapping, Node, Scalar, Sequence, line_number

MERGE = "<<"


@dataclass(frozen=True)
class Found:
    """The node at the path, and the nodes passed on the way from the root."""

    node: Node
    passed: tuple[Node, ...]
    key: Node | None = None


@dataclass(frozen=True)
class Missing:
    """The path ends early: `node` is the last that exists, `depth` how many segments reach it."""

    node: Node
    passed: tuple[Node, ...]
    depth: int
    key: Node | None = None


@dataclass(frozen=True)
class Unclear:
    """The path means something that must not be edited; `reason` continues "`path` …"."""

    reason: str
    remedy: str
    position: int


Outcome = Found | Missing | Unclear


def look_up(text: str, root: Node, segments: tuple[Segment, ...]) -> Outcome:
    """Follow the segments from the root of one document."""
    node = root
    key: Node | None = None
    passed: list[Node] = []
    for depth, segment in enumerate(segments):
        if isinstance(node, Alias):
            return _through_alias(text, root, node, segments, depth)
        step = _step(text, root, node, segment, segments[:depth])
        if isinstance(step, Unclear):
            return step
        if step is None:
            return Missing(node, tuple(passed), depth, key)
        passed.append(node)
        key, node = step
    if isinstance(node, Alias):
        return _through_alias(text, root, node, segments, len(segments))
    return Found(node, tuple(passed), key)


Step = tuple[Node | None, Node] | Unclear | None


def _step(text: str, root: Node, node: Node, segment: Segment, above: tuple[Segment, ...]) -> Step:
    if isinstance(segment, Key):
        return _by_key(text, root, node, segment) if isinstance(node, Mapping) else None
    if not isinstance(node, Sequence):
        return None
    if isinstance(segment, Index):
        known = segment.position < len(node.items)
        return (None, node.items[segment.position]) if known else _no_item(node, segment, above)
    return _by_choice(text, node, segment, above)


def _by_key(text: str, root: Node, node: Mapping, segment: Key) -> Step:
    pairs = [pair for pair in node.pairs if key_name(pair[0]) == segment.name]
    if len(pairs) == 1:
        return pairs[0]
    if pairs:
        lines = _listed([str(line_number(text, key.start)) for key, _ in pairs])
        return Unclear(
            f"is unclear: the key `{segment}` stands {len(pairs)} times in one map, "
            f"on lines {lines}; readers disagree about which one counts",
            "Remove the duplicate keys, keeping the one that is meant.",
            pairs[0][0].start,
        )
    source = _merged_from(node, segment.name)
    if source is None:
        return None
    merge, origin = source
    return Unclear(
        f"has no value of its own: `{segment}` comes through `<<` (line "
        f"{line_number(text, merge.start)}) from {_place(text, root, origin)}",
        "Change the value where it comes from, or give the map a key of its own.",
        merge.start,
    )


def _merged_from(node: Mapping, name: str) -> tuple[Node, Node] | None:
    """The `<<` key and the key that it brings in under this name."""
    for key, value in node.pairs:
        if key_name(key) != MERGE:
            continue
        for source in value.items if isinstance(value, Sequence) else [value]:
            origin = _own_or_merged(resolved(source), name)
            if origin is not None:
                return key, origin
    return None


def _own_or_merged(node: Node | None, name: str) -> Node | None:
    """Anchors come before their aliases, so this ends; a map inside itself is cut by `pairs`."""
    if not isinstance(node, Mapping):
        return None
    for key, _ in node.pairs:
        if key_name(key) == name:
            return key
    further = _merged_from(node, name)
    return further[1] if further else None


def _by_choice(text: str, node: Sequence, segment: Choice, above: tuple[Segment, ...]) -> Step:
    chosen = [item for item in node.items if _field(item, segment.field) == segment.value]
    if len(chosen) == 1:
        return None, chosen[0]
    if not chosen:
        return _no_item(node, segment, above)
    lines = _listed([str(line_number(text, item.start)) for item in chosen])
    return Unclear(
        f"is unclear: {len(chosen)} items of the list have {segment.field}={segment.value}, "
        f"on lines {lines}",
        "Choose by a field that tells the items apart, or by position such as `[0]`.",
        chosen[0].start,
    )


def _no_item(node: Sequence, segment: Index | Choice, above: tuple[Segment, ...]) -> Unclear:
    place = f"`{path_text(above)}`" if above else "the document"
    if isinstance(segment, Index):
        count = len(node.items)
        reason = f"does not exist: the list at {place} has {count} items, counted from [0]"
        return Unclear(reason, "Correct the position in the key path.", node.start)
    values = [_field(item, segment.field) for item in node.items]
    known = _listed([f"`{value}`" for value in values if value is not None])
    has = f"the values there are {known}" if known else f"no item has a `{segment.field}`"
    return Unclear(
        f"does not exist: no item of the list at {place} has "
        f"{segment.field}={segment.value}; {has}",
        "Correct the selection in the key path.",
        node.start,
    )


def _field(item: Node, name: str) -> str | None:
    item_map = resolved(item)
    if not isinstance(item_map, Mapping):
        return None
    for key, value in item_map.pairs:
        if key_name(key) == name:
            scalar = resolved(value)
            return scalar.value if isinstance(scalar, Scalar) else None
    return None


def _through_alias(
    text: str, root: Node, alias: Alias, segments: tuple[Segment, ...], depth: int
) -> Unclear:
    rest = segments[depth:]
    at = f"`{path_text(segments[:depth])}` is" if rest else "is"
    changed = _listed(_changed_with(text, root, alias, rest))
    return Unclear(
        f"has no value of its own: {at} the alias `*{alias.name}`; "
        f"writing through it would change {changed}",
        "Put a value of its own in place of the alias, or change the anchored value on purpose.",
        alias.start,
    )


def _changed_with(text: str, root: Node, alias: Alias, rest: tuple[Segment, ...]) -> list[str]:
    """Every key that holds the alias's target, each with the rest of the path."""
    holders = []
    for segments, node in walk(root):
        if node is alias.target or (isinstance(node, Alias) and node.target is alias.target):
            line = line_number(text, node.start)
            holders.append(f"`{path_text((*segments, *rest))}` (line {line})")
    return holders


def _place(text: str, root: Node, key: Node) -> str:
    line = line_number(text, key.start)
    for segments, node in walk(root):
        if isinstance(node, Mapping):
            for each, _ in node.pairs:
                if each is key:
                    return f"`{path_text((*segments, Key(key_name(key) or '')))}` (line {line})"
    return f"line {line}"


def walk(root: Node) -> Iterator[tuple[tuple[Segment, ...], Node]]:
    """Every node with its path, in the order of the text; aliases are not followed."""
    stack: list[tuple[tuple[Segment, ...], Node]] = [((), root)]
    while stack:
        segments, node = stack.pop()
        yield segments, node
        if isinstance(node, Mapping):
            children = [(Key(key_name(key) or ""), value) for key, value in node.pairs]
            stack.extend(((*segments, key), value) for key, value in reversed(children))
        elif isinstance(node, Sequence):
            items = list(enumerate(node.items))
            stack.extend(((*segments, Index(at)), item) for at, item in reversed(items))


def key_name(key: Node) -> str | None:
    """The text of a key as the file has it, so that `8080` and `on` are found; None for a map."""
    scalar = resolved(key)
    return scalar.value if isinstance(scalar, Scalar) else None


def resolved(node: Node) -> Node | None:
    """The node itself, or what the alias stands for."""
    return node.target if isinstance(node, Alias) else node


def _listed(parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]
