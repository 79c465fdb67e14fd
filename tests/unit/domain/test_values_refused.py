"""Edits that are not made, and what the reader is told instead."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from astrago_actions.domain.edit_refused import EditRefused, FileRefused
from astrago_actions.domain.values import current, edit


def refusal(text: str, changes: Mapping[str, str] | str) -> EditRefused:
    wanted = {changes: "new"} if isinstance(changes, str) else changes
    with pytest.raises(EditRefused) as caught:
        edit(text, wanted, name="values.yaml")
    return caught.value


def test_a_missing_key_names_the_nearest_ones_with_their_lines() -> None:
    text = """\
# values
astrago:
  tlsSecretName: x
  truststore: y
  mariadb:
    enabled: true
  core:
    repository: "xiilab/astrago-backend"
    imageTag: "core-stage-ca58a8c3"
  batch:
    imageTag: "batch-stage-ca58a8c3"
"""

    error = refusal(text, "astrago.components.core.tag")

    assert error.title == "`astrago.components.core.tag` in values.yaml was not changed"
    assert error.detail.startswith(
        "`astrago.components.core.tag` is not in values.yaml; "
        "did you mean `astrago.core.imageTag` (line 9)"
    )
    assert "if-missing: create" in error.remedy


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("astrago.core.imagetag", "`astrago.core.imageTag` (line 3)"),
        ("astrago.cor.imageTag", "`astrago.core.imageTag` (line 3)"),
        ("core.imageTag", "`astrago.core.imageTag` (line 3)"),
        ("astrago.core.image.tag", "`astrago.core.imageTag` (line 3)"),
        ("astrago.core.imageTag.x", "`astrago.core.imageTag` (line 3)"),
    ],
)
def test_a_typing_mistake_is_recognised(key: str, meant: str) -> None:
    text = "astrago:\n  core:\n    imageTag: x\n    replicas: 1\nother:\n  port: 80\n"

    assert f"did you mean {meant}?" in refusal(text, key).detail


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    assert refusal("port: 80\n", "astrago.core.imageTag").detail == (
        "`astrago.core.imageTag` is not in values.yaml"
    )
    assert refusal("", "a").detail == "`a` is not in values.yaml"
    assert refusal("# only a comment\n", "a").detail == "`a` is not in values.yaml"


def test_every_refusal_of_a_call_is_reported_and_nothing_changed() -> None:
    error = refusal("a: &x 1\nb: *x\nc: {}\n", {"a": "1", "b": "2", "c": "3", "d": "4", "e[": "5"})

    assert error.title == "4 keys in values.yaml cannot be changed, so nothing was"
    assert [each.key for each in error.refusals] == ["e[", "b", "c", "d"]


def test_an_alias_names_every_key_that_it_would_change() -> None:
    error = refusal("base: &t old\na: *t\nb:\n  c: *t\n", "b.c")

    assert error.detail == (
        "`b.c` (line 4) has no value of its own: it is the alias `*t`, and writing through it "
        "would change `base` (line 1), `a` (line 2) and `b.c` (line 4)"
    )


def test_a_key_inside_an_aliased_map_names_every_key_that_it_would_change() -> None:
    error = refusal("base: &b\n  tag: old\nprod: *b\n", "prod.tag")

    assert error.detail == (
        "`prod.tag` (line 3) has no value of its own: `prod` is the alias `*b`, and writing "
        "through it would change `base.tag` (line 1) and `prod.tag` (line 3)"
    )


@pytest.mark.parametrize("merge", ["<<: *b", "<<: [*b]", "<<: [*c, *b]", "<<: *d"])
def test_a_merged_key_says_where_it_comes_from(merge: str) -> None:
    text = f"base: &b\n  tag: old\nc: &c {{x: 1}}\nd: &d\n  <<: *b\nprod:\n  {merge}\n"

    assert refusal(text, "prod.tag").detail == (
        "`prod.tag` (line 7) has no value of its own: `tag` comes through `<<` (line 7) from "
        "`base.tag` (line 2)"
    )


def test_a_key_that_a_later_merge_overrides_for_helm_is_refused() -> None:
    text = "base: &b\n  tag: old\nprod:\n  tag: own\n  <<: *b\n"

    assert refusal(text, "prod.tag").detail == (
        "`prod.tag` (line 4) is unclear: the `<<` behind it (line 5) brings `tag` too, from "
        "`base.tag` (line 2), and Helm takes that one"
    )
    assert "is unclear" in refusal("# comment\n" * 500 + text, "prod.tag").detail


def test_a_map_that_merges_itself_ends() -> None:
    assert "is not in values.yaml" in refusal("a: &x\n  <<: *x\n  b: 1\n", "a.c").detail


def test_a_duplicate_key_names_both_lines() -> None:
    assert refusal("tag: 1\nb: 2\ntag: 3\n", "tag").detail == (
        "`tag` (line 1) is unclear: the key `tag` stands 2 times in one map, on lines 1 and 3; "
        "readers disagree about which one counts"
    )


def test_a_duplicate_key_above_the_value_is_refused_too() -> None:
    assert "on lines 1 and 3" in refusal("a:\n  x: 1\na:\n  tag: 2\n", "a.tag").detail


def test_a_number_and_its_digits_as_keys_are_duplicates() -> None:
    assert "2 times" in refusal('8080: a\n"8080": b\n', "8080").detail


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tag: {}\n", "`tag` (line 1) is a map, not a value"),
        ("tag:\n  a: 1\n  b: 2\n", "`tag` (line 1) is a map of `a`, `b`, not a value"),
        ("tag: [1]\n", "`tag` (line 1) is a list, not a value"),
        ("tag:\n- 1\n", "`tag` (line 1) is a list, not a value"),
        ("tag: |\n  v1\n", "`tag` (line 1) is a block of text (`|`), not a value on one line"),
        ("tag: >-\n  v1\n", "`tag` (line 1) is a block of text (`>`), not a value on one line"),
        ("tag: !!int 1\n", "`tag` (line 1) has the tag `!!int`, so a string cannot stand there"),
        ("tag: !x 1\n", "`tag` (line 1) has the tag `!x`, so a string cannot stand there"),
    ],
)
def test_what_is_not_a_plain_value_is_refused(text: str, reason: str) -> None:
    assert refusal(text, "tag").detail == reason


@pytest.mark.parametrize("value", ["'{{ .x }}'", '"a-{{ .x }}"', "a-{{ .x }}"])
def test_a_template_inside_a_value_is_refused(value: str) -> None:
    assert "is a template (`{{ … }}`)" in refusal(f"a: 1\ntag: {value}\n", "tag").detail


def test_an_explicit_key_without_a_value_is_refused() -> None:
    assert "has no `:`" in refusal("? tag\n", "tag").detail


def test_several_documents_with_the_key_are_refused() -> None:
    assert refusal("tag: 1\n---\ntag: 2\n", "tag").detail == (
        "`tag` (line 1) is unclear: 2 documents of the file have it, on lines 1 and 3"
    )


def test_documents_with_empty_values_are_named_by_the_lines_of_their_keys() -> None:
    assert "on lines 1 and 3" in refusal("tag:\n---\ntag:\n", "tag").detail


def test_a_list_says_which_items_it_has() -> None:
    text = "l:\n- name: a\n- name: b\n- x: 1\n"

    assert refusal(text, "l[name=c].tag").detail == (
        "`l[name=c].tag` does not exist: no item of the list `l` has name=c; "
        "the values there are `a` and `b`"
    )
    assert refusal(text, "l[3]").detail == (
        "`l[3]` does not exist: the list `l` has 3 items, counted from [0]"
    )
    assert refusal(text, "l[id=1]").detail.endswith("none has a `id`")
    assert refusal("l: 1\n", "l[0]").detail == "`l[0]` does not exist: `l` is not a list"
    assert "the list at the top has 1 item" in refusal("- a\n", "[1]").detail


def test_several_items_of_a_list_are_refused() -> None:
    assert refusal("l:\n- name: a\n- name: a\n", "l[name=a].name").detail == (
        "`l[name=a].name` (line 2) is unclear: 2 items of the list `l` have name=a, "
        "on lines 2 and 3"
    )


def test_two_values_for_one_key_are_refused() -> None:
    assert "two different values" in refusal("a: 1\n", {"a": "x", '"a"': "y"}).detail
    assert edit("a: 1\n", {"a": "x", '"a"': "x"}) == "a: x\n"


def test_a_broken_key_path_is_refused() -> None:
    assert refusal("a: 1\n", "a..b").detail == (
        "`a..b` is not a key path: a key is missing at character 3"
    )


def test_broken_yaml_is_refused_with_the_line() -> None:
    with pytest.raises(FileRefused) as caught:
        edit("a: 1\nb: c: d\n", {"a": "2"}, name="values.yaml")

    assert caught.value.title == "values.yaml is not valid YAML"
    assert caught.value.detail == "Line 2: mapping values are not allowed here."


def test_control_characters_are_refused_with_the_line() -> None:
    with pytest.raises(FileRefused, match="not valid YAML") as caught:
        edit("a: 1\nb: \x01\n", {"a": "2"})

    assert "Line 2: the character U+0001" in caught.value.detail


@pytest.mark.parametrize(
    "text",
    ["# x\u2028 tag: y\na:\n  tag: old\n", "b: x\x85a: {tag: old}\n", "a: {b: 1} # \x85tag: 1\n"],
)
def test_unicode_line_breaks_that_readers_take_differently_are_refused(text: str) -> None:
    with pytest.raises((FileRefused, EditRefused)) as caught:
        edit(text, {"a.tag": "new"}, name="values.yaml")

    if isinstance(caught.value, FileRefused):
        assert caught.value.title == "values.yaml means different things to different YAML readers"


def test_the_present_value_of_an_unclear_key_is_unknown() -> None:
    assert current("a: 1\na: 2\nb: &x 1\nc: *x\n", ["a", "c", "a..b"]) == {
        "a": None,
        "c": None,
        "a..b": None,
    }


def test_reading_broken_yaml_is_refused_too() -> None:
    with pytest.raises(FileRefused):
        current("a: b: c\n", ["a"])


def test_a_long_file_is_refused_for_the_same_reasons() -> None:
    text = "# comment\n" * 500 + "a: &x 1\nb: *x\nc: 1\nc: 2\nd: {}\n"

    error = refusal(text, {"b": "1", "c": "2", "d": "3", "e": "4"})

    assert [each.line for each in error.refusals] == [502, 503, 505, None]
