from __future__ import annotations

import pytest

from astrago_actions.domain.key_path import (
    Choice,
    Index,
    Key,
    KeyPathError,
    Segment,
    parse_key_path,
)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("tag", [Key("tag")]),
        ("astrago.core.imageTag", [Key("astrago"), Key("core"), Key("imageTag")]),
        (r"a\.b.c", [Key("a.b"), Key("c")]),
        (r"a\[0\]", [Key("a[0]")]),
        (r"a\\b", [Key("a\\b")]),
        ('a."b.c".d', [Key("a"), Key("b.c"), Key("d")]),
        ("'a.b'", [Key("a.b")]),
        (r'"a\"b"', [Key('a"b')]),
        ('a["b.c"]', [Key("a"), Key("b.c")]),
        ("a[0]", [Key("a"), Index(0)]),
        ("[2].b", [Index(2), Key("b")]),
        ("a[0][1]", [Key("a"), Index(0), Index(1)]),
        ("a[name=core].b", [Key("a"), Choice("name", "core"), Key("b")]),
        ("p[name=image.tag].value", [Key("p"), Choice("name", "image.tag"), Key("value")]),
        ("p[name=a=b]", [Key("p"), Choice("name", "a=b")]),
        ('p[name="a]b"]', [Key("p"), Choice("name", "a]b")]),
        ("p[name=]", [Key("p"), Choice("name", "")]),
        ("8080", [Key("8080")]),
        ("키.태그", [Key("키"), Key("태그")]),
        ("with blank.b", [Key("with blank"), Key("b")]),
        ("nginx.ingress/x-y_z", [Key("nginx"), Key("ingress/x-y_z")]),
    ],
)
def test_reads(text: str, segments: list[Segment]) -> None:
    path = parse_key_path(text)

    assert list(path.segments) == segments
    assert parse_key_path(str(path)) == path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is empty"),
        ("a..b", "a key is missing at character 3"),
        (".a", "a key is missing at character 1"),
        ("a.", "a key is missing at character 3"),
        ("a[", "expected `[0]` or `[name=value]` at character 2"),
        ("a[x]", "expected `[0]` or `[name=value]` at character 2"),
        ("a[=x]", "expected `[0]` or `[name=value]` at character 2"),
        ("a[name=x", "`]` is missing at character 2"),
        ("a]b", "`]` must be written `\\]` at character 2"),
        ("a[0]b", "expected `.` or `[` at character 5"),
        ('"a"b', "expected `.` or `[` at character 4"),
        ("a\\", "`\\` must be written `\\\\` at character 2"),
    ],
)
def test_says_where_a_path_breaks(text: str, problem: str) -> None:
    with pytest.raises(KeyPathError) as caught:
        parse_key_path(text)

    assert caught.value.problem == problem
    assert str(caught.value) == f"`{text}` is not a key path: {problem}"
