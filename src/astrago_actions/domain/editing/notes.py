"""What a reader should know about an edit: who else it affects, and what overrides it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from astrago_actions.domain.editing.lookup import MERGE, Found, key_name, listed, walk
from astrago_actions.domain.editing.tree import Alias, Mapping, Node, Scalar
from astrago_actions.domain.editing.view import View
from astrago_actions.domain.key_path import Key, KeyPath, Segment, path_text

# Kustomize and most charts use a digest in preference to the tag beside it.
_DIGESTS = {
    "newTag": ("digest",),
    "tag": ("digest", "sha", "sha256"),
    "imageTag": ("digest", "imageDigest"),
}


def digests_beside(segment: Segment) -> tuple[str, ...]:
    """The keys beside a tag that would override it if they had a value."""
    return _DIGESTS.get(segment.name, ()) if isinstance(segment, Key) else ()


def users_of_anchor(view: View, root: Node, path: KeyPath, passed: Sequence[Node]) -> list[str]:
    """A note when other keys take the value at `path` through an anchor: they change with it.

    `passed` are the nodes on the way from the root, the value itself included if it exists.
    """
    users = list(_users(view, root, path.segments, passed))
    if not users:
        return []
    verb = "takes its value from it and changes" if len(users) == 1 else "take it and change"
    return [f"`{path}` is anchored: {listed(users)} {verb} too."]


def _users(
    view: View, root: Node, segments: tuple[Segment, ...], passed: Sequence[Node]
) -> Iterator[str]:
    depths = {id(node): depth for depth, node in enumerate(passed) if _anchor(node)}
    if not depths:
        return
    for holder, node in walk(root):
        if not isinstance(node, Alias) or id(node.target) not in depths:
            continue
        rest = segments[depths[id(node.target)] :]
        line = view.line(node.start)
        merge = next((at for at, each in enumerate(holder) if each == Key(MERGE)), None)
        if merge is None:
            yield f"`{path_text((*holder, *rest))}` (line {line})"
        elif rest:
            yield f"`{path_text((*holder[:merge], *rest))}` (line {line}, through `<<`)"


def _anchor(node: Node) -> str | None:
    return None if isinstance(node, Alias) else node.anchor


def overriding_digests(view: View, path: KeyPath, found: Found, changed: set[int]) -> list[str]:
    """A note for each digest beside a tag that has a value and does not change with it."""
    parent = found.passed[-1] if found.passed else None
    if not isinstance(parent, Mapping):
        return []
    *above, last = path.segments
    names = digests_beside(last)
    return [
        f"`{path_text((*above, Key(name)))}` (line {view.line(value.start)}) is set beside "
        f"`{path}`: where an image has a digest, the tag is not used."
        for key, value in parent.pairs
        if (name := key_name(key) or "") in names
        and isinstance(value, Scalar)
        and value.value
        and id(value) not in changed
    ]
