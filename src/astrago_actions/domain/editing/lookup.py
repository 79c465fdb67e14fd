"""Finding the node that a key path means, or the reason why it means none for certain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from astrago_actions.domain.editing.tree import Alias, Mapping, Node, Scalar, Sequence
from astrago_actions.domain.editing.view import View
from astrago_actions.domain.key_path import Choice, Index, Key, Segment, path_text

MERGE = "<<"


@dataclass(frozen=True)
class Found:
    """The node at the path, and the nodes passed on the way from the root."""

    node: Node
    passed: tuple[Node, ...]
    key: Node | None = None


@dataclass(frozen=True)
class Missing:
    """The path ends early: `node` is the last that exists, `depth` how many segments reach it.

    `because` says what a list lacks; it continues "`path` …".
    """

    node: Node
    passed: tuple[Node, ...]
    depth: int
    key: Node | None = None
    because: str = ""


@dataclass(frozen=True)
class Unclear:
    """The path means something that must not be edited; `reason` continues "`path` …"."""

    reason: str
    remedy: str
    position: int


Outcome = Found | Missing | Unclear


def look_up(view: View, root: Node, segments: tuple[Segment, ...]) -> Outcome:
    """Follow the segments from the root of one document."""
    node = root
    key: Node | None = None
    passed: list[Node] = []
    for depth, segment in enumerate(segments):
        if isinstance(node, Alias):
            return _through_alias(view, root, node, segments, depth)
        step = _step(view, root, node, segment, segments[:depth])
        if isinstance(step, Unclear):
            return step
        if isinstance(step, str):
            return Missing(node, tuple(passed), depth, key, step)
        passed.append(node)
        key, node = step
    if isinstance(node, Alias):
        return _through_alias(view, root, node, segments, len(segments))
    return Found(node, tuple(passed), key)


# The key and value that a segment leads to; or why it leads nowhere, empty for a missing key.
Step = tuple[Node | None, Node] | Unclear | str


def _step(view: View, root: Node, node: Node, segment: Segment, above: tuple[Segment, ...]) -> Step:
    if isinstance(segment, Key):
        return _by_key(view, root, node, segment) if isinstance(node, Mapping) else ""
    if not isinstance(node, Sequence):
        return f"does not exist: {_place_of(above)} is not a list"
    if isinstance(segment, Choice):
        return _by_choice(view, node, segment, above)
    if segment.position < len(node.items):
        return None, node.items[segment.position]
    count = f"{len(node.items)} items" if len(node.items) != 1 else "1 item"
    return f"does not exist: the list {_place_of(above)} has {count}, counted from [0]"


def _place_of(above: tuple[Segment, ...]) -> str:
    return f"`{path_text(above)}`" if above else "at the top"


def _by_key(view: View, root: Node, node: Mapping, segment: Key) -> Step:
    places = [at for at, (key, _) in enumerate(node.pairs) if key_name(key) == segment.name]
    if len(places) > 1:
        return _duplicate(view, segment, [node.pairs[at][0] for at in places])
    source = _merged_from(node.pairs[places[0] :] if places else node.pairs, segment.name)
    if source is None:
        return node.pairs[places[0]] if places else ""
    merge, origin = source
    line = view.line(merge.start)
    if places:
        return Unclear(
            f"is unclear: the `<<` behind it (line {line}) brings `{segment}` too, from "
            f"{_named(view, root, origin)}, and Helm takes that one",
            "Move the `<<` to the top of its map, where the keys below it win for every reader.",
            node.pairs[places[0]][0].start,
        )
    return Unclear(
        f"has no value of its own: `{segment}` comes through `<<` (line {line}) from "
        f"{_named(view, root, origin)}",
        "Change the value where it comes from, or give the map a key of its own.",
        merge.start,
    )


def _duplicate(view: View, segment: Key, keys: list[Node]) -> Unclear:
    lines = listed([str(view.line(key.start)) for key in keys])
    return Unclear(
        f"is unclear: the key `{segment}` stands {len(keys)} times in one map, "
        f"on lines {lines}; readers disagree about which one counts",
        "Remove the duplicate keys, keeping the one that is meant.",
        keys[0].start,
    )


def _merged_from(pairs: list[tuple[Node, Node]], name: str) -> tuple[Node, Node] | None:
    """The `<<` among the pairs that brings in a key of this name, and that key.

    YAML lets the map's own keys win; go-yaml v2, Helm's reader, lets the later one win.
    """
    for key, value in pairs:
        if key_name(key) != MERGE:
            continue
        origin = _first_key(value, name)
        if origin is not None:
            return key, origin
    return None


def _first_key(merged: Node, name: str) -> Node | None:
    """The first key of this name in what `<<` holds; earlier sources win, and own keys."""
    waiting = [merged]
    seen: set[int] = set()
    while waiting:
        source = resolved(waiting.pop(0))
        if source is None or id(source) in seen:
            continue
        seen.add(id(source))
        if isinstance(source, Sequence):
            waiting = [*source.items, *waiting]
        elif isinstance(source, Mapping):
            own = [key for key, _ in source.pairs if key_name(key) == name]
            if own:
                return own[0]
            merges = [value for key, value in source.pairs if key_name(key) == MERGE]
            waiting = [*merges, *waiting]
    return None


def _by_choice(view: View, node: Sequence, segment: Choice, above: tuple[Segment, ...]) -> Step:
    chosen = [item for item in node.items if _field(item, segment.field) == segment.value]
    if len(chosen) == 1:
        return None, chosen[0]
    wanted = f"{segment.field}={segment.value}"
    if chosen:
        lines = listed([str(view.line(item.start)) for item in chosen])
        return Unclear(
            f"is unclear: {len(chosen)} items of the list {_place_of(above)} have {wanted}, "
            f"on lines {lines}",
            "Choose by a field that tells the items apart, or by position such as `[0]`.",
            chosen[0].start,
        )
    values = [_field(item, segment.field) for item in node.items]
    known = listed([f"`{value}`" for value in values if value is not None])
    has = f"the values there are {known}" if known else f"none has a `{segment.field}`"
    return f"does not exist: no item of the list {_place_of(above)} has {wanted}; {has}"


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
    view: View, root: Node, alias: Alias, segments: tuple[Segment, ...], depth: int
) -> Unclear:
    rest = segments[depth:]
    at = f"`{path_text(segments[:depth])}` is" if rest else "it is"
    changed = listed(
        [
            f"`{path_text((*holder, *rest))}` (line {view.line(node.start)})"
            for holder, node in walk(root)
            if node is alias.target or (isinstance(node, Alias) and node.target is alias.target)
        ]
    )
    return Unclear(
        f"has no value of its own: {at} the alias `*{alias.name}`, and writing through it would "
        f"change {changed}",
        "Put a value of its own in place of the alias, or change the anchored value on purpose.",
        alias.start,
    )


def _named(view: View, root: Node, key: Node) -> str:
    """The path of a key, with its line."""
    for segments, node in walk(root):
        if isinstance(node, Mapping) and any(each is key for each, _ in node.pairs):
            path = path_text((*segments, Key(key_name(key) or "")))
            return f"`{path}` (line {view.line(key.start)})"
    return f"line {view.line(key.start)}"


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


def listed(parts: list[str]) -> str:
    """Words as they stand in a sentence: `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]
