"""What the documentation promises is there: links, inputs, flags, addresses, errors."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from astrago_actions.command_line import (
    ACTION_NAMES,
    holds_secret,
    interface,
    run_command,
    secret_variable,
)
from astrago_actions.domain.rollout.result import EXIT_CODES, SUPERSEDED_EXIT_CODE
from tests.conftest import ROOT
from tests.unit.literal_titles import annotation_titles, error_titles, final_rows

LIBRARY = "xiilab/astrago-actions"
COMMAND = "astrago-actions "
USED = re.compile(rf"{LIBRARY}(/[\w./-]+)?@v1\b")
SHELLS = {"console", "bash", "sh"}


def documents() -> list[Path]:
    """Every Markdown file that is, or is about to be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = sorted({ROOT / name for name in listed.stdout.split("\0") if name})
    return [path for path in paths if path.is_file()]


DOCUMENTS = documents()
every_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS]
)


@cache
def parsed(document: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(document.read_text(encoding="utf-8"))


def fences(document: Path, languages: set[str]) -> list[str]:
    tokens = (token for token in parsed(document) if token.type == "fence")
    return [token.content for token in tokens if token.info.strip() in languages]


def inline(document: Path) -> Iterator[Token]:
    for token in parsed(document):
        yield from token.children or ()


def text_of(tokens: list[Token]) -> str:
    return "".join(" " if token.type == "softbreak" else token.content for token in tokens)


def anchors(document: Path) -> set[str]:
    """The names that GitHub gives to headings."""
    headings = [each for each in parsed(document) if each.type in {"heading_open", "inline"}]
    found = set()
    for at, token in enumerate(headings):
        if token.type == "heading_open":
            words = text_of(headings[at + 1].children or []).lower()
            found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found


def links(document: Path) -> list[str]:
    targets = (token.attrGet("href") or token.attrGet("src") for token in inline(document))
    return [str(target) for target in targets if target]


@every_document
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for link in links(document):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{link} leaves the repository"
        if anchor:
            assert unquote(anchor) in anchors(target), f"{link} names no heading"


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Every map in a YAML value, at any depth."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from mappings(each)
    elif isinstance(value, list):
        for each in value:
            yield from mappings(each)


@cache
def interface_behind(address: str) -> tuple[set[str], set[str]]:
    """The inputs of an action, or the inputs and secrets of a reusable workflow."""
    path = address.removeprefix(LIBRARY).partition("@")[0].strip("/")
    if path.endswith(".yml"):
        # PyYAML reads the key `on` as YAML 1.1's true.
        call = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))[True]["workflow_call"]
        return set(call["inputs"]), set(call["secrets"])
    return set(interface(path.rpartition("/")[2] or "pipeline")["inputs"]), set()


@every_document
def test_examples_give_inputs_that_the_actions_have(document: Path) -> None:
    for text in fences(document, {"yaml"}):
        for step in mappings(list(yaml.safe_load_all(text))):
            if not str(step.get("uses", "")).startswith(LIBRARY):
                continue
            inputs, secrets = interface_behind(step["uses"])
            assert set(step.get("with") or {}) <= inputs, step["uses"]
            assert set(step.get("secrets") or {}) <= secrets, step["uses"]


@every_document
def test_indented_examples_are_inputs_of_the_action_they_are_about(document: Path) -> None:
    """A few lines of a `with:` block, written with its indentation."""
    name = document.parent.name if document.parent.parent.name == "actions" else "pipeline"
    for text in fences(document, {"yaml"}):
        if text.startswith("    "):
            assert set(yaml.safe_load(text)) <= set(interface(name)["inputs"]), text


@every_document
def test_every_address_of_ours_can_be_used(document: Path) -> None:
    for path in USED.findall(document.read_text(encoding="utf-8")):
        target = ROOT / path.strip("/")
        assert target.suffix == ".yml" or (target / "action.yml").is_file(), f"{LIBRARY}{path}"
        assert target.exists(), f"{LIBRARY}{path}"


@every_document
def test_whole_workflows_pass_actionlint(document: Path, tmp_path: Path) -> None:
    """What names a job of another example, or another's action that grew old, is let pass."""
    texts = fences(document, {"yaml"})
    workflows = [text for text in texts if re.search("^jobs:", text, re.MULTILINE)]
    for number, text in enumerate(workflows):
        begin = "" if re.search("^on:", text, re.MULTILINE) else "on: push\n"
        path = tmp_path / f"{number}.yml"
        path.write_text(begin + text, encoding="utf-8")
        known = ('needs job "tag"', 'property "tag" is not defined', "is deprecated")
        ignored = [f"-ignore={each}" for each in known]
        done = subprocess.run(
            [str(Path(sys.executable).with_name("actionlint")), *ignored, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def commands(document: Path) -> list[str]:
    """What a reader types, one command each, also within a command."""
    found = []
    for text in fences(document, SHELLS):
        joined = re.sub(r"\\\n\s*", " ", text)
        found += [line.removeprefix("$ ") for line in joined.splitlines()]
    return found


def test_every_command_and_flag_exists(capsys: pytest.CaptureFixture[str]) -> None:
    for document in DOCUMENTS:
        for line in commands(document):
            for call in line.split(COMMAND)[1:]:
                name = call.split(maxsplit=1)[0].rstrip(")`")
                if name.startswith("-"):
                    continue
                with pytest.raises(SystemExit):
                    run_command([name, "--help"])
                known = set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out))
                given = set(re.findall(r"(?<=\s)--[a-z][a-z-]*", call))
                assert given <= known, f"{document.name}: {line}"


@every_document
def test_every_target_and_module_that_is_run_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in commands(document):
        assert set(re.findall(r"^make ([a-z]+)", line)) <= targets, line
        for module in re.findall(r"-m ((?:bench|docs)(?:\.\w+)+)", line):
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), line


@every_document
def test_every_variable_for_a_secret_belongs_to_an_input(document: Path) -> None:
    inputs = {name for action in ACTION_NAMES for name in interface(action)["inputs"]}
    known = {secret_variable(name) for name in inputs if holds_secret(name)}
    written = set(re.findall(r"\bASTRAGO_[A-Z_]+", document.read_text(encoding="utf-8")))
    assert written <= known | {"ASTRAGO_ACTIONS_PYTHON"}


def plain(title: str) -> str:
    return " ".join(title.replace("`", "").split())


def bold(document: Path) -> set[str]:
    """What is written in bold: the titles of errors."""
    found: set[str] = set()
    collected: list[Token] | None = None
    for token in inline(document):
        if token.type == "strong_open":
            collected = []
        elif token.type == "strong_close" and collected is not None:
            found.add(plain(text_of(collected)))
            collected = None
        elif collected is not None:
            collected.append(token)
    return found


def test_every_error_and_warning_is_in_the_list_of_errors() -> None:
    launcher = (ROOT / "src/astrago_actions/launch.sh").read_text(encoding="utf-8")
    titles = error_titles() | annotation_titles() | set(re.findall("title=([^:]+)::", launcher))

    missing = {plain(title) for title in titles} - bold(ROOT / "docs/errors.md")

    assert not missing


def test_every_reason_and_result_of_a_wait_is_in_the_list_of_errors() -> None:
    text = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    missing = {each for each in final_rows() | set(EXIT_CODES) if f"`{each}`" not in text}
    assert not missing


@pytest.mark.parametrize("document", ["docs/errors.md", "actions/argocd-wait/README.md"])
def test_every_result_of_a_wait_is_listed_with_its_exit_code(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for result, code in EXIT_CODES.items():
        assert re.search(rf"^\| `{result}` \| {code}\b", text, re.MULTILINE), result
    assert f"({SUPERSEDED_EXIT_CODE} with `on-superseded: fail`)" in text


def test_the_korean_guide_to_trouble_quotes_errors_as_they_are() -> None:
    assert bold(ROOT / "docs/ko/troubleshooting.md") <= bold(ROOT / "docs/errors.md")
