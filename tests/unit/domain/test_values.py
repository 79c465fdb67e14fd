"""Edits that are made: what changes, and above all what does not."""

from __future__ import annotations

import pytest

from astrago_actions.domain.edit_refused import FileRefused
from astrago_actions.domain.values import apply, current, edit

# The shape of the deployment repository's file: Korean comments, double quotes, no final newline.
SEED = """\
# 아스트라고 배포 설정
astrago:
  tlsSecretName: ""   # 인증서

  core:
    repository: "xiilab/astrago-backend"
    imageTag: "core-stage-ca58a8c3"
  batch:
    imageTag: "batch-stage-ca58a8c3"   # 배치
  frontend:
    imageTag: "frontend-stage-4e1b9c77\""""


def test_changes_only_the_tags_of_the_seed_file() -> None:
    changes = {
        "astrago.core.imageTag": "core-stage-1a2b3c4d",
        "astrago.frontend.imageTag": "frontend-stage-1a2b3c4d",
    }

    edited = apply(SEED, changes)

    expected = SEED.replace("core-stage-ca58a8c3", "core-stage-1a2b3c4d")
    expected = expected.replace("frontend-stage-4e1b9c77", "frontend-stage-1a2b3c4d")
    assert edited.text == expected
    assert edited.previous == {
        "astrago.core.imageTag": "core-stage-ca58a8c3",
        "astrago.frontend.imageTag": "frontend-stage-4e1b9c77",
    }
    assert edited.notes == ()


def test_serves_the_later_layout_as_well() -> None:
    text = "astrago:\n  components:\n    core:\n      tag: core-stage-1.0-45eac704\n"

    after = edit(text, {"astrago.components.core.tag": "core-stage-1.0-8e154d47"})

    assert after == text.replace("45eac704", "8e154d47")


def test_reads_the_present_values() -> None:
    assert current(SEED, ["astrago.core.imageTag", "astrago.none", "astrago.core"]) == {
        "astrago.core.imageTag": "core-stage-ca58a8c3",
        "astrago.none": None,
        "astrago.core": None,
    }


def test_keeps_a_trailing_comment_and_the_blanks_before_it() -> None:
    assert edit("tag: old    # why\n", {"tag": "new"}) == "tag: new    # why\n"


def test_keeps_trailing_blanks() -> None:
    assert edit("tag: old  \nb: 1\n", {"tag": "new"}) == "tag: new  \nb: 1\n"


@pytest.mark.parametrize("quote", ['"', "'"])
def test_keeps_quotes(quote: str) -> None:
    assert edit(f"tag: {quote}old{quote}\n", {"tag": "new"}) == f"tag: {quote}new{quote}\n"


def test_escapes_a_value_for_the_quotes_that_are_there() -> None:
    assert edit("tag: 'old'\n", {"tag": "it's"}) == "tag: 'it''s'\n"
    assert edit('tag: "old"\n', {"tag": 'a "b" \\'}) == 'tag: "a \\"b\\" \\\\"\n'


def test_single_quotes_become_double_where_they_cannot_hold_the_value() -> None:
    assert edit("tag: 'old'\n", {"tag": "a\nb"}) == 'tag: "a\\nb"\n'


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_keeps_line_endings(newline: str) -> None:
    text = newline.join(["a:", "  tag: old # x", "", "  b: 1", ""])

    assert edit(text, {"a.tag": "new"}) == text.replace("old", "new")


def test_keeps_mixed_line_endings() -> None:
    text = "a:\r\n  tag: old\n  b: 1\r\nc: 2\n"

    assert edit(text, {"a.tag": "new"}) == text.replace("old", "new")


def test_keeps_the_byte_order_mark() -> None:
    assert edit("\ufefftag: old\n", {"tag": "new"}) == "\ufefftag: new\n"


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n"])
def test_keeps_the_end_of_the_file(end: str) -> None:
    assert edit(f"a: 1\ntag: old{end}", {"tag": "new"}) == f"a: 1\ntag: new{end}"


def test_keeps_document_markers_and_other_documents() -> None:
    text = "%YAML 1.1\n---\na: 1 # x\n...\n---\n# second\ntag:   old\n...\n"

    assert edit(text, {"tag": "new"}) == text.replace("old", "new")


def test_keeps_flow_style() -> None:
    text = "image: { repository: r ,tag: old, list: [1,2] } # flow\n"

    assert edit(text, {"image.tag": "new"}) == text.replace("old", "new")


def test_keeps_flow_style_without_blanks() -> None:
    assert edit('{"a":{"tag":"old"}}', {"a.tag": "new"}) == '{"a":{"tag":"new"}}'


def test_replaces_a_value_on_several_lines_as_a_whole() -> None:
    assert edit("tag: a\n  b\nc: 1\n", {"tag": "new"}) == "tag: new\nc: 1\n"
    assert edit('tag: "a\n  b" # x\nc: 1\n', {"tag": "new"}) == 'tag: "new" # x\nc: 1\n'


@pytest.mark.parametrize("empty", ["~", "null"])
def test_replaces_null(empty: str) -> None:
    assert edit(f"tag: {empty} # x\n", {"tag": "new"}) == "tag: new # x\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tag:\n", "tag: new\n"),
        ("tag:", "tag: new"),
        ("tag:   # why\n", "tag: new   # why\n"),
        ("a:\n  tag:\n\n\nb: 1\n", "a:\n  tag: new\n\n\nb: 1\n"),
        ("a: {tag: }\n", "a: {tag: new }\n"),
        ("a: {tag: , b: 1}\n", "a: {tag: new , b: 1}\n"),
        ("a: {tag, b: 1}\n", "a: {tag: new, b: 1}\n"),
        ("a:\n  ? tag\n  :\n", "a:\n  ? tag\n  : new\n"),
        ("a:\n  tag: ''\n", "a:\n  tag: 'new'\n"),
    ],
)
def test_fills_an_empty_value(before: str, after: str) -> None:
    key = "a.tag" if before.startswith("a") else "tag"

    assert edit(before, {key: "new"}) == after


def test_fills_an_empty_item_of_a_list() -> None:
    assert edit("a:\n-\n- b\n", {"a[0]": "new"}) == "a:\n- new\n- b\n"


def test_keeps_an_explicit_tag_and_an_anchor() -> None:
    assert edit("tag: !!str 123\n", {"tag": "new"}) == "tag: !!str new\n"
    assert edit("tag: &t !!str old\n", {"tag": "new"}) == "tag: &t !!str new\n"
    assert edit("tag: !!str &t # x\n  old\n", {"tag": "new"}) == "tag: !!str &t # x\n  new\n"
    assert edit("tag: &t\nb: *t\n", {"tag": "new"}) == "tag: &t new\nb: *t\n"
    assert edit("{tag: &t }", {"tag": "new"}) == "{tag: &t new }"


def test_keeps_an_anchored_value_anchored_and_names_its_users() -> None:
    text = "tag: &t old\nb: *t\nc:\n- d: *t\n"

    edited = apply(text, {"tag": "new"})

    assert edited.text == text.replace("old", "new")
    assert edited.notes == (
        "`tag` is anchored: `b` (line 2) and `c[0].d` (line 4) take it and change too.",
    )


def test_names_the_users_of_an_anchored_map_and_of_merge_keys() -> None:
    text = "base: &b\n  tag: old\nprod:\n  <<: *b\nstage: *b\nlist:\n- <<: [*b]\n"

    edited = apply(text, {"base.tag": "new"})

    assert edited.text == text.replace("old", "new")
    assert edited.notes == (
        "`base.tag` is anchored: `prod.tag` (line 4, through `<<`), `stage.tag` (line 5) and "
        "`list[0].tag` (line 7, through `<<`) take it and change too.",
    )


def test_a_key_below_a_merge_is_the_maps_own() -> None:
    text = "base: &b\n  tag: x\nprod:\n  <<: *b\n  tag: old\n"

    assert edit(text, {"prod.tag": "new"}) == text.replace("old", "new")


def test_says_when_a_digest_beside_the_tag_overrides_it() -> None:
    text = "image:\n  tag: old\n  digest: sha256:abc\n"

    assert apply(text, {"image.tag": "new"}).notes == (
        "`image.digest` (line 3) is set beside `image.tag`: where an image has a digest, the tag "
        "is not used.",
    )
    assert apply(text.replace("sha256:abc", '""'), {"image.tag": "new"}).notes == ()
    assert apply(text, {"image.tag": "new", "image.digest": "sha256:def"}).notes == ()


def test_edits_an_explicit_key() -> None:
    assert edit("? tag\n: old\n", {"tag": "new"}) == "? tag\n: new\n"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('"tag": old\n', "tag"),
        ("8080: old\n", "8080"),
        ("on: old\n", "on"),
        ("app.kubernetes.io/name: old\n", r"app\.kubernetes\.io/name"),
        ("app.kubernetes.io/name: old\n", '"app.kubernetes.io/name"'),
        ("app.kubernetes.io/name: old\n", '["app.kubernetes.io/name"]'),
        ("'it''s': old\n", "it's"),
        ("a key: old\n", "a key"),
        ("키: old\n", "키"),
    ],
)
def test_finds_quoted_numeric_and_dotted_keys(text: str, key: str) -> None:
    assert edit(text, {key: "new"}) == text.replace("old", "new")


def test_selects_in_lists_by_position_and_by_field() -> None:
    text = "l:\n- name: a\n  tag: 1\n- {name: b, tag: old}\n"

    assert edit(text, {"l[name=b].tag": "new"}) == text.replace("old", "new")
    assert edit(text, {"l[1].tag": "new"}) == text.replace("old", "new")


def test_selects_at_the_top_of_a_document() -> None:
    assert edit("- tag: old\n", {"[0].tag": "new"}) == "- tag: new\n"


def test_takes_the_only_document_that_has_the_key() -> None:
    text = "kind: Service\nname: old\n---\nkind: Deployment\nspec: {tag: old}\n"

    assert edit(text, {"spec.tag": "new"}) == text.replace("tag: old", "tag: new")


def test_reads_tabs_between_colon_and_value_as_helm_does() -> None:
    text = "a:\n  tag:\told\t# x\n  b:\t1\t\n"

    assert edit(text, {"a.tag": "new"}) == text.replace("old", "new")


def test_keeps_unicode_line_breaks_that_change_nothing() -> None:
    text = 'a: "x\u2028y"\n# ends in NEL \x85\ntag: old\n'

    assert edit(text, {"tag": "new"}) == text.replace("old", "new")


def test_keeps_text_that_is_not_ascii() -> None:
    text = "# 😀 태그\n이름: '값'\ntag: old # 끝\n"

    assert edit(text, {"tag": "new"}) == text.replace("old", "new")


def test_the_value_that_is_there_is_no_change() -> None:
    for text in ("tag: same # x\n", "tag: 'same'\n", "tag: &t same\n", "a: 1\ntag: foo, bar\n"):
        value = "foo, bar" if "foo" in text else "same"
        assert edit(text, {"tag": value}) == text


def test_a_template_that_is_there_already_is_no_change() -> None:
    assert edit("tag: '{{ .x }}'\n", {"tag": "{{ .x }}"}) == "tag: '{{ .x }}'\n"


def test_a_number_becomes_the_string_of_its_digits() -> None:
    edited = apply("tag: 12345678\n", {"tag": "12345678"})

    assert edited.text == 'tag: "12345678"\n'
    assert edited.previous == {"tag": "12345678"}


def test_changes_many_keys_at_once_in_any_order() -> None:
    text = "a: 1\nb:\n  c: 2\n  d: 3\n"

    assert edit(text, {"b.d": "z", "a": "x", "b.c": "y"}) == 'a: x\nb:\n  c: "y"\n  d: z\n'


@pytest.mark.parametrize(
    "value",
    [
        *("12345678", "1234e567", "0x1f", "0o17", "08", "1_000", "on", "y", "null", "~"),
        *("2025-01-01", "12:30:45", "", "No", "1.10", "0b1", ".5", "+1", "<<", "a b", "-x", "{x"),
        *("a: b", "a #b", "*a", "&a", "!a", "%a", "@a", "`a", "|", ">", "?", "-", "#a", "한글"),
    ],
)
def test_quotes_what_some_reader_would_take_for_something_else(value: str) -> None:
    assert edit("tag: old\n", {"tag": value}) == f'tag: "{value}"\n'


@pytest.mark.parametrize(
    "value",
    [
        *("core-stage-1a2b3c4d", "v1.2.3", "1a2b3c4d", "1.2.3", "latest", "_x", "nO", "tRUE"),
        *("0x", "1e", "e5", "ghcr.io/a/b:v1", "r:5000/a@sha256:0", "20250101a", "core_1"),
    ],
)
def test_leaves_plain_what_is_a_string_for_every_reader(value: str) -> None:
    assert edit("tag: old\n", {"tag": value}) == f"tag: {value}\n"


def test_quotes_a_colon_in_flow_style() -> None:
    assert edit("{tag: old}\n", {"tag": "r:5000/a"}) == '{tag: "r:5000/a"}\n'


def test_writes_control_characters_as_escapes() -> None:
    assert edit("tag: old\n", {"tag": "a\x07\x85\u2028b"}) == 'tag: "a\\x07\\x85\\u2028b"\n'


LONG = "# comment\n" * 500


def test_edits_a_long_file_by_its_lines() -> None:
    text = f"{LONG}a:\n  b:\n    tag: old # x\n    c: |\n      tag: no\nd: [x, y]\n"

    assert edit(text, {"a.b.tag": "new"}) == text.replace("old", "new")


def test_names_users_and_digests_in_a_long_file_too() -> None:
    text = f"{LONG}tag: &t old\nb: *t\ndigest: sha256:abc\n"

    assert len(apply(text, {"tag": "new"}).notes) == 2


@pytest.mark.parametrize(
    "other",
    [
        "b: 'on two\n  lines'\n",
        "b: {on: two,\n  lines: 1}\n",
        "b: plain\n  text\n",
        "b: &x 1\nc: *x\n",
        "b: !!str 1\n",
        "---\nb: 1\n",
        "--- # next\n---\na: {x: 1}\n...\n",
        "b: {x: {y: [1, {z: 2}]}}\n",
        'b: "on two\n  lines" # x\n',
        "? b\n: 1\n",
        "b:\t1\n",
        "b:\n- 1\n- 2\n",
    ],
)
def test_edits_a_long_file_whatever_else_is_in_it(other: str) -> None:
    text = f"{LONG}a:\n  tag: old\n{other}"

    assert edit(text, {"a.tag": "new"}) == text.replace("old", "new")


@pytest.mark.parametrize(
    "line", ["b: " + "x: " * 20_000, "b: " + "[" * 400, "b: '" + "'' " * 20_000]
)
def test_a_line_that_is_no_yaml_costs_no_time(line: str) -> None:
    with pytest.raises(FileRefused):
        edit(f"{LONG}tag: old\n{line}\n", {"tag": "new"})
