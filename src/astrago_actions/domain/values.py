"""Changing values in YAML text by key path, and not one character beside them.

The nodes are found by ruamel.yaml, their characters replaced where they stand, and the result is
read again and compared node by node: an edit that would change anything else never leaves here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from astrago_actions.domain.edit_refused import EditRefused, FileRefused, Refusal
from astrago_actions.domain.editing.outline import Irregular
from astrago_actions.domain.editing.plan import Change, IfMissing, Plan, Present, find, plan_edit
from astrago_actions.domain.editing.proof import same_but_for
from astrago_actions.domain.editing.reading import Kind, Reading, Ways, readings
from astrago_actions.domain.editing.splice import Splice, applied
from astrago_actions.domain.editing.suggestion import nearest
from astrago_actions.domain.editing.tree import NotYaml, Scalar, line_number
from astrago_actions.domain.editing.view import OTHER_BREAKS, View, keys_of
from astrago_actions.domain.key_path import KeyPathError, parse_key_path, path_text


@dataclass(frozen=True)
class Edited:
    """The new text, and what each key held before: None for a key that was added.

    `notes` are sentences about what else the edit affects.
    """

    text: str
    previous: dict[str, str | None]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _File:
    text: str
    name: str


def edit(
    text: str,
    changes: Mapping[str, str],
    *,
    if_missing: IfMissing = "fail",
    name: str = "the file",
) -> str:
    """The text with the value at each key path (`key path -> value`) replaced.

    Raises EditRefused, naming every key that cannot be changed for certain and why, or
    FileRefused; `name` is what they call the file.
    """
    return apply(text, changes, if_missing=if_missing, name=name).text


def apply(
    text: str,
    changes: Mapping[str, str],
    *,
    if_missing: IfMissing = "fail",
    name: str = "the file",
    ways: Ways = readings,
) -> Edited:
    """Like `edit`, with the previous values and notes for the reader.

    `ways` says how the text is read; the outcome does not depend on it.
    """
    wanted, refusals = _parsed(changes)
    file = _File(text, name)
    try:
        for reading in ways(text, [each.path for each in wanted]):
            edited = _edited(file, reading, wanted, refusals, if_missing)
            if edited is not None:
                return edited
    except NotYaml as error:
        raise _not_yaml(text, name, error) from None
    except Irregular as error:
        raise _irregular(text, name, error) from None
    raise _not_proved(name, wanted)


def current(text: str, paths: Iterable[str], *, name: str = "the file") -> dict[str, str | None]:
    """The present value of each key path as text; None where there is no single value."""
    values: dict[str, str | None] = dict.fromkeys(paths)
    wanted, _ = _parsed(dict.fromkeys(values, ""))
    try:
        reading = next(readings(text, [each.path for each in wanted]))
        view = reading.views(text)[0]
        for each in wanted:
            outcome = find(view, each.path)
            if isinstance(outcome, Present) and isinstance(outcome.found.node, Scalar):
                values[each.key] = outcome.found.node.value
    except NotYaml as error:
        raise _not_yaml(text, name, error) from None
    except Irregular as error:
        raise _irregular(text, name, error) from None
    return values


def _parsed(changes: Mapping[str, str]) -> tuple[list[Change], list[Refusal]]:
    wanted: list[Change] = []
    refusals: list[Refusal] = []
    for key, value in changes.items():
        try:
            wanted.append(Change(key, parse_key_path(key), value))
        except KeyPathError as error:
            refusals.append(
                Refusal(key, f"is not a key path: {error.problem}", "Correct the key path.")
            )
    return wanted, refusals


def _edited(
    file: _File,
    reading: Reading,
    wanted: Sequence[Change],
    broken: Sequence[Refusal],
    if_missing: IfMissing,
) -> Edited | None:
    """The edit as this reading has it; None where it cannot be proved. Raises EditRefused."""
    views = reading.views(file.text)
    if reading.kind is Kind.TEMPLATE:
        if_missing = "fail"
    plans = [plan_edit(view, wanted, if_missing) for view in views]
    if reading.kind is Kind.EXCERPT and plans[0].absent:
        return None
    refusals = [*broken, *plans[0].refusals, *_missing(file, reading, plans[0].missing)]
    if refusals:
        raise EditRefused(file.name, refusals)
    result = applied(file.text, _agreed(file, views, plans))
    if not _proved(file, reading, views, plans, result):
        return None
    return Edited(result, plans[0].previous, tuple(plans[0].notes))


def _missing(file: _File, reading: Reading, missing: Iterable[Change]) -> list[Refusal]:
    """A refusal for each key that is not there, naming the keys that may be meant."""
    refusals = []
    for change in missing:
        if reading.kind is Kind.TEMPLATE and keys_of(change.path) is None:
            reason = f"passes through a list, and {file.name} is a Go template, read by line only"
            refusals.append(Refusal(change.key, reason, "Keep the value outside of lists."))
            continue
        remedy = "Correct the key path, or let the key be created (`if-missing: create`)."
        if reading.kind is Kind.TEMPLATE:
            remedy = "Correct the key path; keys are not added to a Go template."
        close = nearest(change.path.segments, reading.known_paths(file.text))
        meant = [f"`{path_text(path)}` (line {line_number(file.text, at)})" for path, at in close]
        hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
        refusals.append(Refusal(change.key, f"is not in {file.name}{hint}", remedy))
    return refusals


def _agreed(file: _File, views: Sequence[View], plans: Sequence[Plan]) -> list[Splice]:
    """What to write into the text; raises FileRefused where two ways to read it disagree."""
    found = [
        [_in_file(view, splice) for splice in plan.splices]
        for view, plan in zip(views, plans, strict=True)
    ]
    clean = not any(plan.refusals or plan.missing for plan in plans)
    if not clean or any(each != found[0] for each in found):
        raise _ambiguous_breaks(file.text, file.name)
    return found[0]


def _ambiguous_breaks(text: str, name: str) -> FileRefused:
    breaks = OTHER_BREAKS.search(text)
    position = breaks.start() if breaks else 0
    return FileRefused(
        f"{name} means different things to different YAML readers",
        f"Line {line_number(text, position)} holds the character U+{ord(text[position]):04X}, "
        "which ends a line for some readers (Helm's among them) and not for others.",
        "Remove the character, or write it as an escape in double quotes.",
    )


def _in_file(view: View, splice: Splice) -> Splice:
    start = view.origin(splice.start)
    return Splice(start, start + splice.end - splice.start, splice.text)


def _proved(
    file: _File, reading: Reading, before: Sequence[View], plans: Sequence[Plan], result: str
) -> bool:
    """Whether the result, read again, is what was planned: character by character, node by node."""
    without_tabs = any(view.without_tabs for view in before)
    try:
        after = reading.views(result, without_tabs=without_tabs)
        return (
            len(before) == len(after)
            and all(
                new.text == applied(old.text, plan.splices)
                and same_but_for(old.roots, new.roots, plan.changed, plan.grown)
                for old, plan, new in zip(before, plans, after, strict=True)
            )
            and reading.same_outside(file.text, result)
        )
    except (NotYaml, Irregular):
        return False


def _not_proved(name: str, wanted: Iterable[Change]) -> FileRefused:
    keys = ", ".join(f"`{each.key}`" for each in wanted)
    return FileRefused(
        f"{name} was not changed",
        f"Writing {keys} would have changed something else as well, or not have been read back "
        "as the same string.",
        "Write the line as `key: value` in the way of its neighbours, then run again.",
    )


def _not_yaml(text: str, name: str, error: NotYaml) -> FileRefused:
    if OTHER_BREAKS.search(text):
        return _ambiguous_breaks(text, name)
    return FileRefused(
        f"{name} is not valid YAML",
        f"Line {line_number(text, error.position)}: {error.problem}.",
        "Correct the file and run again; nothing was changed.",
    )


def _irregular(text: str, name: str, error: Irregular) -> FileRefused:
    return FileRefused(
        f"{name} is a Go template that cannot be edited by line",
        f"Line {line_number(text, error.position)} is neither `key: value` nor a template action "
        "alone, so what belongs to which key cannot be told.",
        "Write that line in the plain form, or keep the image tags in a YAML file without `{{`.",
    )
