"""The HTML report: complete in itself, safe, and the same numbers as the summary."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from hypothesis import HealthCheck, given, settings

from astrago_actions.domain.pipeline_report import PipelineReport
from astrago_actions.domain.stages import Stage
from astrago_actions.report.page import page
from tests.unit.pipeline_reports import HOSTILE_REPORTS, NOW, PASSED, a_history, report_of

VOID = {"meta", "rect"}


class Elements(HTMLParser):
    """The elements of a page, which must be properly nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.cells: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in {"td", "th"}:
            self.cells.append(data)


def test_the_page_needs_nothing_but_itself() -> None:
    text = page(report_of(PASSED, history=a_history()), NOW)
    elements = Elements(text)

    assert not {"script", "link", "img", "iframe", "object", "form"} & set(elements.names)
    names = {name for name, _ in elements.attributes}
    assert not {"src", "srcset", "style", "onload", "onclick"} & names
    assert "url(" not in text
    assert "@import" not in text


def test_the_policy_allows_the_style_sheet_and_nothing_else() -> None:
    text = page(report_of(PASSED), NOW)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)

    assert style
    assert policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    unescaped = policy[1].replace("&#39;", "'")
    assert "default-src 'none'" in unescaped
    assert f"style-src 'sha256-{digest}'" in unescaped


def test_holds_the_numbers_of_the_summary() -> None:
    cells = Elements(page(report_of(PASSED, history=a_history()), NOW)).cells

    for expected in ("4m 20s", "within budget", "38/40 = 95 %", "83.5 % to 98.6 %", "core → stage"):
        assert expected in cells


def test_a_budget_far_beyond_the_run_takes_no_room_from_its_bars() -> None:
    quick = (Stage("build", NOW - 509, NOW - 499),)

    assert "The red mark is the budget" in page(report_of(PASSED), NOW)
    assert "The red mark is the budget" not in page(report_of(quick), NOW)


def test_adapts_to_light_and_dark() -> None:
    text = page(report_of(PASSED), NOW)

    assert "color-scheme: light dark" in text
    assert "prefers-color-scheme: dark" in text


def test_is_small() -> None:
    many = tuple(Stage(f"stage {number}", NOW - 400, NOW - 300) for number in range(100))

    assert len(page(report_of(many, history=a_history()), NOW).encode()) < 100_000
    assert len(page(report_of(()), NOW)) > 1000


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(HOSTILE_REPORTS)
def test_no_text_from_outside_becomes_markup(report: PipelineReport) -> None:
    elements = Elements(page(report, NOW))

    assert "script" not in elements.names
    assert "channel" not in elements.names
