"""What an edit would do to one view of a file: the characters to replace, or why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from astrago_actions.domain.edit_refused import Refusal
from astrago_actions.domain.editing.creation import Branch, CannotCreate, Growth
from astrago_actions.domain.editing.lookup import Found, Missing, Unclear, key_name, listed, look_up
from astrago_actions.domain.editing.notes import overriding_digests, users_of_anchor
from astrago_actions.domain.editing.proof import STRING_TAGS, is_string
from astrago_actions.domain.editing.splice import Splice, replacement
from astrago_actions.domain.editing.tree import Mapping, Node, Scalar
from astrago_actions.domain.editing.view import View
from astrago_actions.domain.image_string import UnclearImage, holds_image, with_version
from astrago_actions.domain.key_path import KeyPath

IfMissing = Literal["fail", "create"]


@dataclass(frozen=True)
class Change:
    """`value` to be written at `path`; `key` is the path as it was given."""

    key: str
    path: KeyPath
    value: str


@dataclass
class Plan:
    """The outcome for one view; with refusals, nothing else of it counts.

    `changed` and `grown` go by the `id` of the view's nodes; see `proof.same_but_for`. `absent`
    are all keys that are not there; `missing` are those of them that nothing is known about.
    """

    splices: list[Splice] = field(default_factory=list)
    changed: dict[int, str] = field(default_factory=dict)
    grown: dict[int, Branch] = field(default_factory=dict)
    previous: dict[str, str | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    missing: list[Change] = field(default_factory=list)
    absent: list[Change] = field(default_factory=list)

    def refuse(self, change: Change, reason: str, remedy: str, line: int | None = None) -> None:
        """Note why a change cannot be made."""
        self.refusals.append(Refusal(change.key, reason, remedy, line))


@dataclass(frozen=True)
class Present:
    """The only node at a path, and the root of its document."""

    root: Node
    found: Found


Absent = list[tuple[Node, Missing]]
"""How far each document knows a path; no entry for a text without documents."""


def find(view: View, path: KeyPath) -> Present | Unclear | Absent:
    """The node at a path, which only one document may have; raises NotYaml."""
    present: list[Present | Unclear] = []
    absent: Absent = []
    for root in view.roots:
        outcome = look_up(view, root, path.segments)
        if isinstance(outcome, Missing):
            absent.append((root, outcome))
        else:
            present.append(Present(root, outcome) if isinstance(outcome, Found) else outcome)
    if len(present) > 1:
        return _in_several_documents(view, present)
    return present[0] if present else absent


def _in_several_documents(view: View, present: list[Present | Unclear]) -> Unclear:
    positions = [
        each.position if isinstance(each, Unclear) else (each.found.key or each.found.node).start
        for each in present
    ]
    lines = listed([str(view.line(position)) for position in positions])
    return Unclear(
        f"is unclear: {len(present)} documents of the file have it, on lines {lines}",
        "Give each document a file of its own, or a key path that only one of them has.",
        positions[0],
    )


def plan_edit(view: View, changes: Iterable[Change], if_missing: IfMissing) -> Plan:
    """Find every key and say what is to be written; raises NotYaml."""
    plan = Plan()
    growth = Growth(view)
    found: list[tuple[Change, Present]] = []
    for change in changes:
        outcome = find(view, change.path)
        if isinstance(outcome, Unclear):
            plan.refuse(change, outcome.reason, outcome.remedy, view.line(outcome.position))
        elif isinstance(outcome, Present):
            found.append((change, outcome))
            _change(view, plan, change, outcome.found)
        elif if_missing == "create":
            plan.absent.append(change)
            _create(view, plan, growth, change, outcome)
        else:
            plan.absent.append(change)
            _miss(plan, change, outcome)
    if not plan.refusals:
        plan.splices += growth.splices()
        plan.grown = growth.branches
        _note(view, plan, found)
    return plan


def _change(view: View, plan: Plan, change: Change, found: Found) -> None:
    node = found.node
    line = view.line((found.key or node).start)
    if not isinstance(node, Scalar):
        inside = ", ".join(f"`{name}`" for name in _names_in(node)[:5])
        kind = "map" if isinstance(node, Mapping) else "list"
        has = f" of {inside}" if inside else ""
        plan.refuse(change, f"is a {kind}{has}, not a value", "Give the path of a value.", line)
        return
    as_wanted = node.value == change.value and is_string(node)
    problem = None if as_wanted else _problem(view, node)
    if problem:
        plan.refuse(change, *problem, line)
        return
    try:
        value = change.value if as_wanted else _value(found, node, change.value)
    except UnclearImage:
        reason = f"is `{node.value}`, which may be an image's name or its tag"
        plan.refuse(change, reason, "Give the whole reference as the new value.", line)
        return
    if plan.changed.setdefault(id(node), value) != value:
        plan.refuse(change, "is given two different values", "Keep one of them.", line)
        return
    plan.previous[change.key] = node.value
    _write(view, plan, change, found, node, value)


def _write(view: View, plan: Plan, change: Change, found: Found, node: Scalar, value: str) -> None:
    if node.value == value and is_string(node):
        return
    splice = replacement(view.text, found.key, node, value)
    if splice is None:
        line = view.line((found.key or node).start)
        reason = "has no `:` that a value could stand behind"
        plan.refuse(change, reason, "Write the key as `key: value`.", line)
    elif splice not in plan.splices:
        plan.splices.append(splice)


def _problem(view: View, node: Scalar) -> tuple[str, str] | None:
    """Why the scalar is not written over, with the remedy."""
    if node.style in ("|", ">"):
        return (
            f"is a block of text (`{node.style}`), not a value on one line",
            "Write the value behind its key, in quotes if need be.",
        )
    if node.tag and node.tag not in STRING_TAGS:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        return (f"has the tag `{tag}`, so a string cannot stand there", "Remove the tag.")
    if "{{" in view.file[view.origin(node.start) : view.origin(node.end)]:
        return (
            "is a template (`{{ … }}`), which decides the value when it is rendered",
            "Change the value that the template reads.",
        )
    return None


def _value(found: Found, node: Scalar, value: str) -> str:
    """What the scalar becomes: of an image reference only tag and digest change."""
    name = key_name(found.key) if found.key is not None else None
    return with_version(node.value, value) if name and holds_image(name) else value


def _names_in(node: Node) -> list[str]:
    return [key_name(key) or "" for key, _ in node.pairs] if isinstance(node, Mapping) else []


def _create(view: View, plan: Plan, growth: Growth, change: Change, absent: Absent) -> None:
    try:
        growth.add(change.path, change.value, absent)
    except CannotCreate as error:
        plan.refuse(change, str(error), "Add the key by hand, or correct the key path.")
    plan.previous[change.key] = None
    for root, missing in absent:
        if id(missing.node) in growth.branches:
            passed = (*missing.passed, missing.node)
            plan.notes += users_of_anchor(view, root, change.path, passed)


def _miss(plan: Plan, change: Change, absent: Absent) -> None:
    because = [each.because for _, each in absent if each.because]
    if because:
        plan.refuse(change, because[0], "Correct the key path.")
    else:
        plan.missing.append(change)


def _note(view: View, plan: Plan, found: list[tuple[Change, Present]]) -> None:
    changed = set(plan.changed)
    for change, present in found:
        if plan.previous.get(change.key) != change.value:
            passed = (*present.found.passed, present.found.node)
            plan.notes += users_of_anchor(view, present.root, change.path, passed)
            plan.notes += overriding_digests(view, change.path, present.found, changed)
