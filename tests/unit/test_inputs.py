from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.errors import InputErrors
from astrago_actions.inputs import InputReader, Secret, parse_duration, parse_size

Read = Callable[[InputReader], object]


def read_and_mistakes(read: Read, value: str) -> tuple[object, list[str]]:
    """What one reading of the input `x` gives, and the mistakes that it notes."""
    reader = InputReader({"x": value})
    found = read(reader)
    return found, [each.message for each in reader.mistakes]


def accepted(read: Read, value: str) -> object:
    """What a right value becomes."""
    found, mistakes = read_and_mistakes(read, value)
    assert mistakes == []
    return found


def refused(read: Read, value: str) -> str:
    """The one mistake that a wrong value is."""
    _, mistakes = read_and_mistakes(read, value)
    assert len(mistakes) == 1
    return mistakes[0]


def test_every_mistake_is_reported_at_once_under_the_names_the_user_knows() -> None:
    reader = InputReader(
        {"timeout": "soon", "mode": "push", "REPOSITORY": "x"}, aliases={"mode": "bump-mode"}
    )

    reader.seconds("timeout", 600)
    reader.choice("mode", ["commit", "pull-request"], "commit")
    reader.repository("repository")
    reader.required("file")
    reader.required_secret("token", "DEPLOY_TOKEN")

    with pytest.raises(InputErrors) as caught:
        reader.check()
    assert [each.input_name for each in caught.value.mistakes] == [
        *("timeout", "bump-mode", "repository", "file", "token")
    ]
    assert caught.value.title == "5 inputs are wrong"
    assert "- `bump-mode`: must be one of commit, pull-request; it is `push`" in caught.value.detail
    assert "DEPLOY_TOKEN" in caught.value.detail


def test_nothing_is_raised_without_a_mistake() -> None:
    InputReader({}).check()


def test_the_same_mistake_is_told_once() -> None:
    reader = InputReader({})

    reader.required("file")
    reader.required("file")

    assert len(reader.mistakes) == 1


def test_names_are_read_as_the_runner_gives_them_in_any_case() -> None:
    assert InputReader({"Dry-Run": "true"}).flag("dry-run") is True


def test_a_part_reads_its_inputs_under_other_names_and_notes_mistakes_with_the_whole() -> None:
    masked: list[str] = []
    whole = InputReader(
        {"argocd-server": "x y", "argocd-token": "s3cret", "app": "astrago"}, mask=masked.append
    )
    names = {"server": "argocd-server", "token": "argocd-token", "application": "app"}

    part = whole.part(names, {"revision": "abc"})

    assert part.text("application") == "astrago"
    assert part.text("revision") == "abc"
    part.url("server")
    part.secret("token")
    assert [each.input_name for each in whole.mistakes] == ["argocd-server"]
    assert masked == ["s3cret"]


def test_a_part_of_a_part_still_uses_the_names_the_user_knows() -> None:
    whole = InputReader({"a": ""})

    whole.part({"b": "a"}, {}).part({"c": "b"}, {}).required("c")

    assert [each.input_name for each in whole.mistakes] == ["a"]


def test_text_loses_surrounding_blanks_and_falls_back_to_the_default() -> None:
    assert accepted(lambda given: given.text("x"), "  배포 \n") == "배포"
    assert accepted(lambda given: given.text("x", "main"), " ") == "main"


def test_a_required_value_must_not_be_blank() -> None:
    assert refused(lambda given: given.required("x"), " \n") == "is required and was not given"


class TestFlag:
    @pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("", True)])
    def test_is_true_or_false(self, text: str, value: bool) -> None:
        assert accepted(lambda given: given.flag("x", default=True), text) is value

    @pytest.mark.parametrize("text", ["yes", "1", "on"])
    def test_is_nothing_else(self, text: str) -> None:
        message = refused(lambda given: given.flag("x"), text)

        assert message == f"must be true or false; it is `{text}`"


class TestWholeNumber:
    def test_is_read(self) -> None:
        assert accepted(lambda given: given.whole_number("x", 3), "007") == 7
        assert accepted(lambda given: given.whole_number("x", 3), "") == 3

    @pytest.mark.parametrize("text", ["-1", "1.5", "1e3", "٣", "²", "9" * 5000, "0x1"])
    def test_is_digits_and_nothing_else(self, text: str) -> None:
        assert "whole number of at least 0" in refused(
            lambda given: given.whole_number("x", 3), text
        )

    def test_has_a_least_value(self) -> None:
        message = refused(lambda given: given.whole_number("x", 3, least=1), "0")

        assert message == "must be a whole number of at least 1; it is `0`"


class TestDuration:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            *(("600", 600), ("90s", 90), ("0", 0), ("1.5", 1.5), ("10m", 600), ("1h30m", 5400)),
            *(("1h 30m", 5400), ("30d", 2_592_000), ("1d12h", 129_600), ("2m30", 150)),
        ],
    )
    def test_is_read(self, text: str, seconds: float) -> None:
        assert parse_duration(text) == seconds

    @pytest.mark.parametrize(
        "text", ["", "s", "m", "-5", "soon", "5 0", "1m1h", "500ms", "1.5h", "٣", "9" * 400, "inf"]
    )
    def test_is_nothing_else(self, text: str) -> None:
        assert parse_duration(text) is None

    def test_mistake_shows_how_to_write_one(self) -> None:
        message = refused(lambda given: given.seconds("x", 600), "soon")

        assert message == "must be a duration like 90, 10m or 1h30m; it is `soon`"

    @given(st.integers(0, 999), st.integers(0, 999), st.integers(0, 999))
    def test_parts_add_up(self, hours: int, minutes: int, seconds: int) -> None:
        text = f"{hours}h{minutes}m{seconds}s"

        assert parse_duration(text) == hours * 3600 + minutes * 60 + seconds


class TestSize:
    @pytest.mark.parametrize(
        ("text", "size"),
        [
            *(("0", 0), ("123", 123), ("123B", 123), ("250MB", 250_000_000), ("1k", 1000)),
            *(("1.5GiB", 1_610_612_736), ("2 Ki", 2048), ("1tb", 10**12)),
        ],
    )
    def test_is_read(self, text: str, size: int) -> None:
        assert parse_size(text) == size

    @pytest.mark.parametrize("text", ["", "MB", "1iB", "-1", "1.5.5MB", "1XB", "9" * 400, "٣MB"])
    def test_is_nothing_else(self, text: str) -> None:
        assert parse_size(text) is None

    def test_is_none_when_it_is_not_given(self) -> None:
        assert accepted(lambda given: given.size("x"), "") is None
        assert "250MB" in refused(lambda given: given.size("x"), "big")


class TestItems:
    @pytest.mark.parametrize(
        "text",
        [
            "core, batch\nmonitor",
            "core,batch,monitor,",
            "core\r\nbatch\rmonitor\n\n",
            ",core,,batch,monitor",
            '["core", " batch ", "monitor", ""]',
            '[\n"core","batch","monitor"]',
        ],
    )
    def test_are_parted_by_commas_or_lines_or_given_as_json(self, text: str) -> None:
        items = accepted(lambda given: given.items("x"), text)

        assert items == ("core", "batch", "monitor")

    def test_may_be_none_at_all(self) -> None:
        assert accepted(lambda given: given.items("x"), "") == ()
        assert accepted(lambda given: given.items("x"), "[]") == ()

    @pytest.mark.parametrize("text", ["[1]", '["a", {}]', "[null]"])
    def test_are_strings(self, text: str) -> None:
        assert refused(lambda given: given.items("x"), text) == "must be a JSON list of strings"

    def test_with_broken_json_are_a_mistake_that_says_where(self) -> None:
        assert "line 1 column" in refused(lambda given: given.items("x"), '["core"')

    @given(st.lists(st.text(min_size=1)))
    def test_given_as_json_come_back(self, values: list[str]) -> None:
        expected = tuple(value.strip() for value in values if value.strip())

        assert accepted(lambda given: given.items("x"), json.dumps(values)) == expected


class TestMapping:
    @pytest.mark.parametrize(
        "text", ["a=1\nb = x=y\n", " a=1\r\n\r\nb=x=y", '{"a": "1", "b": "x=y"}']
    )
    def test_is_lines_or_json(self, text: str) -> None:
        assert accepted(lambda given: given.mapping("x"), text) == {"a": "1", "b": "x=y"}

    def test_keeps_the_order_of_its_lines(self) -> None:
        found = accepted(lambda given: given.mapping("x"), "release/*=prod\n*=dev")

        assert list(found.items()) == [("release/*", "prod"), ("*", "dev")]  # type: ignore[attr-defined]

    @pytest.mark.parametrize("text", ["novalue", "=1", "  = "])
    def test_line_without_a_name_or_value_is_shown(self, text: str) -> None:
        assert refused(lambda given: given.mapping("x"), text).endswith("is not name=value")

    @pytest.mark.parametrize("text", ["a=1\na=2", '{"a": "1", "a": "2"}'])
    def test_names_nothing_twice(self, text: str) -> None:
        assert "names `a` twice" in refused(lambda given: given.mapping("x"), text)

    @pytest.mark.parametrize("text", ['{"a": 1}', '{"a": null}', '{"a": {}}'])
    def test_has_strings_for_values(self, text: str) -> None:
        message = refused(lambda given: given.mapping("x"), text)

        assert message == "must be a JSON object whose values are strings"


class TestJson:
    def test_is_any_value(self) -> None:
        assert accepted(lambda given: given.json_value("x"), '{"a": [1, null]}') == {"a": [1, None]}
        assert accepted(lambda given: given.json_value("x"), "") is None

    @pytest.mark.parametrize("text", ["{", "NaN", "-Infinity", "[" * 100_000, "{'a': 1}", "x"])
    def test_broken_or_hostile_is_a_mistake_and_no_crash(self, text: str) -> None:
        assert "JSON" in refused(lambda given: given.json_value("x"), text)

    @given(st.text())
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        for read in (InputReader.json_value, InputReader.items, InputReader.mapping):
            read_and_mistakes(lambda given, read=read: read(given, "x"), text)  # type: ignore[misc]


class TestRepository:
    @pytest.mark.parametrize("text", ["xiilab/astrago-deployment", "octo_corp/a.b", "x/.github"])
    def test_is_owner_and_name(self, text: str) -> None:
        assert accepted(lambda given: given.repository("x"), text) == text

    @pytest.mark.parametrize(
        "text",
        [
            *("x", "x/y/z", "https://github.com/x/y", "x/..", "x/.", "../x", "x/y?z", "x/y#1"),
            *("배포/x", "-x/y", "x/y\nz"),
        ],
    )
    def test_is_nothing_that_could_lead_a_request_elsewhere(self, text: str) -> None:
        assert "must be owner/name" in refused(lambda given: given.repository("x"), text)

    def test_is_required_without_a_default(self) -> None:
        assert accepted(lambda given: given.repository("x", "a/b"), "") == "a/b"
        assert "required" in refused(lambda given: given.repository("x"), "")


class TestUrl:
    @pytest.mark.parametrize(
        ("text", "url"),
        [
            ("https://argocd.example.com/", "https://argocd.example.com"),
            ("http://127.0.0.1:8080/argo", "http://127.0.0.1:8080/argo"),
            ("https://[::1]:8443", "https://[::1]:8443"),
            ("", ""),
        ],
    )
    def test_is_http_without_a_slash_at_its_end(self, text: str, url: str) -> None:
        assert accepted(lambda given: given.url("x"), text) == url

    @pytest.mark.parametrize(
        "text",
        [
            *("argocd.example.com", "ftp://x", "https://", "http://[::1", "https://x:99999"),
            *("https://x:port", "https://a b", "https://a\nb", "javascript:x", "https://\u202ex"),
        ],
    )
    def test_is_nothing_else(self, text: str) -> None:
        assert "must be an http(s) address" in refused(lambda given: given.url("x"), text)

    @pytest.mark.parametrize(
        "text", ["https://me:hunter22@x", "me:hunter22@x", "http://me:hunter22@[::1"]
    )
    def test_with_credentials_is_refused_without_repeating_them(self, text: str) -> None:
        assert "hunter22" not in refused(lambda given: given.url("x"), text)


class TestSecret:
    def test_is_masked_before_anyone_can_print_it(self) -> None:
        masked: list[str] = []
        reader = InputReader({"token": " ghp_abc\n"}, mask=masked.append)

        found = reader.secret("token")

        assert found is not None
        assert found.reveal() == "ghp_abc"
        assert masked == ["ghp_abc"]

    def test_is_none_and_masks_nothing_when_empty(self) -> None:
        masked: list[str] = []

        assert InputReader({"token": " "}, mask=masked.append).secret("token") is None
        assert masked == []

    def test_that_is_required_says_which_one_is_meant(self) -> None:
        message = refused(lambda given: given.required_secret("x", "DEPLOY_TOKEN"), "")

        assert message == "is required and is empty (is the secret set here?): DEPLOY_TOKEN"

    def test_shows_itself_nowhere(self) -> None:
        secret = Secret("hunter22")

        for shown in (str(secret), repr(secret), f"{secret}", f"{secret!r}", repr([secret])):
            assert shown.strip("[]") == "Secret(***)"

    def test_equals_the_same_secret_and_is_false_when_empty(self) -> None:
        assert Secret("a") == Secret("a")
        assert Secret("a") != Secret("b")
        assert Secret("a") != "a"
        assert len({Secret("a"), Secret("a")}) == 1
        assert not Secret("")

    def test_has_no_dictionary_that_a_dump_could_show(self) -> None:
        with pytest.raises(TypeError):
            vars(Secret("hunter22"))
        with pytest.raises(TypeError):
            json.dumps(Secret("hunter22"))


class TestSecretMapping:
    @pytest.mark.parametrize(
        "text", ["npm=hunter22\nmaven = a=b", '{"npm":"hunter22","maven":"a=b"}']
    )
    def test_masks_each_value_before_anyone_can_print_it(self, text: str) -> None:
        masked: list[str] = []

        found = InputReader({"x": text}, mask=masked.append).secret_mapping("x")

        assert found == {"npm": Secret("hunter22"), "maven": Secret("a=b")}
        assert masked == ["hunter22", "a=b"]

    @pytest.mark.parametrize(
        "text", ["hunter22", "a=b\nhunter22", "=hunter22", '{"a": "hunter22"', '{"hunter22": 1}']
    )
    def test_mistakes_never_show_what_was_given(self, text: str) -> None:
        assert "hunter22" not in refused(lambda given: given.secret_mapping("x"), text)


def test_a_mistake_repeats_a_long_value_on_one_short_line() -> None:
    message = refused(lambda given: given.flag("x"), "a\n" * 5000)

    assert "\n" not in message
    assert len(message) < 200
