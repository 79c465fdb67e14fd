from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.errors import ActionError
from astrago_actions.step import (
    ANNOTATION_LIMIT,
    SUMMARY_FULL,
    SUMMARY_LIMIT,
    RunnerStep,
    ShellStep,
    failure_markdown,
    harmless,
    output_text,
    printable,
)
from tests.runner import RunnerFiles, command_in, commands_in, lines_of

HOSTILE_PIECES = (
    *("::", ":", "##[", "#", "[", "]", "warning", "error title=x", "add-mask", "endgroup"),
    *(" ", "\t", "\r", "\n", "\r\n", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\xa0"),
    *("\u3000", "\u200b", "\u200d", "\ufeff", "\xad", "\x00", "\x1b[31m", "\x1b[", "\x1b", "m"),
    *("\x1b]8;;x\x07", "\ud800", "배포", "🚀"),
)
hostile_text = st.lists(st.sampled_from(HOSTILE_PIECES) | st.text(max_size=3)).map("".join)


@given(hostile_text)
def test_harmless_text_holds_no_command_whatever_it_was(text: str) -> None:
    for line in lines_of(harmless(text)):
        assert command_in(line) is None, line


@pytest.mark.parametrize(
    "text",
    [
        "::warning::x",
        "  \t::error title=a::b",
        "ok\r::add-mask::x",
        "ok\n\u3000::endgroup::",
        "before ##[group]after",
        "\x1b[31m::warning::x",
        ":\x1b[0m:warning::x",
        "#\x1b[0m#[group]x",
    ],
)
def test_what_would_be_a_command_is_not(text: str) -> None:
    assert commands_in(harmless(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "core: ghcr.io/xiilab/core:1",
        "std::vector<int>",
        "배포 완료 🚀",
        "👨‍👩‍👧",
        "a\tb\nc",
        "## [x]",
    ],
)
def test_ordinary_text_is_printed_as_it_is(text: str) -> None:
    assert harmless(text) == text


def test_colours_links_and_cursor_movements_do_not_reach_the_log() -> None:
    coloured = "\x1b[1;32mok\x1b[0m \x1b]8;;https://x\x07link\x1b]8;;\x07\x1b[2K\x1b[1A"

    assert printable(coloured) == "ok link"


def test_a_progress_bar_becomes_lines() -> None:
    assert printable("10%\r20%\r\ndone") == "10%\n20%\ndone"


def test_odd_blanks_become_blanks_and_other_controls_show_that_they_were_there() -> None:
    assert printable("a\u3000b\xa0c\x07d\u202e") == "a b c\ufffdd\ufffd"


class TestOutputs:
    @given(
        st.dictionaries(
            st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True),
            st.text(st.characters(exclude_categories=["Cs"])),
            max_size=4,
        )
    )
    def test_arrive_as_they_were(self, values: dict[str, str]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            path = Path(os.environ.get("TMPDIR", "/tmp"), f"outputs-{os.getpid()}")
            path.write_bytes(b"")
            patch.setenv("GITHUB_OUTPUT", str(path))

            RunnerStep().outputs(values)

            assert RunnerFiles(path, path).outputs() == values
            path.unlink()

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "\n",
            "one\ntwo\n",
            "one\r\ntwo\r",
            "name=value",
            "name<<EOF\nx\nEOF",
            "ghadelimiter_",
            "배포 완료 🚀",
            "\u2028",
            "\x00\x01",
        ],
    )
    def test_keep_every_character(self, value: str, runner_files: RunnerFiles) -> None:
        RunnerStep().outputs({"before": "1", "value": value, "after": "2"})

        assert runner_files.outputs() == {"before": "1", "value": value, "after": "2"}

    def test_are_json_for_maps_and_lists_and_words_for_booleans(
        self, runner_files: RunnerFiles
    ) -> None:
        RunnerStep().outputs({"tags": {"코어": "a"}, "list": ("x",), "yes": True, "none": None})

        outputs = runner_files.outputs()
        assert json.loads(outputs["tags"]) == {"코어": "a"}
        assert outputs["list"] == '["x"]'
        assert outputs["yes"] == "true"
        assert outputs["none"] == ""

    def test_never_hold_a_secret(self, runner_files: RunnerFiles) -> None:
        step = RunnerStep()
        step.mask("hunter22")

        step.outputs({"diff": "+ password: hunter22", "map": {"a": "hunter22"}})

        assert runner_files.outputs() == {"diff": "+ password: ***", "map": '{"a":"***"}'}

    def test_survive_broken_characters(self, runner_files: RunnerFiles) -> None:
        RunnerStep().outputs({"file": "caf\udce9"})

        assert runner_files.outputs() == {"file": "caf?"}

    def test_are_not_written_anywhere_when_the_runner_named_no_file(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
        monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
        step = RunnerStep()

        step.outputs({"tag": "x"})
        step.summary("### Hello")

        assert capsys.readouterr().out == ""

    @pytest.mark.parametrize(
        ("value", "text"), [(1, "1"), (1.5, "1.5"), (False, "false"), ([], "[]"), (Path("a"), "a")]
    )
    def test_text_of_a_value(self, value: object, text: str) -> None:
        assert output_text(value) == text


class TestMasks:
    MULTI_LINE = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA75\n}\n-----END KEY-----"

    def test_registers_a_secret_of_many_lines_in_one_command(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        RunnerStep().mask(self.MULTI_LINE)

        (command,) = commands_in(capsys.readouterr().out)
        assert (command.name, command.data) == ("add-mask", self.MULTI_LINE)

    def test_hides_each_line_of_a_secret_but_no_lone_brace(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        step = RunnerStep()
        step.mask(self.MULTI_LINE)
        capsys.readouterr()

        step.info("key MIIEpAIBAAKCAQEA75 in {}")

        assert capsys.readouterr().out == "key *** in {}\n"

    @pytest.mark.parametrize(
        "form",
        [
            lambda secret: secret,
            lambda secret: json.dumps({"token": secret}),
            lambda secret: f"KeyError: {secret!r}",
            lambda secret: f"https://x/{quote(secret, safe='')}",
            lambda secret: base64.b64encode(secret.encode()).decode(),
        ],
    )
    def test_hides_a_secret_in_every_form(
        self, form: object, capsys: pytest.CaptureFixture[str]
    ) -> None:
        secret = 'pa"ss\\wörd/한글 1'
        step = ShellStep()
        step.mask(secret)

        step.info(form(secret))  # type: ignore[operator]

        printed = capsys.readouterr().err
        assert "***" in printed
        assert "rd" not in printed.replace("KeyError", "")
        assert "%" not in printed

    def test_a_secret_that_holds_another_is_hidden_whole(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        step = ShellStep()
        step.mask("token")
        step.mask("token-of-mine")

        step.info("token-of-mine, token")

        assert capsys.readouterr().err == "***, ***\n"

    def test_nothing_is_masked_for_an_empty_secret(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        step = RunnerStep()

        step.mask(" ")
        step.info("a b")

        assert capsys.readouterr().out == "a b\n"

    def test_secrets_are_hidden_in_groups_annotations_and_failures(
        self, runner_files: RunnerFiles, capsys: pytest.CaptureFixture[str]
    ) -> None:
        step = RunnerStep()
        step.mask("hunter22")
        capsys.readouterr()

        with step.group("with hunter22"):
            step.notice("hunter22", "is hunter22")
            step.warning("hunter22", "is hunter22")
        step.summary("| hunter22 |")
        step.failure(ActionError("hunter22", "hunter22", "hunter22", link="https://x/hunter22"))

        assert "hunter22" not in capsys.readouterr().out
        assert "hunter22" not in runner_files.summary()


class TestFailure:
    def test_is_one_annotation_and_one_box(
        self, runner_files: RunnerFiles, capsys: pytest.CaptureFixture[str]
    ) -> None:
        error = ActionError(
            "values.yaml has no key `astrago.core`",
            "It has these:\n- `astrago.batch`: 50%, a,b",
            "Correct `key`.",
            link="https://example.com/docs",
        )

        RunnerStep().failure(error)

        (command,) = commands_in(capsys.readouterr().out)
        assert command.name == "error"
        assert command.properties == {"title": "values.yaml has no key `astrago.core`"}
        assert command.data == f"{error.detail}\n{error.remedy}\n{error.link}"
        assert runner_files.summary() == (
            "> [!CAUTION]\n"
            "> **values.yaml has no key `astrago.core`**\n"
            ">\n"
            "> It has these:  \n"
            "> - `astrago.batch`: 50%, a,b\n"
            ">\n"
            "> **Next:** Correct `key`.\n"
            ">\n"
            "> https://example.com/docs\n\n\n"
        )

    def test_prints_its_title_in_the_log_too_since_the_runner_does_not(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        RunnerStep().failure(ActionError("Nothing was pushed", "why", "what next"))

        assert capsys.readouterr().out.splitlines()[0] == "Nothing was pushed"

    def test_a_long_detail_is_cut_and_the_next_step_is_not(
        self, runner_files: RunnerFiles, capsys: pytest.CaptureFixture[str]
    ) -> None:
        RunnerStep().failure(ActionError("Long", "🚀" * 9000, "Do this next.", link="https://x"))

        (command,) = commands_in(capsys.readouterr().out)
        assert len(command.data.encode("utf-16-le")) // 2 <= ANNOTATION_LIMIT
        assert command.data.endswith("…\nDo this next.\nhttps://x")
        assert "**Next:** Do this next." in runner_files.summary()

    def test_a_long_title_is_cut_to_what_github_shows(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        RunnerStep().failure(ActionError("x" * 500, "why", "what next"))

        (command,) = commands_in(capsys.readouterr().out)
        assert len(command.properties["title"]) == 255

    @given(hostile_text, hostile_text)
    def test_says_no_other_command_whatever_it_quotes(self, title: str, detail: str) -> None:
        printed: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("GITHUB_STEP_SUMMARY", raising=False)
            patch.setattr(sys.stdout, "write", printed.append)
            RunnerStep().failure(ActionError(title, detail, "next"))

        assert [each.name for each in commands_in("".join(printed))] == ["error"]

    @given(hostile_text)
    def test_no_detail_leaves_its_box(self, detail: str) -> None:
        box = failure_markdown(ActionError("Title", detail, "next"))

        assert all(line.startswith(">") for line in box.rstrip("\n").split("\n"))


class TestSummary:
    def test_holds_every_section(self, runner_files: RunnerFiles) -> None:
        step = RunnerStep()

        step.summary("### One")
        step.summary("### 둘")

        assert runner_files.summary() == "### One\n\n### 둘\n\n"

    def test_stays_below_the_limit_says_so_once_and_still_tells_a_failure(
        self, runner_files: RunnerFiles
    ) -> None:
        step = RunnerStep()
        section = "가" * 100_000

        for _ in range(5):
            step.summary(section)
        step.failure(ActionError("It failed", "x" * 20_000, "Do this next."))

        assert len(runner_files.summary().encode()) <= SUMMARY_LIMIT
        assert runner_files.summary().count(SUMMARY_FULL) == 1
        assert runner_files.summary().count(section) == 3
        assert "**Next:** Do this next." in runner_files.summary()

    def test_counts_what_others_wrote_into_the_file(self, runner_files: RunnerFiles) -> None:
        runner_files.summary_path.write_bytes(b"x" * SUMMARY_LIMIT)

        RunnerStep().summary("### Tags")

        assert len(runner_files.summary()) == SUMMARY_LIMIT


def test_a_group_ends_also_when_its_work_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="inside"), RunnerStep().group("Push\n::error::x"):
        raise ValueError("inside")

    names = [(each.name, each.data) for each in commands_in(capsys.readouterr().out)]
    assert names == [("group", "Push ::error::x"), ("endgroup", "")]


class TestShell:
    def test_progress_is_on_standard_error_and_outputs_are_json_on_standard_output(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        step = ShellStep()

        with step.group("Push"):
            step.info("core")
        step.notice("Note", "text")
        step.warning("Careful", "text")
        step.outputs({"tags": {"코어": "a"}, "path": Path("x")})

        printed = capsys.readouterr()
        assert printed.err == "Push\ncore\nnote: Note: text\nwarning: Careful: text\n"
        assert json.loads(printed.out) == {"tags": {"코어": "a"}, "path": "x"}

    def test_a_failure_says_what_why_and_what_next(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ShellStep().failure(ActionError("It failed", "because", "do this"))

        assert capsys.readouterr().err == "error: It failed\nbecause\ndo this\n"

    def test_a_failure_that_names_a_secret_says_where_a_shell_reads_it(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        step = ShellStep({"token": "ASTRAGO_TOKEN", "password": "ASTRAGO_PASSWORD"})

        step.failure(ActionError("It failed", "`token` is empty", "do this"))

        told = capsys.readouterr().err
        assert "In a shell, `token` is the environment variable ASTRAGO_TOKEN.\n" in told
        assert "ASTRAGO_PASSWORD" not in told

    def test_the_work_goes_on_when_the_reader_has_gone(self, repository_root: Path) -> None:
        program = (
            "from astrago_actions.step import ShellStep\n"
            "import sys\n"
            "ShellStep().outputs({'x': 'y' * 100_000})\n"
            "ShellStep().outputs({'x': 'y'})\n"
            "sys.stderr.write('finished')\n"
        )
        reading_end, writing_end = os.pipe()
        os.close(reading_end)

        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(repository_root / "src")},
            stdout=writing_end,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

        os.close(writing_end)
        assert (done.returncode, done.stderr) == (0, "finished")
