"""Go templates (`.gotmpl`): text that becomes YAML only when Helm or helmfile has run it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from astrago_actions.domain.editing.excerpt import excerpt, regular
from astrago_actions.domain.editing.outline import Irregular, Outline
from astrago_actions.domain.editing.outline_reader import outline
from astrago_actions.domain.editing.region import is_or_holds_action
from astrago_actions.domain.editing.tree import NotYaml, documents
from astrago_actions.domain.editing.view import View, keys_of
from astrago_actions.domain.key_path import KeyPath

_ACTION = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}|\{\{.*?\}\}", re.DOTALL)
_ONLY_ACTIONS = re.compile(r"^[ \t]*\ue000[\ue000 \t]*(?:#[^\n]*)?(?=\r?$)", re.MULTILINE)
# From Unicode's private area, so that no key or value of a real file is made of it.
MASK = "\ue000"


def is_template(text: str) -> bool:
    """Whether the text has actions `{{ … }}` where they are not part of YAML strings."""
    if "{{" not in text:
        return False
    try:
        found = regular(text)
        if not found.without_tabs:
            return found.lines.has_actions
    except Irregular:
        pass
    try:
        return any(is_or_holds_action(text, root) for root in documents(text))
    except NotYaml:
        return True


def masked(text: str) -> str:
    """The text, as long as before, with actions made into letters and lines of actions blank."""
    letters = _ACTION.sub(lambda match: re.sub(r"[^\r\n]", MASK, match[0]), text)
    return _ONLY_ACTIONS.sub(lambda match: " " * len(match[0]), letters)


def template_outline(text: str) -> Outline:
    """The outline of a template; raises Irregular."""
    lines = outline(masked(text), masked=True)
    for entry in lines.entries:
        if entry.key is not None and MASK in entry.key and " " in entry.key:
            raise Irregular(entry.start)
    return lines


def template_view(text: str, paths: Iterable[KeyPath]) -> View:
    """The lines that may hold the keys, by indentation alone; raises Irregular."""
    lines = template_outline(text)
    ways = [way for path in paths for way in lines.ways(keys_of(path) or ())]
    for merge in (lines.merge_beside(at) for way in ways for step in way for at in step):
        if merge is not None:
            raise Irregular(merge.start)
    return excerpt(text, masked(text), _spans(lines, ways))


def _spans(lines: Outline, ways: Iterable[Sequence[Sequence[int]]]) -> set[tuple[int, int]]:
    """The lines of the entries on the ways, and of all entries below those at their ends.

    Of a block scalar this is the first line, which is enough to see what it is.
    """
    spans = set(lines.separators)
    for way in ways:
        for step in way[:-1]:
            spans.update((lines.entries[at].start, lines.entries[at].end) for at in step)
        for at in way[-1] if way else ():
            spans.update((entry.start, entry.end) for entry in lines.within(at))
    return spans
