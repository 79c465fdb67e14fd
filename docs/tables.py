"""Writes the tables of inputs and outputs in the READMEs from each action.yml.

`python -m docs.tables` writes them between the markers `<!-- inputs -->`, `<!-- /inputs -->`,
`<!-- outputs -->` and `<!-- /outputs -->`; with `--check` it changes nothing and fails when a table
is out of date.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


def documented(root: Path) -> dict[Path, Path]:
    """Each README that holds tables, with its action.yml."""
    actions = sorted((root / "actions").glob("*/action.yml"))
    files = [root / "action.yml", *actions]
    return {path.with_name("README.md"): path for path in files}


def with_tables(text: str, action: dict[str, Any]) -> str:
    """The README with its tables renewed; raises ValueError naming a marker that is missing."""
    for kind, table in (("inputs", inputs_table(action)), ("outputs", outputs_table(action))):
        begin, end = f"<!-- {kind} -->\n", f"<!-- /{kind} -->"
        before, *found = re.split(f"{begin}.*?{end}", text, flags=re.DOTALL)
        if len(found) != 1:
            raise ValueError(f"needs {begin.strip()} and {end} once; has them {len(found)} times")
        text = f"{before}{begin}{table}{end}{found[0]}"
    return text


def inputs_table(action: dict[str, Any]) -> str:
    """A row for each input: name, default, description."""
    rows = [
        (f"**`{name}`**" if about.get("required") else f"`{name}`", _default(about), _text(about))
        for name, about in action["inputs"].items()
    ]
    return _table(("input", "default", "what it is"), rows)


def outputs_table(action: dict[str, Any]) -> str:
    """A row for each output: name, description."""
    rows = [(f"`{name}`", _text(about)) for name, about in action["outputs"].items()]
    return _table(("output", "what it is"), rows)


def _default(about: dict[str, Any]) -> str:
    if about.get("required"):
        return "required"
    default = str(about.get("default", ""))
    return f"`{_cell(default)}`" if default else ""


def _text(about: dict[str, Any]) -> str:
    return _cell(about["description"])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in lines)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Write or check every table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when outdated")
    check = parser.parse_args(arguments).check
    problems = []
    for readme, source in documented(root).items():
        name = readme.relative_to(root)
        try:
            problems += [f"{name}: {each}" for each in _renew(readme, source, check=check)]
        except (OSError, ValueError) as error:
            problems.append(f"{name}: {error}")
    sys.stderr.write("".join(f"{each}\n" for each in problems))
    return 1 if problems else 0


def _renew(readme: Path, source: Path, *, check: bool) -> list[str]:
    text = readme.read_text(encoding="utf-8")
    renewed = with_tables(text, YAML(typ="safe", pure=True).load(source))
    if renewed == text:
        return []
    if check:
        return ["its tables are not those of action.yml; run python -m docs.tables"]
    readme.write_text(renewed, encoding="utf-8")
    return []


if __name__ == "__main__":
    sys.exit(main())
