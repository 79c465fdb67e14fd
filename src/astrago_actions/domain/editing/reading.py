"""The ways to read a file, from the quickest that is certain to the most careful."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from astrago_actions.domain.editing.excerpt import excerpt_if_certain, regular
from astrago_actions.domain.editing.go_template import is_template, template_outline, template_view
from astrago_actions.domain.editing.lookup import walk
from astrago_actions.domain.editing.suggestion import Place
from astrago_actions.domain.editing.tree import Scalar
from astrago_actions.domain.editing.view import View, whole_views
from astrago_actions.domain.key_path import Key, KeyPath

# Shorter files are read as a whole: that takes some milliseconds.
_SHORT = 2_000


class Kind(Enum):
    """How a file is read."""

    EXCERPT = "the lines that decide about the keys, of a long file"
    WHOLE = "every document, to the last node"
    TEMPLATE = "by line and indentation, because a Go template is not YAML"


@dataclass(frozen=True)
class Reading:
    """One way to read files for the sake of some keys."""

    kind: Kind
    paths: tuple[KeyPath, ...]

    def views(self, text: str, *, without_tabs: bool = False) -> tuple[View, ...]:
        """The views of a text, all of which must lead to the same edit; raises Irregular."""
        if self.kind is Kind.TEMPLATE:
            return (template_view(text, self.paths),)
        if self.kind is Kind.WHOLE:
            return whole_views(text, without_tabs=without_tabs)
        excerpt = excerpt_if_certain(text, self.paths, without_tabs=without_tabs)
        return (excerpt,) if excerpt else ()

    def same_outside(self, before: str, after: str) -> bool:
        """Whether the views leave out nothing that differs; raises Irregular."""
        if self.kind is Kind.EXCERPT:
            old = regular(before)
            return old.lines.same_keys(regular(after, without_tabs=old.without_tabs).lines)
        if self.kind is Kind.TEMPLATE:
            return template_outline(before).same_keys(template_outline(after))
        return True

    def known_paths(self, text: str) -> Iterator[Place]:
        """The path of every single value, with its position in the text."""
        if self.kind is Kind.TEMPLATE:
            for keys, position in template_outline(text).paths():
                yield tuple(Key(name) for name in keys), position
            return
        for root in whole_views(text)[0].roots:
            for segments, node in walk(root):
                if isinstance(node, Scalar):
                    yield segments, node.start


Ways = Callable[[str, Sequence[KeyPath]], Iterator[Reading]]
"""How to read a text for the sake of some keys: the ways to try, one after the other."""


def readings(text: str, paths: Sequence[KeyPath]) -> Iterator[Reading]:
    """The quickest way first, then the one that always serves."""
    if len(text) >= _SHORT and excerpt_if_certain(text, paths):
        yield Reading(Kind.EXCERPT, tuple(paths))
    yield from whole(text, paths)


def whole(text: str, paths: Sequence[KeyPath]) -> Iterator[Reading]:
    """The way that always serves."""
    kind = Kind.TEMPLATE if is_template(text) else Kind.WHOLE
    yield Reading(kind, tuple(paths))
