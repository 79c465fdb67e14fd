"""Long files: edited in milliseconds, with the outcome of reading them as a whole."""

from __future__ import annotations

import pytest

from astrago_actions.domain.edit_refused import EditRefused, FileRefused
from astrago_actions.domain.editing.reading import Kind, readings, whole
from astrago_actions.domain.key_path import parse_key_path
from astrago_actions.domain.values import apply, current, edit
from bench.long_files import LongFile, of_lines

LONG = "# comment\n" * 500
LIST = f"""\
{LONG}images:
- name: core
  newTag: old # pinned
- {{name: batch, newTag: v1}}
- newTag: v2
  "name": 'monitor'
- - name: nested
- text
-
- name: "a b"
  below:
    newTag: v3
"""


def is_edited_by_excerpt(text: str, *keys: str) -> bool:
    kind = next(readings(text, [parse_key_path(key) for key in keys])).kind
    return kind is Kind.EXCERPT


@pytest.mark.parametrize("file", list(of_lines(300)), ids=lambda file: file.kind)
def test_every_kind_of_long_file_is_edited_by_an_excerpt(file: LongFile) -> None:
    assert is_edited_by_excerpt(file.text, file.key)

    changes = {file.key: "core-stage-1a2b3c4d"}

    assert apply(file.text, changes) == apply(file.text, changes, ways=whole)


@pytest.mark.parametrize(
    ("key", "old"),
    [
        ("images[name=core].newTag", "old"),
        ("images[0].newTag", "old"),
        ("images[name=batch].newTag", "v1"),
        ("images[1].newTag", "v1"),
        ("images[name=monitor].newTag", "v2"),
        ("images[newTag=v2].newTag", "v2"),
        ("images[3][0].name", "nested"),
        ("images[4]", "text"),
        ("images[name=a b].below.newTag", "v3"),
    ],
)
def test_a_path_goes_through_lists_of_a_long_file(key: str, old: str) -> None:
    assert is_edited_by_excerpt(LIST, key)
    assert current(LIST, [key]) == {key: old}
    assert apply(LIST, {key: "new"}) == apply(LIST, {key: "new"}, ways=whole)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("base: &b\n  tag: old\nprod:\n  <<: *b\n  own: x\n", "prod.own"),
        ("a: &t old\nb: *t\n", "a"),
        ("l:\n- &i\n  name: core\n  tag: old\nx: *i\n", "l[name=core].tag"),
        ("n: &n core\nl:\n- name: *n\n  tag: old\n", "l[name=core].tag"),
        ("a: {tag: &t old}\nb: *t\n", "a.tag"),
        ("l:\n- name: |\n    core\n  tag: old\n", "l[0].name"),
        ("tag: old\ndigest: |\n  sha256:abc\n", "tag"),
        ("tag: old\n...\n---\nother: 1\n", "tag"),
    ],
)
def test_what_an_excerpt_cannot_tell_is_read_as_a_whole(text: str, key: str) -> None:
    assert not is_edited_by_excerpt(LONG + text, key)
    assert current(LONG + text, [key]) == current(text, [key])


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("a:\n  tag: 1\n---\na:\n  tag: 2\n", "a.tag", "on lines 502 and 505"),
        ("tag: 1\ntag: 2\n", "tag", "on lines 501 and 502"),
        ("l:\n- name: a\n- {name: a}\n- name: b\n", "l[name=a].tag", "on lines 502 and 503"),
        ("l:\n- name: a\n", "l[name=b].tag", "the values there are `a`"),
        ("l:\n- name: a\n", "l[1].name", "the list `l` has 1 item"),
        ("l:\n- name: {a: 1}\n", "l[0].name", "is a map of `a`"),
        ("l:\n- {name: a, tag: 1}\n", "l[name=a].tg", "did you mean `l[0].tag` (line 502)"),
    ],
)
def test_a_long_file_is_refused_in_the_same_words(text: str, key: str, reason: str) -> None:
    said = []
    for ways in (readings, whole):
        with pytest.raises(EditRefused) as caught:
            apply(LONG + text, {key: "new"}, ways=ways)
        said.append((caught.value.detail, caught.value.remedy))

    assert said[0] == said[1]
    assert reason in said[0][0]


def test_a_digest_that_overrides_the_tag_is_named_however_it_is_written() -> None:
    for digest in ("sha256:abc", "&d sha256:abc", '"sha256:\\x61bc"'):
        text = f"{LONG}l:\n- digest: {digest}\n  tag: old\n"
        (note,) = apply(text, {"l[0].tag": "new"}).notes
        assert note.startswith("`l[0].digest` (line 502) is set beside `l[0].tag`")


@pytest.mark.parametrize("action", ["b: {{ .x }}\n", "b:\n  {{ .x }}\n", "b: [{{ .x }}]\n"])
def test_a_long_template_stays_a_template(action: str) -> None:
    text = f"{LONG}l:\n- tag: old\na: old\n{action}"

    with pytest.raises(EditRefused, match="was not changed") as caught:
        edit(text, {"l[0].tag": "new"})

    assert "passes through a list" in caught.value.detail
    assert edit(text, {"a": "new"}) == text.replace("a: old", "a: new")


def test_tabs_elsewhere_leave_a_tab_in_quotes_alone() -> None:
    text = f'{LONG}a: "x\ty"\nb: 1\t# tab\n'

    assert edit(text, {"b": "new"}) == text.replace("1", "new")
    assert current(text, ["a"]) == current(text.removeprefix(LONG), ["a"])


@pytest.mark.parametrize("comments", ["", LONG])
def test_a_value_with_the_only_tab_outside_of_brackets_is_replaced(comments: str) -> None:
    text = f"{comments}a: x\ty\nb: [1,\t2]\n"

    assert edit(text, {"a": "new"}) == text.replace("x\ty", "new")


@pytest.mark.parametrize(
    "end",
    [
        *("b: 'open\n", "... b: 1\n", "b: {open\n", "   b: 1\n", "? b\n- c\n"),
        *("b: |2\n c\n", "b: *a *a\n"),
    ],
)
def test_an_irregular_end_that_is_no_yaml_is_refused(end: str) -> None:
    for ways in (readings, whole):
        with pytest.raises(FileRefused, match="not valid YAML"):
            apply(f"{LONG}a:\n- tag: old\n{end}", {"a[0].tag": "new"}, ways=ways)
