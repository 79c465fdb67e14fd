"""A bump applied to the bytes of its files: new bytes, and what changed from what to what."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from astrago_actions.domain import values
from astrago_actions.domain.bump_commit import Change
from astrago_actions.domain.values_file import decode, encode


@dataclass(frozen=True)
class Update:
    """One value to set: `key` (a key path) in `file`; `component` is empty for a bare update."""

    file: str
    key: str
    value: str
    component: str = ""


@dataclass(frozen=True)
class Edit:
    """New bytes of the files that differ, the values that differ, and notes for the reader."""

    contents: Mapping[str, bytes]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    diff: str


def present_values(
    contents: Mapping[str, bytes], updates: Iterable[Update]
) -> dict[Update, str | None]:
    """The value that each update would replace; None where there is no such key."""
    found: dict[Update, str | None] = {}
    for file, of_file in _by_file(updates).items():
        text = decode(contents[file], file)
        present = values.current(text, [update.key for update in of_file])
        found.update({update: present[update.key] for update in of_file})
    return found


def edit_files(
    contents: Mapping[str, bytes],
    updates: Sequence[Update],
    *,
    if_missing: Literal["fail", "create"],
) -> Edit:
    """Apply the updates; raises EditRefused, naming every key that cannot be set."""
    edited: dict[str, bytes] = {}
    changes: list[Change] = []
    notes: list[str] = []
    diffs: list[str] = []
    for file, of_file in _by_file(updates).items():
        before = decode(contents[file], file)
        wanted = {update.key: update.value for update in of_file}
        result = values.apply(before, wanted, if_missing=if_missing, name=file)
        notes += result.notes
        if result.text == before:
            continue
        edited[file] = encode(result.text)
        written = values.current(result.text, list(wanted), name=file)
        changes += _changes(of_file, result.previous, written)
        diffs.append(_diff(file, before, result.text))
    return Edit(edited, tuple(changes), tuple(notes), "".join(diffs))


def _by_file(updates: Iterable[Update]) -> dict[str, list[Update]]:
    grouped: dict[str, list[Update]] = {}
    for update in updates:
        grouped.setdefault(update.file, []).append(update)
    return grouped


def _changes(
    updates: Iterable[Update],
    previous: Mapping[str, str | None],
    written: Mapping[str, str | None],
) -> list[Change]:
    """What is in the file now, which for an image reference is more than the tag that was given."""
    changes = [
        Change(
            each.file,
            each.key,
            previous[each.key] or "",
            written[each.key] or each.value,
            each.component,
        )
        for each in updates
    ]
    return [change for change in changes if change.previous != change.value]


def _diff(file: str, before: str, after: str) -> str:
    """A unified diff as git shows it, also where the file has no final newline."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{file}",
        f"b/{file}",
    )
    marked = (
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    return "".join(marked)
