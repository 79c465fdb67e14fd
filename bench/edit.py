"""What editors of YAML do to values files besides setting a tag, and how long they take.

`python -m bench.edit FOLDER` sets every tag of every values*.yaml below FOLDER to a new value with
each editor, on copies, and counts the files and lines that differ in anything else;
`--generated` does so for files made up for the purpose. Then ours is timed on long files of every
kind, of 1,000 lines and of 1 MB.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import yaml

from astrago_actions.domain.editing.excerpt import regular
from astrago_actions.domain.editing.outline_reader import outline
from astrago_actions.domain.editing.reading import Ways, readings, whole
from astrago_actions.domain.editing.region import is_only_item, is_only_value, only_key
from astrago_actions.domain.editing.tree import documents
from astrago_actions.domain.values import apply
from bench.editors import EDITORS, Editor, Job, NotHere, Result
from bench.long_files import LongFile, of_lines, of_size
from bench.values_files import Target, generate, tags, values_files

NEW_TAG = "core-stage-1a2b3c4d"
MEGABYTE = 1_048_576
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Sample:
    """One file as it is before any edit."""

    name: str
    text: str
    targets: list[Target]


@dataclass
class Tally:
    """What one editor did to all files."""

    damaged: int = 0
    stray_lines: int = 0
    requoted: int = 0
    other_meaning: int = 0
    milliseconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def samples(folder: Path) -> list[Sample]:
    """The files of the folder that have a tag."""
    found = []
    for path in values_files(folder):
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            continue
        targets = tags(text)
        if targets:
            found.append(Sample(str(path.relative_to(folder)), text, targets))
    return found


def measure(editor: Editor, files: Sequence[Sample]) -> Tally:
    """Edit a copy of every file and look at the outcome."""
    with tempfile.TemporaryDirectory() as name:
        jobs = []
        for number, sample in enumerate(files):
            path = Path(name) / f"values-{number}.yaml"
            path.write_bytes(sample.text.encode())
            jobs.append(Job(path, tuple(target.place for target in sample.targets), NEW_TAG))
        results = editor(jobs)
        tally = Tally()
        for sample, job, result in zip(files, jobs, results, strict=True):
            _add(tally, sample, job.file.read_bytes().decode(errors="replace"), result)
    return tally


def _add(tally: Tally, sample: Sample, after: str, result: Result) -> None:
    if result.error:
        tally.errors.append(f"{sample.name}: {result.error}")
        return
    tally.milliseconds.append(result.milliseconds)
    stray, requoted = compared(sample, after)
    tally.stray_lines += stray
    tally.requoted += requoted
    tally.damaged += stray > 0
    tally.other_meaning += other_meaning(sample, after)


def compared(sample: Sample, after: str) -> tuple[int, int]:
    """Lines that differ in more than their tag, and tags whose quotes changed."""
    accepted: dict[str, str] = {}
    wanted = []
    kept = set()
    position = 0
    for line in sample.text.split("\n"):
        here = [each for each in sample.targets if position <= each.start <= position + len(line)]
        if here:
            versions = [_with_tags(line, position, here, quote) for quote in ("", '"', "'", None)]
            accepted.update(dict.fromkeys(versions, versions[0]))
            kept.add(versions[3])
            line = versions[0]
        wanted.append(line)
        position += len(line) + 1 if not here else len(_line_at(sample.text, position)) + 1
    found = after.split("\n")
    requoted = sum(1 for line in found if line in accepted and line not in kept)
    changes = SequenceMatcher(
        None, wanted, [accepted.get(line, line) for line in found], autojunk=False
    ).get_opcodes()
    stray = sum(max(i2 - i1, j2 - j1) for kind, i1, i2, j1, j2 in changes if kind != "equal")
    return stray, requoted


def _line_at(text: str, position: int) -> str:
    return text[position:].partition("\n")[0]


def _with_tags(line: str, position: int, targets: Sequence[Target], quote: str | None) -> str:
    """The line with its tags set, in these quotes or, for None, in those that were there."""
    for target in sorted(targets, key=lambda each: -each.start):
        start, end = target.start - position, target.end - position
        old = line[start:end]
        mark = (old[:1] if old[:1] in "\"'" else "") if quote is None else quote
        blank = " " if start == end and line[start - 1 : start] == ":" else ""
        line = f"{line[:start]}{blank}{mark}{NEW_TAG}{mark}{line[end:]}"
    return line


def other_meaning(sample: Sample, after: str) -> bool:
    """Whether anything but the tags is read differently, as Helm's YAML 1.1 reads it."""
    try:
        expected: Any = yaml.load(sample.text, LOADER)
        for target in sample.targets:
            holder = expected
            for step in target.place[:-1]:
                holder = holder[step]
            holder[target.place[-1]] = NEW_TAG
        return bool(yaml.load(after, LOADER) != expected)
    except yaml.YAMLError:
        return True


def print_damage(files: Sequence[Sample]) -> bool:
    """Print the table; says whether ours did no damage."""
    lines = sum(sample.text.count("\n") for sample in files)
    targets = sum(len(sample.targets) for sample in files)
    print(f"{targets} tags in {len(files)} values files of {lines:,} lines, set to {NEW_TAG}\n")
    print(
        "| editor | files damaged | stray lines | tags requoted | meaning changed | refused "
        "| ms per file (median) | ms per 1,000 lines |"
    )
    print("|---|---|---|---|---|---|---|---|")
    clean = True
    for name, editor in EDITORS.items():
        try:
            tally = measure(editor, files)
        except NotHere as reason:
            print(f"| {name} | not measured: {reason} | | | | | | |")
            continue
        median = statistics.median(tally.milliseconds) if tally.milliseconds else 0
        per_thousand = sum(tally.milliseconds) / max(lines, 1) * 1000
        print(
            f"| {name} | {tally.damaged} of {len(files)} | {tally.stray_lines:,} "
            f"| {tally.requoted} | {tally.other_meaning} | {len(tally.errors)} "
            f"| {median:.1f} | {per_thousand:.1f} |"
        )
        for error in tally.errors[:3]:
            print(f"  {error}", file=sys.stderr)
        if name == "ours":
            clean = not (tally.damaged or tally.other_meaning or tally.requoted)
    return clean


def print_speed() -> None:
    """Print how long ours takes for long files of each kind, beside the goals."""
    print(
        "\n| a tag set in a long file of | 1,000 lines, ms | goal | the same, read as a whole "
        "| 1 MB, ms | goal |\n|---|---|---|---|---|---|"
    )
    for short, long in zip(of_lines(1000), of_size(MEGABYTE), strict=True):
        print(
            f"| {short.kind} | {_milliseconds(short, readings):.1f} | 30 "
            f"| {_milliseconds(short, whole):.0f} | {_milliseconds(long, readings):,.0f} | 3,000 |"
        )


def _milliseconds(file: LongFile, ways: Ways) -> float:
    """Of the processor, so that others at work on the machine count little; median of 5."""
    taken = []
    for _ in range(5):
        for remembered in (documents, outline, regular, only_key, is_only_item, is_only_value):
            remembered.cache_clear()
        gc.collect()
        begun = time.process_time()
        apply(file.text, {file.key: NEW_TAG}, ways=ways)
        taken.append((time.process_time() - begun) * 1000)
    return statistics.median(taken)


def main() -> int:
    """Print both tables; fails if ours damaged anything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, help="where the values files are")
    parser.add_argument("--generated", action="store_true", help="make up the values files")
    given = parser.parse_args()
    if given.folder is None and not given.generated:
        parser.error("give a folder or --generated")
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        if given.generated:
            generate(Path(name), 200)
            folder = Path(name)
        clean = print_damage(samples(folder))
    print_speed()
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
