"""The ways to read a file, from the quickest that is certain to the most careful."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from astrago_actions.domain.editing.go_template import is_template, template_outline, template_view
from astrago_actions.domain.editing.lookup import walk
from astrago_actions.domain.editing.notes import digests_beside
from astrago_actions.domain.editing.outline_reader import outline
from astrago_actions.domain.editing.suggestion import Place
from astrago_actions.domain.editing.tree import Scalar
from astrago_actions.domain.editing.view import View, excerpt_if_certain, whole_views
from astrago_actions.domain.key_path import Key, KeyPath

# Shorter files are read as a whole: that takes some milliseconds.
_SHORT = 2_000


class Kind(Enum):
    """How a file is read."""

    EXCERPT = "the lines on the way to the keys, of a long and regular file"
    WHOLE = "every document, to the last node"
    TEMPLATE = "by line and indentation, because a Go template is not YAML"


@dataclass(frozen=True)
class Reading:
    """One way to read files for the sake of some keys."""

    kind: Kind
    paths: tuple[KeyPath, ...]

    def views(self, text: str) -> tuple[View, ...]:
        """The views of a text, all of which must lead to the same edit; raises Irregular."""
        if self.kind is Kind.TEMPLATE:
            return (template_view(text, self.paths),)
        if self.kind is Kind.WHOLE:
            return whole_views(text)
        excerpt = _excerpt(text, self.paths)
        return (excerpt,) if excerpt else ()

    def same_outside(self, before: str, after: str) -> bool:
        """Whether the views leave out nothing that differs; raises Irregular."""
        if self.kind is Kind.EXCERPT:
            return outline(before).same_keys(outline(after))
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


def readings(text: str, paths: Sequence[KeyPath]) -> Iterator[Reading]:
    """How to read this text: the quickest way first, then the one that always serves."""
    if len(text) >= _SHORT and _excerpt(text, paths):
        yield Reading(Kind.EXCERPT, tuple(paths))
    kind = Kind.TEMPLATE if is_template(text) else Kind.WHOLE
    yield Reading(kind, tuple(paths))


def _excerpt(text: str, paths: Iterable[KeyPath]) -> View | None:
    needed = tuple(paths)
    welcome = [beside for path in needed for beside in digests_beside(path)]
    return excerpt_if_certain(text, needed, welcome)
