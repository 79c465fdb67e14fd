"""What Go's readers (Helm, helmfile, kustomize, Argo CD) make of the values that are written."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from astrago_actions.domain.editing.scalar import written
from astrago_actions.domain.values import edit
from tests.unit.domain.yaml_documents import Document, Writer, with_value

RISKY = (
    *("12345678", "1234e567", "0e12345", "706798e8", "0x1f", "0x_1f", "0X1F", "0o17", "017", "08"),
    *(
        "0b101",
        "0B1",
        "1_000",
        "1__0",
        "1_000.5",
        "1.0",
        "1.",
        ".5",
        "1e5",
        "1E+5",
        "+1",
        "-1",
        "+.5",
    ),
    *(
        "on",
        "On",
        "OFF",
        "y",
        "Y",
        "n",
        "N",
        "yes",
        "no",
        "NO",
        "true",
        "True",
        "FALSE",
        "nO",
        "tRUE",
    ),
    *(
        "null",
        "Null",
        "NULL",
        "~",
        "",
        "nil",
        "none",
        ".inf",
        "-.INF",
        "+.Inf",
        ".nan",
        ".NaN",
        "inf",
    ),
    *("NaN", "2025-01-01", "2025-1-1", "2025-01-01T10:00:00Z", "2025-01-01 10:00:00", "20250101"),
    *(
        "2025-01-01t1:1:1.5+09:00",
        "12:30:45",
        "190:20:30.15",
        "1:2",
        "1:60",
        "<<",
        "=",
        "-",
        "?",
        ":",
    ),
    *("1e", "1e5e", "0x", "0b", "0b2", "0o8", "1.2.3", "1.2.3.4", "_1", "1_", "1a", "e5", "0x1p4"),
    *("1e400", "0xfffffffffffffffffffff", "99999999999999999999999", "core-stage-1a2b3c4d", "v1.0"),
    *(
        "#x",
        " x",
        "x ",
        "a: b",
        "a #b",
        "&a",
        "*a",
        "!x",
        "|",
        ">",
        "%x",
        "@x",
        "`x",
        "'x",
        '"x',
        "{x",
    ),
    *(
        "[x",
        "---",
        "...",
        "a\nb",
        "a\tb",
        "\x07",
        "\x85",
        "\u2028",
        "\ufeff",
        "한글",
        "😀",
        "a:b",
        "a:",
    ),
)
SHAPES = ("a: {}\n", 'a: "{}"\n', "a: '{}'\n", "{{a: {}}}\n", "a:\n  - {}\n", "a: &x {}\nb: *x\n")

Reader = Callable[[list[str]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def go_reads(pytestconfig: pytest.Config) -> Reader:
    """Reads texts with Go's YAML readers, in one process."""
    program = _built(pytestconfig.rootpath)

    def read(texts: list[str]) -> list[dict[str, Any]]:
        done = subprocess.run(
            [program], input=json.dumps(texts), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        readings: list[dict[str, Any]] = json.loads(done.stdout)
        return readings

    return read


def _built(root: Path) -> Path:
    source = root / "bench" / "go_readers"
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not installed, so its YAML readers cannot be asked")
    parts = [path.read_bytes() for path in sorted(source.iterdir())]
    program = root / ".cache" / f"go-readers-{hashlib.sha256(b''.join(parts)).hexdigest()[:16]}"
    if not program.exists():
        program.parent.mkdir(exist_ok=True)
        done = subprocess.run(
            [go, "build", "-o", program, "."],
            cwd=source,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"Go's YAML readers could not be built: {done.stderr.strip()[-300:]}")
    return program


def test_every_written_value_is_the_same_string_in_go(go_reads: Reader) -> None:
    values = [*RISKY, *_random_tags(200)]
    texts: list[str] = []
    for value in values:
        for shape in SHAPES:
            text = shape.format("old")
            texts.append(edit(text, {"a[0]" if "- " in text else "a": value}))

    readings = go_reads(texts)

    wrong = []
    for at, (text, reading) in enumerate(zip(texts, readings, strict=True)):
        value = values[at // len(SHAPES)]
        for reader in ("helm", "v3"):
            found = (reading[reader] or {}).get("a")
            found = found[0] if isinstance(found, list) else found
            if found != value or reading["error"]:
                wrong.append((reader, text, found, reading["error"]))
    assert wrong == []


def test_go_sees_the_targeted_value_change_and_nothing_else(go_reads: Reader) -> None:
    documents = [Writer(Random(seed)).stream() for seed in range(400)]
    # JSON, in which Go answers, has no maps with keys that are not strings.
    usable = [each for each in documents if each.targets and _has_string_keys(each)]
    targets = [Random(at).choice(each.targets) for at, each in enumerate(usable)]
    afters = [
        edit(document.text, {target.path: "12345678"})
        for document, target in zip(usable, targets, strict=True)
    ]

    readings = zip(go_reads([each.text for each in usable]), go_reads(afters), strict=True)

    assert len(usable) > 100
    for (before, after), target in zip(readings, targets, strict=True):
        assert before["error"] == after["error"] == ""
        for reader in ("helm", "v3"):
            expected = [before[reader]]
            with_value(expected, target, "12345678", yaml.safe_load)
            assert [after[reader]] == expected


def _has_string_keys(document: Document) -> bool:
    one_document = {each.document for each in document.targets} == {0}
    return one_document and not re.search(r"\b(?:8080|on):", document.text)


def test_tabs_mean_to_go_what_they_mean_to_us(go_reads: Reader) -> None:
    text = "tag:\told\t# note\nother:\t'x'\t\nlist: [a,\tb]\n"

    after = edit(text, {"tag": "new"})

    assert after == text.replace("old", "new")
    assert go_reads([after])[0]["helm"] == {"tag": "new", "other": "x", "list": ["a", "b"]}


def test_tags_that_look_like_numbers_are_strings_in_go(go_reads: Reader) -> None:
    tags = _random_tags(5_000)

    readings = go_reads([f"a: {written(tag)}\n" for tag in tags])

    assert [each["helm"] for each in readings] == [{"a": tag} for tag in tags]
    assert [each["v3"] for each in readings] == [{"a": tag} for tag in tags]


def _random_tags(count: int) -> list[str]:
    """Tags of few characters, most of which look like a number, a date or a word of YAML."""
    random = Random(20261124)
    alphabets = ("0123456789", "0123456789abcdef", "0123456789e_.-+", "0x1bo_7e", "0123456789:-")
    return [
        "".join(random.choices(random.choice(alphabets), k=random.randint(1, 9))).lstrip("-+.:")
        or "0"
        for _ in range(count)
    ]
