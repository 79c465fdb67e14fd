"""What holds for every text: only the targeted characters differ, and every reader sees it."""

from __future__ import annotations

import re
from typing import Any

import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from astrago_actions.domain.edit_refused import EditRefused, FileRefused
from astrago_actions.domain.editing.excerpt import regular
from astrago_actions.domain.editing.lookup import walk
from astrago_actions.domain.editing.outline import Entry, Irregular, Outline
from astrago_actions.domain.editing.plan import IfMissing
from astrago_actions.domain.editing.reading import Kind, Ways, readings, whole
from astrago_actions.domain.editing.scalar import needs_quotes, written
from astrago_actions.domain.editing.tree import Alias, Mapping, Node, Scalar, Sequence
from astrago_actions.domain.editing.view import whole_views
from astrago_actions.domain.key_path import Choice, Index, Key, KeyPath, Segment, parse_key_path
from astrago_actions.domain.values import apply, current, edit
from tests.unit.domain.yaml_documents import Document, Target, documents, with_value

RISKY = (
    *("12345678", "1234e567", "0x1f", "0o17", "08", "1_000", "on", "y", "No", "null", "~", ""),
    *("2025-01-01", "12:30:45", "1.0", "0b101", "true", "<<", "=", ".5", "-1", "+1", ".inf", "---"),
)
TAGS = ("core-stage-1a2b3c4d", "v1.2.3", "1a2b3c4d", "core-stage-1.0-45eac704", "latest", "_x")
new_values = st.one_of(
    st.sampled_from(RISKY),
    st.sampled_from(TAGS),
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)


def load_11(text: str) -> list[Any]:
    return list(yaml.safe_load_all(text))


def load_12(text: str) -> list[Any]:
    return list(YAML(typ="safe", pure=True).load_all(text))


LOADERS = (
    (load_11, yaml.safe_load),
    (load_12, lambda key: YAML(typ="safe", pure=True).load(key)),
)


def only_these_characters_differ(before: str, after: str, targets: list[Target]) -> bool:
    spans = sorted((target.start, target.end) for target in targets)
    position = 0
    pattern = ""
    for start, end in spans:
        pattern += re.escape(before[position:start]) + ".*?"
        position = end
    pattern += re.escape(before[position:])
    return re.fullmatch(pattern, after, re.DOTALL) is not None


@given(documents(), st.data())
def test_property_an_edit_differs_in_the_targeted_values_only(
    document: Document, data: st.DataObject
) -> None:
    assume(document.targets)
    targets = data.draw(
        st.lists(st.sampled_from(document.targets), min_size=1, max_size=3, unique_by=id)
    )
    changes = {target.path: data.draw(new_values) for target in targets}

    after = edit(document.text, changes)

    assert only_these_characters_differ(document.text, after, targets)
    for load, key in LOADERS:
        expected = load(document.text)
        for target in targets:
            with_value(expected, target, changes[target.path], key)
        assert load(after) == expected
    assert current(after, changes) == changes
    assert edit(after, changes) == after


@given(documents(), st.data())
def test_property_an_added_key_is_the_only_difference(
    document: Document, data: st.DataObject
) -> None:
    assume(not document.has_shared)
    place = data.draw(st.sampled_from(document.maps)) if document.maps else None
    assume(place is not None and (place.segments or place.document == 0))
    assert place is not None
    names_of_keys = st.sampled_from(["new", "9090", "off", "새 키"])
    keys = data.draw(st.lists(names_of_keys, min_size=1, max_size=3))
    value = data.draw(new_values)
    path = str(KeyPath((*place.segments, *map(Key, keys))))

    try:
        after = edit(document.text, {path: value}, if_missing="create")
    except (EditRefused, FileRefused):
        assume(False)

    inserted = len(after) - len(document.text)
    assert any(
        after[:at] + after[at + inserted :] == document.text for at in range(len(document.text) + 1)
    )
    branch: Any = value
    for name in reversed(keys):
        branch = {name: branch}
    steps = (*place.steps, "new")
    for load, key in LOADERS:
        expected = load(document.text)
        holder = expected[place.document]
        for step in steps[:-1]:
            holder = holder[step if isinstance(step, int) else key(step)]
        holder.update(branch)
        assert load(after) == expected


@given(documents(), st.data())
def test_property_a_broken_text_is_refused_or_edited_rightly(
    document: Document, data: st.DataObject
) -> None:
    assume(document.targets)
    target = data.draw(st.sampled_from(document.targets))
    text = document.text
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 3))
        text = text[:at] + data.draw(st.sampled_from(MUTATIONS)) + text[at + cut :]

    try:
        edited = apply(text, {target.path: "core-stage-1a2b3c4d"})
    except (EditRefused, FileRefused):
        return

    before = scalars_11(text)
    after = scalars_11(edited.text)
    if before is not None:
        assert after is not None
        assert {new for old, new in zip(before, after, strict=True) if old != new} <= {
            ("ScalarEvent", "core-stage-1a2b3c4d")
        }


MUTATIONS = (
    *("", " ", "  ", "\n", "\r", "\t", ":", ": ", "- ", "#", " # ", "'", '"', "{", "}", "[", "]"),
    *("&a ", "*a1", "<<: ", "!!str ", "!x ", "|", ">", "---\n", "...\n", "{{", "}}"),
    *("\x85", "\u2028"),
    *("core:", "tag: x\n", "? ", ",", "\ufeff", "%", "@", "\\", "한"),
)


def scalars_11(text: str) -> list[tuple[str, str]] | None:
    """What PyYAML reads, event by event; None where it cannot."""
    try:
        events = list(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        return None
    return [(type(event).__name__, getattr(event, "value", "")) for event in events]


@given(documents(), st.data())
def test_property_a_template_is_refused_or_edited_rightly(
    document: Document, data: st.DataObject
) -> None:
    assume(document.targets)
    target = data.draw(st.sampled_from(document.targets))
    starts = [match.end() for match in re.finditer(r"\r\n|\n|\r", document.text)]
    places = data.draw(st.lists(st.sampled_from(starts), max_size=4)) if starts else []
    text, start, end = document.text, target.start, target.end
    for at in sorted(places, reverse=True):
        line = data.draw(st.sampled_from(TEMPLATE_LINES))
        text = text[:at] + line + text[at:]
        if at <= start:
            start, end = start + len(line), end + len(line)

    try:
        after = edit(text, {target.path: "core-stage-1a2b3c4d"})
    except (EditRefused, FileRefused):
        return

    written_now = re.fullmatch(
        re.escape(text[:start]) + "(.*?)" + re.escape(text[end:]), after, re.DOTALL
    )
    assert written_now is not None
    assert "core-stage-1a2b3c4d" in written_now[1]


TEMPLATE_LINES = (
    *("{{- if .Values.x }}\n", "{{- end }}\n", "  {{ toYaml .Values.y | nindent 4 }}\n"),
    *("{{/* a\n  comment: x */}}\n", "templated: {{ .x }}\n", "# {{ .Values.z }}\n"),
    *("flow: [{{ .x }}]\n", "below:\n  {{ .x }}\n", "quoted: ['{{ .x }}']\n"),
    *("  deep: pre-{{ .x }}-post\n", "{{ .key }}: value\n", '"{{ .k }}": "{{ .v }}"\n'),
)


@given(documents(regular=True), st.data())
def test_property_a_value_in_a_regular_text_needs_an_excerpt_only(
    document: Document, data: st.DataObject
) -> None:
    assume(document.targets)
    target = data.draw(st.sampled_from(document.targets))
    text = document.text
    # A `{` is left to the full reader, lest it begin a template's action.
    assume("<<" not in text and "{" not in text.replace('"{brace}"', "").replace('"{x}"', ""))
    # So is an `&` in brackets, lest it be an anchor; here it stands in quotes.
    assume(re.search(r"\[.*&", text) is None)

    assert next(readings(text, [parse_key_path(target.path)])).kind is Kind.EXCERPT


@given(documents(odd=True), documents(odd=True), st.data())
def test_property_an_excerpt_leads_to_what_the_whole_text_leads_to(
    document: Document, other: Document, data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from((document.text, f"{document.text}\n---\n{other.text}")))
    text = changed_at_random(text, data)
    targets = [target.path for target in (*document.targets, *other.targets)]
    assume(targets)
    paths = data.draw(st.lists(st.sampled_from(targets), min_size=1, max_size=2, unique=True))
    paths = [varied(path, data) for path in paths]
    changes = {path: data.draw(new_values) for path in paths}
    if_missing = data.draw(st.sampled_from(IF_MISSING))

    assert outcome(text, changes, if_missing, readings) == outcome(text, changes, if_missing, whole)


IF_MISSING: tuple[IfMissing, ...] = ("fail", "fail", "create")


def changed_at_random(text: str, data: st.DataObject) -> str:
    """The text with tabs for some blanks, with a template's line, or broken, or as it is."""
    kind = data.draw(st.sampled_from(("as it is", "tabs", "template", "broken")))
    if kind == "tabs":
        pattern, tabs = data.draw(st.sampled_from(TABS))
        return re.sub(pattern, tabs, text, count=data.draw(st.sampled_from((0, 1, 2))))
    if kind == "template":
        starts = [match.end() for match in re.finditer(r"\n", text)]
        at = data.draw(st.sampled_from(starts or [0]))
        return text[:at] + data.draw(st.sampled_from(TEMPLATE_LINES)) + text[at:]
    if kind == "broken":
        at = data.draw(st.integers(0, len(text)))
        return text[:at] + data.draw(st.sampled_from(MUTATIONS)) + text[at:]
    return text


TABS = (
    (r"(?<=[\w'\"]) +#", "\t#"),
    (r"(?<=[\w'\"])(?=\r?\n)", "\t "),
    (r"(?<=\w:) ", "\t"),
    (r"(?<=\w): ", ": \t"),
    (r"(?<=[\w,]) (?=\w)", "\t"),
    (r"(?<=-) ", " \t"),
    (r"(?<=, )", "\t"),
)


def varied(path: str, data: st.DataObject) -> str:
    """The path, or one that may lead elsewhere."""
    if data.draw(st.integers(0, 3)):
        return path
    parsed = parse_key_path(path).segments
    at = data.draw(st.integers(0, len(parsed) - 1))
    instead: list[list[Any]] = [[], [Key("core")], [Key("missing")], [Index(0)], [Index(1)]]
    instead += [[parsed[at], Key("name")], [Choice("name", "item0")], [Choice("tag", "v1")]]
    segments = (*parsed[:at], *data.draw(st.sampled_from(instead)), *parsed[at + 1 :])
    return str(KeyPath(segments or parsed))


def outcome(text: str, changes: dict[str, str], if_missing: IfMissing, ways: Ways) -> Any:
    """What comes of an edit, be it a text or a refusal with all that it says."""
    try:
        return apply(text, changes, if_missing=if_missing, ways=ways)
    except (EditRefused, FileRefused) as error:
        return (type(error), error.title, error.detail, error.remedy)


@given(documents(odd=True), st.data())
def test_property_an_outline_agrees_with_the_full_reader(
    document: Document, data: st.DataObject
) -> None:
    text = changed_at_random(document.text, data)
    try:
        found = regular(text)
    except Irregular:
        return

    known = outlined(found.lines)
    read = fully_read(text, {way for way, entry in known if entry.is_opaque})
    assert [way for way, _ in known] == [way for way, _ in read]
    for (_, entry), (_, node) in zip(known, read, strict=True):
        assert agrees(entry, node)


Way = tuple[str | int, ...]


def outlined(lines: Outline) -> list[tuple[Way, Entry]]:
    """The way to each entry from the top of its document, which counts if it has entries."""
    ways: list[Way] = []
    tops: list[int] = []
    counts: dict[int, int] = {}
    for entry in lines.entries:
        if entry.parent < 0 and entry.parent not in tops:
            tops.append(entry.parent)
        above = ways[entry.parent] if entry.parent >= 0 else (len(tops),)
        number = counts.get(entry.parent, 0)
        counts[entry.parent] = number + 1
        ways.append((*above, number if entry.key is None else entry.key))
    return list(zip(ways, lines.entries, strict=True))


def fully_read(text: str, opaque: set[Way]) -> list[tuple[Way, Node]]:
    """The same by the full reader, without what is in brackets or below an opaque entry."""
    shown: list[tuple[Way, Node]] = []
    document = 0
    for root in whole_views(text)[0].roots:
        document += not isinstance(root, (Scalar, Alias))
        hidden: Way = ()
        for segments, node in walk(root):
            way = (document, *map(name_of, segments))
            if not segments or (hidden and way[: len(hidden)] == hidden):
                continue
            in_brackets = isinstance(node, (Mapping, Sequence)) and node.flow
            hidden = way if way in opaque or in_brackets else ()
            shown.append((way, node))
    return shown


def name_of(segment: Segment) -> str | int:
    assert not isinstance(segment, Choice)
    return segment.name if isinstance(segment, Key) else segment.position


def agrees(entry: Entry, node: Node) -> bool:
    """Whether what an entry says of its value is true."""
    if entry.is_opaque:
        return True
    special = isinstance(node, Alias) or bool(node.anchor or node.tag)
    if entry.is_special != special:
        return False
    block = isinstance(node, Scalar) and node.style in ("|", ">")
    if entry.value is None or isinstance(node, Alias):
        return entry.is_block == block
    value = node.value if isinstance(node, Scalar) else ""
    return entry.value == value and not block


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_property_any_text_is_read_back_as_it_was_written(value: str) -> None:
    for style in ("", '"', "'"):
        text = f"a: {written(value, style)}\n"
        assert load_11(text) == [{"a": value}]
        assert load_12(text) == [{"a": value}]
    in_flow = f"{{a: {written(value, in_flow=True)}}}\n"
    assert load_11(in_flow) == load_12(in_flow) == [{"a": value}]


@given(st.from_regex(r"[-+.0-9A-Za-z_:~]{1,12}", fullmatch=True))
def test_property_what_goes_without_quotes_is_text_for_both_versions(value: str) -> None:
    if needs_quotes(value):
        return

    assert load_11(f"a: {value}") == load_12(f"a: {value}") == [{"a": value}]


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
segments = st.one_of(
    st.builds(Key, names),
    st.builds(Index, st.integers(0, 99)),
    st.builds(Choice, st.text("abc=]\"'. \\", min_size=1, max_size=5), names),
)


@given(st.lists(segments, min_size=1, max_size=5))
def test_property_a_key_path_is_read_as_it_was_written(parts: list[Any]) -> None:
    path = KeyPath(tuple(parts))

    assert parse_key_path(str(path)) == path


@given(st.text(max_size=20))
def test_property_any_text_is_a_key_path_or_refused(text: str) -> None:
    try:
        path = parse_key_path(text)
    except ValueError:
        return

    assert parse_key_path(str(path)) == path
