"""YAML texts of every shape that people write, with the place of each value known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import strategies as st

from astrago_actions.domain.key_path import Choice, Index, Key, Segment, path_text

# As written, and as read by whoever takes every key for a string.
KEYS = (
    ("core", "core"),
    ("batch", "batch"),
    ("imageTag", "imageTag"),
    ("tag", "tag"),
    ("repository", "repository"),
    ("한글", "한글"),
    ('"quoted key"', "quoted key"),
    ("nginx.ingress/path", "nginx.ingress/path"),
    ("8080", "8080"),
    ("on", "on"),
    ('"{brace}"', "{brace}"),
    ("with blank", "with blank"),
    ("'it''s'", "it's"),
)
# Written in ways that few people use.
ODD_KEYS = (
    ("with:colon", "with:colon"),
    ("a#b", "a#b"),
    ("-dash", "-dash"),
    ("--", "--"),
    ("spaced ", "spaced"),
    ('"quoted" ', "quoted"),
    (r'"esc\\aped"', "esc\\aped"),
    ("! bang", "bang"),
)
PLAIN = (
    *("v1", "core-stage-1a2b3c4d", "1.10", "12345678", "true", "null", "~", "2025-01-01", "0x1f"),
    *("foo bar", "한글 값", "-flag", "a#b", "yes", "1e3", "x'y", 'x"y'),
)
PLAIN_OUTSIDE_FLOW = (*PLAIN, "a:b", "http://example.com/x?y=1", "a, b", "z]")
QUOTED = (
    "v1",
    "core-stage-1a2b3c4d",
    "",
    "12345678",
    "한글 값",
    "a # b",
    "a: b",
    "{x}",
    "&a",
    "  ",
)
COMMENTS = ("", "", "", " # note", "   # 주석: 값", "  #", " # tag: old", " ")
LINE_BREAKS = ("\n", "\n", "\n", "\r\n", "\r")
# Loaded keys differ between YAML 1.1 and 1.2, so data is addressed by the key as written.
Step = str | int


@dataclass
class Target:
    """A value that can be edited: its characters, and who else takes it by an alias."""

    segments: tuple[Segment, ...]
    steps: tuple[Step, ...]
    document: int
    start: int
    end: int
    also: list[tuple[Step, ...]] = field(default_factory=list)

    @property
    def path(self) -> str:
        return path_text(self.segments)


@dataclass
class Map:
    """A map that can be given another key."""

    segments: tuple[Segment, ...]
    steps: tuple[Step, ...]
    document: int


@dataclass
class Document:
    text: str
    targets: list[Target]
    maps: list[Map]
    has_shared: bool


@dataclass
class _Place:
    segments: tuple[Segment, ...]
    steps: tuple[Step, ...]

    def key(self, written: str, name: str) -> _Place:
        return _Place((*self.segments, Key(name)), (*self.steps, written))

    def item(self, position: int, segment: Segment | None = None) -> _Place:
        return _Place((*self.segments, segment or Index(position)), (*self.steps, position))


class Writer:
    """Writes one text at random, noting where each value stands.

    A `regular` text is long and has nothing in it that spans lines but blocks of text. An `odd`
    one is long too and has all that YAML allows, such as values below their keys.
    """

    def __init__(self, random: Random, *, regular: bool = False, odd: bool = False) -> None:
        self.random = random
        self.regular = regular
        self.odd = odd
        self.newline = random.choice(LINE_BREAKS[:4] if regular or odd else LINE_BREAKS)
        self.parts: list[str] = []
        self.size = 0
        self.document = 0
        self.targets: list[Target] = []
        self.maps: list[Map] = []
        self.scalars: dict[str, list[Target]] = {}
        self.anchored: dict[str, tuple[_Place, list[Target]]] = {}
        self.anchors = 0
        self.sharing = not regular

    def write(self, text: str) -> None:
        self.parts.append(text)
        self.size += len(text)

    def end_line(self) -> None:
        self.write(self.random.choice(COMMENTS) + self.newline)

    def maybe(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def stream(self) -> Document:
        if self.maybe(8):
            self.write("\ufeff")
        if self.regular or self.odd or self.maybe(4):
            self.write("# 설명 " + 4_000 * "-" + self.newline)
        count = 1 if self.regular else self.random.choice((1, 1, 1, 1, 2, 5 if self.odd else 3))
        for number in range(count):
            self.document = number
            self.scalars, self.anchored = {}, {}
            if count > 1 or self.maybe(4):
                self.write("---" + self.random.choice(("", "", " # next")) + self.newline)
            self.root(f"-{number}" if count > 1 else "")
            if self.maybe(12) and not self.regular:
                self.write("..." + self.newline)
        text = "".join(self.parts)
        if self.maybe(3) and self.targets and self.targets[-1].end < len(text.rstrip()):
            text = text.rstrip(" \r\n")
        elif self.maybe(4):
            text += self.newline * 2
        return Document(text, self.targets, self.maps, has_shared=self.anchors > 0)

    def root(self, suffix: str) -> None:
        place = _Place((), ())
        if self.regular:
            self.block_map(0, place, 3)
        elif self.maybe(12) and not suffix:
            self.sequence(0, place, 2)
        elif self.maybe(12):
            self.flow_map(place, suffix)
            self.end_line()
        else:
            self.block_map(0, place, 3, suffix=suffix)

    def keys(self, most: int, suffix: str = "") -> list[tuple[str, str]]:
        known = KEYS[:-1] if self.regular else KEYS
        if self.odd and self.maybe(3):
            known = (*known, *ODD_KEYS)
        chosen = self.random.sample(known, self.random.randint(1, most))
        if not suffix:
            return chosen
        return [(f"key{at}{suffix}", f"key{at}{suffix}") for at in range(len(chosen))]

    def block_map(
        self, indent: int, place: _Place, depth: int, *, inline: bool = False, suffix: str = ""
    ) -> None:
        self.maps.append(Map(place.segments, place.steps, self.document))
        keys = self.keys(4, suffix)
        if self.sharing and self.anchored and not inline and self.maybe(3):
            self.merge(indent, place, {name for _, name in keys})
        for written, name in keys:
            if not inline:
                self.gap(indent)
                self.write(" " * indent)
            inline = False
            self.write(written + ":")
            self.value(indent, place.key(written, name), depth)

    def gap(self, indent: int) -> None:
        if self.maybe(6):
            self.write(self.newline)
        if self.maybe(6):
            self.write(" " * self.random.choice((0, indent)) + "# 설명 tag: x" + self.newline)

    def value(self, indent: int, place: _Place, depth: int) -> None:
        nested: list[Callable[[], None]] = [
            lambda: self.nested_map(indent, place, depth),
            lambda: self.nested_map(indent, place, depth),
            lambda: self.nested_list(indent, place, depth),
        ]
        flat: list[Callable[[], None]] = [
            *[lambda: self.scalar(place)] * 8,
            lambda: self.flow(place),
            lambda: self.block_text(indent),
            lambda: self.alias(place),
            lambda: self.folded(indent, place),
        ][: -2 if self.regular else None]
        if self.odd:
            flat += [
                lambda: self.below(indent, place),
                lambda: self.nested_flow(place),
                lambda: self.long_quotes(indent, place),
                lambda: self.block_text(indent, number="2"),
                lambda: self.complex_key(indent),
            ]
        self.random.choice(flat + (nested * 2 if depth else []))()

    def nested_map(self, indent: int, place: _Place, depth: int) -> None:
        anchor = ""
        before = len(self.targets)
        if self.sharing and self.maybe(6):
            anchor = self.new_anchor()
            self.write(f" &{anchor}")
        self.end_line()
        sharing, self.sharing = self.sharing, self.sharing and not anchor
        self.block_map(indent + self.random.choice((1, 2, 2, 4)), place, depth - 1)
        self.sharing = sharing
        if anchor:
            self.anchored[anchor] = (place, self.targets[before:])

    def nested_list(self, indent: int, place: _Place, depth: int) -> None:
        self.end_line()
        self.sequence(indent + self.random.choice((0, 2, 2, 4)), place, depth - 1)

    def sequence(self, indent: int, place: _Place, depth: int) -> None:
        named = self.maybe(2)
        for position in range(self.random.randint(1, 3)):
            self.gap(indent)
            self.write(" " * indent + "-")
            if named:
                item = place.item(position, Choice("name", f"item{position}"))
                self.write(f" name: item{position}" + self.newline + " " * (indent + 2))
                self.block_map(indent + 2, item, max(depth - 1, 0), inline=True)
            elif depth and self.maybe(3):
                self.write(" ")
                self.block_map(indent + 2, place.item(position), depth - 1, inline=True)
            elif self.odd and self.maybe(3):
                self.odd_item(indent, place.item(position), depth)
            else:
                self.scalar(place.item(position))

    def odd_item(self, indent: int, place: _Place, depth: int) -> None:
        kind = self.random.randrange(4 if depth else 3)
        if kind == 0:
            self.write(" ")
            self.flow_map(place, "")
            self.end_line()
        elif kind == 1:
            self.block_text(indent, number=self.random.choice(("", "2")))
        elif kind == 2:
            self.below(indent, place)
        else:
            self.write(" - inner" + self.newline + " " * (indent + 2) + "-")
            self.scalar(place.item(1))

    def scalar(self, place: _Place) -> None:
        """One value behind a colon or dash, a target."""
        kind = self.random.randrange(8)
        prefix = ""
        if kind == 0:
            self.target(place, "", "")
            self.end_line()
            return
        if kind == 1 and self.sharing:
            name = self.new_anchor()
            prefix = f"&{name} "
        elif kind == 2 and not self.regular:
            prefix = "!!str "
        self.write(" " * self.random.choice((1, 1, 1, 3)) + prefix)
        target = self.target(place, self.scalar_text(), "")
        if prefix.startswith("&"):
            self.scalars[prefix[1:-1]] = [target]
        self.end_line()

    def scalar_text(self, *, in_flow: bool = False) -> str:
        kind = self.random.randrange(4)
        if kind == 0:
            escaped = r"a\"b\\" if self.regular else r"\u00e9\\"
            return '"' + self.random.choice((*QUOTED, escaped)) + '"'
        if kind == 1:
            return "'" + self.random.choice((*QUOTED, "it''s", "\\")) + "'"
        return self.random.choice(PLAIN if in_flow else PLAIN_OUTSIDE_FLOW)

    def target(self, place: _Place, text: str, after: str) -> Target:
        start = self.size
        self.write(text)
        target = Target(place.segments, place.steps, self.document, start, self.size)
        self.targets.append(target)
        self.write(after)
        return target

    def flow(self, place: _Place) -> None:
        self.write(" ")
        if self.maybe(2):
            self.flow_map(place, "")
        else:
            self.write("[")
            for position in range(self.random.randint(0, 3)):
                self.write(", " if position else "")
                self.target(place.item(position), self.scalar_text(in_flow=True), "")
            self.write("]")
        self.end_line()

    def flow_map(self, place: _Place, suffix: str) -> None:
        self.maps.append(Map(place.segments, place.steps, self.document))
        inner = self.random.choice(("", " ", " " if self.regular else self.newline + "    "))
        self.write("{" + inner)
        for number, (written, name) in enumerate(self.keys(3, suffix)):
            self.write("," + (inner or " ") if number else "")
            self.write(written + ": ")
            self.target(place.key(written, name), self.scalar_text(in_flow=True), "")
        self.write(inner + "}")

    def below(self, indent: int, place: _Place) -> None:
        """A value on a line of its own."""
        self.end_line()
        self.gap(indent + 1)
        self.write(" " * (indent + self.random.choice((1, 2, 4))))
        kind = self.random.randrange(4)
        if kind == 0:
            self.write("{")
            self.target(place.key("a", "a"), "b", "}")
        elif kind == 1:
            deeper = self.newline + " " * (indent + 5)
            self.target(place, f"one{deeper}two", "")
        else:
            self.target(place, self.scalar_text(), "")
        self.end_line()

    def nested_flow(self, place: _Place) -> None:
        """A list of maps in brackets, on one line or several."""
        gap = self.random.choice((" ", "", self.newline + "      ", self.newline))
        self.write(" [" + gap)
        for position in range(self.random.randint(1, 3)):
            item = place.item(position, Choice("name", f"item{position}"))
            self.write("," + (gap or " ") if position else "")
            self.write(f"{{name: item{position}, ")
            self.target(item.key("tag", "tag"), self.scalar_text(in_flow=True), "")
            self.write(self.random.choice(("", gap, ", deep: {x: [1, 2]}")) + "}")
        self.write(gap + "]")
        self.end_line()

    def long_quotes(self, indent: int, place: _Place) -> None:
        """A string in quotes on several lines, whatever their indentation."""
        quote = self.random.choice("\"'")
        lines = ["first", "", "  - second: [", "# third", "---x", "key: value", "end"]
        chosen = self.random.sample(lines, self.random.randint(2, 4))
        start = self.newline + " " * self.random.choice((0, indent + 2))
        self.write(" ")
        self.target(place, quote + start.join(chosen) + quote, "")
        self.end_line()

    def complex_key(self, indent: int) -> None:
        """A key that is written with a question mark, behind a value."""
        self.write(" x" + self.newline + " " * indent + f"? odd{self.size}" + self.newline)
        if self.maybe(2):
            self.write(" " * indent + ": y" + self.newline)

    def block_text(self, indent: int, number: str = "") -> None:
        header = self.random.choice(("|", ">", "|-", ">-"))
        header = header[0] + number + header[1:] if self.maybe(2) else header + number
        self.write(f" {header}" + self.random.choice(("", " # text")) + self.newline)
        for _ in range(self.random.randint(1, 3)):
            line = self.random.choice(("tag: v0", "  deeper: [", "- item", "# no comment", "값"))
            self.write(" " * (indent + 2) + (line if number else line.lstrip()) + self.newline)
            if self.maybe(4):
                self.write(self.newline)

    def folded(self, indent: int, place: _Place) -> None:
        """A quoted or plain value on two lines, replaced as a whole."""
        quote = self.random.choice(('"', "'", ""))
        deeper = self.newline + " " * (indent + 3)
        self.write(" ")
        self.target(place, f"{quote}first{deeper}second{quote}", "")
        self.end_line()

    def alias(self, place: _Place) -> None:
        if self.sharing and self.scalars and self.maybe(2):
            name = self.random.choice(sorted(self.scalars))
            for target in self.scalars[name]:
                target.also.append(place.steps)
        elif self.sharing and self.anchored:
            name = self.random.choice(sorted(self.anchored))
            self.share(name, place, set())
        else:
            self.scalar(place)
            return
        self.write(f" *{name}")
        self.end_line()

    def merge(self, indent: int, place: _Place, names: set[str]) -> None:
        name = self.random.choice(sorted(self.anchored))
        source, _ = self.anchored[name]
        if place.steps[: len(source.steps)] == source.steps:
            return
        self.share(name, place, names)
        self.write(" " * indent + f"<<: *{name}")
        self.end_line()

    def share(self, name: str, place: _Place, own: set[str]) -> None:
        source, targets = self.anchored[name]
        depth = len(source.steps)
        for target in targets:
            segment = target.segments[depth]
            if not (isinstance(segment, Key) and segment.name in own):
                target.also.append((*place.steps, *target.steps[depth:]))

    def new_anchor(self) -> str:
        self.anchors += 1
        return f"a{self.anchors}"


@st.composite
def documents(draw: st.DrawFn, *, regular: bool = False, odd: bool = False) -> Document:
    return Writer(draw(st.randoms(use_true_random=False)), regular=regular, odd=odd).stream()


def with_value(data: list[Any], target: Target, value: str, key: Callable[[str], Any]) -> None:
    """Set a target, and whoever takes its value, in what a YAML library loaded."""
    for steps in (target.steps, *target.also):
        _set(data[target.document], steps, value, key)


def _set(data: Any, steps: tuple[Step, ...], value: str, key: Callable[[str], Any]) -> None:
    for step in steps[:-1]:
        data = data[step if isinstance(step, int) else key(step)]
    last = steps[-1]
    data[last if isinstance(last, int) else key(last)] = value
