"""Values files to be edited: those of a folder, or generated ones, and the tags in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import yaml

TAG_KEYS = frozenset({"tag", "imageTag", "newTag"})

Steps = tuple["str | int", ...]


@dataclass(frozen=True)
class Target:
    """The place of a tag and its characters from `start` to `end`, as PyYAML sees it."""

    place: Steps
    start: int
    end: int


def values_files(folder: Path) -> Iterator[Path]:
    """Every values*.yaml and values*.yml below the folder."""
    for path in sorted(folder.rglob("values*")):
        if path.suffix in (".yaml", ".yml") and path.is_file() and not path.is_symlink():
            yield path


def tags(text: str) -> list[Target]:
    """The tags that a person would bump: single values, not templates, not shared by aliases."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return []
    found: list[tuple[Target, yaml.Node]] = []
    _collect(root, (), found)
    places = [target.place for target, _ in found]
    nodes = [id(node) for _, node in found]
    return [
        target
        for target, node in found
        if places.count(target.place) == 1 and nodes.count(id(node)) == 1
    ]


def _collect(node: yaml.Node | None, place: Steps, found: list[tuple[Target, yaml.Node]]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            _collect(item, (*place, position), found)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                continue
            if isinstance(value, yaml.ScalarNode):
                if key.value in TAG_KEYS and _is_bumped(value):
                    start, end = value.start_mark.index, value.end_mark.index
                    found.append((Target((*place, key.value), start, end), value))
            else:
                _collect(value, (*place, key.value), found)


def _is_bumped(value: yaml.ScalarNode) -> bool:
    return (
        value.style not in ("|", ">")
        and value.tag.startswith("tag:yaml.org,2002:")
        and "{{" not in value.value
    )


def generate(folder: Path, count: int) -> None:
    """Write values files as people keep them, the same ones every time."""
    random = Random(1)
    for number in range(count):
        text = "".join(chart(random, service) for service in range(random.randint(1, 12)))
        if random.random() < 0.2:
            text = text.rstrip("\n")
        if random.random() < 0.1:
            text = text.replace("\n", "\r\n")
        path = folder / f"chart{number}" / "values.yaml"
        path.parent.mkdir()
        path.write_bytes(text.encode())


def chart(random: Random, service: int) -> str:
    """The values of one service, as people write them."""
    quote = random.choice(("", '"', "'"))
    step = "  " if random.random() < 0.8 else "    "
    gap = random.choice((" ", "  ", "    "))
    lines = [
        f"# 서비스 {service}: settings of the service{service}",
        f"service{service}:",
        f"{step}# -- number of pods",
        f"{step}replicas: {random.randint(1, 5)}{gap}# per zone",
        f"{step}image:",
        f"{step * 2}repository: ghcr.io/example/service{service}",
        f"{step * 2}# -- overrides the chart's appVersion",
        f"{step * 2}tag: {quote}{random.choice(('v1.2.3', 'core-stage-ca58a8c3'))}{quote}"
        + random.choice(("", f"{gap}# 태그")),
        f"{step * 2}pullPolicy: IfNotPresent",
        *random.choice(([], ["", ""], [""])),
        f"{step}resources: {random.choice(('{}', '{limits: {cpu: 500m, memory: 1Gi}}'))}",
        f"{step}verbose: {random.choice(('off', chr(34) + 'off' + chr(34), 'true'))}",
        f"{step}args: {random.choice(('[]', '[ --a, --b ]', '[--a,--b]'))}",
        f"{step}hosts:",
        f"{random.choice((step, step * 2))}- name: a.example.com",
        *random.choice(([], [f"{step}script: |", f"{step * 2}echo tag: no", f"{step * 2}exit 0"])),
        *random.choice(([], [f"{step}note: >-", f"{step * 2}{'a long line of words ' * 8}"])),
        f"{step}description: {'words that go past eighty characters ' * random.randint(1, 4)}end",
        "",
    ]
    return "\n".join(_aligned(lines)) + "\n"


def _aligned(lines: list[str]) -> list[str]:
    """The lines, with the item of `hosts` followed by a key in its own column."""
    at = next(number for number, line in enumerate(lines) if line.lstrip().startswith("- name"))
    indent = len(lines[at]) - len(lines[at].lstrip())
    return [*lines[: at + 1], " " * (indent + 2) + "port: 80", *lines[at + 1 :]]
