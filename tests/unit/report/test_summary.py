"""The job summary's section: order, content, and that no input can break it."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt

from astrago_actions.domain.pipeline_report import PipelineReport
from astrago_actions.domain.stages import Stage
from astrago_actions.report.markdown import escaped
from astrago_actions.report.summary import LIMIT, summary
from tests.unit.pipeline_reports import HOSTILE_REPORTS, NOW, PASSED, a_history, report_of

MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})


def test_the_most_important_line_comes_first() -> None:
    text = summary(report_of(PASSED))

    assert text.startswith("### Pipeline: OK\n\n**astrago-backend → stage: Deployed in 6m 33s of")


def test_every_stage_has_its_time_budget_and_verdict() -> None:
    lines = summary(report_of(PASSED)).splitlines()

    assert "| build | 4m 20s | 5m | within budget |" in lines
    assert "| sync | 1m 50s | 2m | within budget |" in lines
    assert "| deploy (the whole) | 6m 33s | 10m | within budget |" in lines
    assert "| tag | 1 s | – | – |" in lines


def test_a_breach_is_an_alert_and_opens_the_timeline() -> None:
    over = report_of((*PASSED[:3], Stage("sync", NOW - 227, NOW - 88)))

    assert "> [!WARNING]\n> sync took 2m 19s, 19 s over its 2m" in summary(over)
    assert "<details open><summary>Timeline</summary>" in summary(over)
    assert "<details><summary>Timeline</summary>" in summary(report_of(PASSED))


def test_rates_come_with_their_interval_and_error_budget() -> None:
    text = summary(report_of(PASSED, history=a_history()))

    assert (
        "| deploy (final) | 38/40 = 95 % | 83.5 % to 98.6 % | ≥ 99.0 % | below, unproven "
        "| 0.4 failures allowed, 2 spent |".replace("99.0", "99")
    ) in text
    assert "A successful run takes 8m 20s at the median (n = 38" in text


def test_dora_figures_are_folded_and_named_by_service() -> None:
    text = summary(report_of(PASSED, history=a_history()))

    assert "<details><summary>DORA figures, 30 days</summary>" in text
    assert "| core → stage | 38 (1.3 a day) | 9m 50s median, 9m 50s p90 (n = 38) |" in text


def test_what_is_left_out_is_said_with_its_reason() -> None:
    text = summary(report_of(PASSED, notes=("Success rates left out: no `token` was given.",)))

    assert "#### Left out or doubtful\n\n- Success rates left out: no &#96;token&#96; was" in text


def test_text_from_outside_is_shown_and_not_interpreted() -> None:
    hostile = "</details>| `x` *b* <img src=x> [a](b)\n# c $d$ ~e~ \\ &amp; \x1b[31m"

    rendered = MARKDOWN.render(f"| a |\n|---|\n| {escaped(hostile)} |")

    assert rendered.count("<td>") == 1
    assert "<img" not in rendered
    assert "<em>" not in rendered
    assert "&lt;img src=x&gt; [a](b) # c $d$ ~e~ \\ &amp;amp;" in rendered


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(HOSTILE_REPORTS)
def test_any_report_stays_within_64_kib_with_whole_blocks(report: PipelineReport) -> None:
    text = summary(report)

    assert len(text.encode()) <= LIMIT
    assert text.count("```") in (0, 2)
    assert text.count("<details") == text.count("</details>")
    assert "<script" not in text
    assert "<!channel>" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
