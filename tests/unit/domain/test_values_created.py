"""Keys that are added where they are missing, in the style of the file."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from astrago_actions.domain.edit_refused import EditRefused, FileRefused
from astrago_actions.domain.values import apply, edit


def create(text: str, changes: Mapping[str, str] | str) -> str:
    wanted = {changes: "new"} if isinstance(changes, str) else changes
    return edit(text, wanted, if_missing="create", name="values.yaml")


FOUR_DEEP = """\
# 설정
astrago:
    core:
        imageTag: "core"   # 코어
    batch:
        imageTag: "batch"
        # the end of batch

    # next
    frontend:
        imageTag: "frontend\""""


def test_takes_indentation_and_quotes_from_its_neighbours() -> None:
    assert create(FOUR_DEEP, "astrago.monitor.imageTag") == (
        FOUR_DEEP + '\n    monitor:\n        imageTag: "new"'
    )


def test_comes_directly_behind_the_last_key_of_its_map() -> None:
    assert create(FOUR_DEEP, "astrago.batch.pullPolicy") == FOUR_DEEP.replace(
        '"batch"\n', '"batch"\n        pullPolicy: "new"\n'
    )


def test_keys_that_share_a_way_are_added_together() -> None:
    changes = {"x.v.a": "1a", "x.v.b": "2b", "x.z": "3c", "astrago.core.more": "4d"}

    assert create(FOUR_DEEP, changes) == (
        FOUR_DEEP.replace("# 코어\n", '# 코어\n        more: "4d"\n')
        + '\nx:\n    v:\n        a: "1a"\n        b: "2b"\n    z: "3c"'
    )


def test_present_keys_are_changed_and_missing_ones_added_in_one_call() -> None:
    edited = apply("a:\n  b: 1\n", {"a.b": "x", "a.c": "z", "d": "w"}, if_missing="create")

    assert edited.text == "a:\n  b: x\n  c: z\nd: w\n"
    assert edited.previous == {"a.b": "1", "a.c": None, "d": None}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "a:\n  b: new\n"),
        ("# only\n", "# only\na:\n  b: new\n"),
        ("# only", "# only\na:\n  b: new"),
        ("---\n", "---\na:\n  b: new\n"),
        ("\ufeffx: 1", "\ufeffx: 1\na:\n  b: new"),
        ("a:\n", "a:\n  b: new\n"),
        ("a: # why\nx: 1\n", "a: # why\n  b: new\nx: 1\n"),
        ("a:", "a:\n  b: new"),
        ("a: {}\n", "a: {b: new}\n"),
        ("a: {x: 1}\n", "a: {x: 1, b: new}\n"),
        ("a: {x: {y: 1},}\n", "a: {x: {y: 1}, b: new,}\n"),
        ("a:\r\n  x: 1\r\n", "a:\r\n  x: 1\r\n  b: new\r\n"),
        ("a:\n  x:\n  - 1\n  - 2\nc: 3\n", "a:\n  x:\n  - 1\n  - 2\n  b: new\nc: 3\n"),
        ("a:\n  x: |\n    text\n\nc: 3\n", "a:\n  x: |\n    text\n  b: new\n\nc: 3\n"),
        ("a:\n  x: |+\n    text\n\nc: 3\n", "a:\n  x: |+\n    text\n\n  b: new\nc: 3\n"),
        ("a:\n  x: 'y'\n", "a:\n  x: 'y'\n  b: 'new'\n"),
        ("a:\n  x:\nc: 3\n", "a:\n  x:\n  b: new\nc: 3\n"),
        ("a:\n  x: 1\n...\n", "a:\n  x: 1\n  b: new\n...\n"),
        ("c: 1\n---\na:\n  x: 1\n", "c: 1\n---\na:\n  x: 1\n  b: new\n"),
    ],
)
def test_finds_its_place(before: str, after: str) -> None:
    assert create(before, "a.b") == after


def test_is_added_to_an_item_of_a_list() -> None:
    text = "images:\n- name: core\n  newTag: x\n- name: batch\n"

    assert create(text, "images[name=core].digest") == text.replace(
        "newTag: x\n", "newTag: x\n  digest: new\n"
    )


def test_keys_and_values_are_quoted_where_readers_would_misread_them() -> None:
    assert create("a: b\n", {"on.8080": "12345678"}) == 'a: b\n"on":\n  "8080": "12345678"\n'


def test_an_anchored_map_names_who_else_gets_the_key() -> None:
    text = "base: &b\n  x: 1\nprod:\n  <<: *b\n"

    edited = apply(text, {"base.tag": "new"}, if_missing="create")

    assert edited.text == text.replace("x: 1\n", "x: 1\n  tag: new\n")
    assert edited.notes[0].startswith("`base.tag` is anchored: `prod.tag` (line 4, through `<<`)")


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("a: x\n", "a.b", "because `a` above it (line 1) is no map"),
        ("a: ~\n", "a.b", "because `a` above it (line 1) is no map"),
        ("a: [1]\n", "a.b", "because `a` above it (line 1) is no map"),
        ("a: [1]\n", "a[1]", "the list `a` has 1 item"),
        ("a: [{n: x}]\n", "a[n=y].b", "no item of the list `a` has n=y"),
        ("a: {}\n", "a.b[0]", "items of lists are not created"),
        ("a: 1\n---\nb: 1\n", "c", "could be added to any of several documents"),
        ("b: &b {t: 1}\na: {<<: *b}\n", "a.t", "comes through `<<`"),
        ("b: &b {t: 1}\na: *b\n", "a.x", "is the alias `*b`"),
    ],
)
def test_is_refused_where_its_place_is_unclear(text: str, key: str, reason: str) -> None:
    with pytest.raises(EditRefused) as caught:
        create(text, key)

    assert reason in caught.value.detail


def test_a_value_and_keys_below_it_are_refused() -> None:
    with pytest.raises(EditRefused, match="was not changed"):
        create("a: 1\n", {"b": "x", "b.c": "y"})


def test_nothing_is_added_behind_a_text_that_would_grow_by_it() -> None:
    with pytest.raises(FileRefused):
        create("a: |\n  text", "b")
