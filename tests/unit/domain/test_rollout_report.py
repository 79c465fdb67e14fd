"""A failure explained, in text that nothing from the cluster can break out of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from astrago_actions.domain.rollout.application import (
    Application,
    Condition,
    Event,
    Pod,
    SyncWindow,
    Workload,
)
from astrago_actions.domain.rollout.progress import changes, elapsed
from astrago_actions.domain.rollout.report import Evidence, event_lines, facts, log_title, markdown
from astrago_actions.domain.rollout.values import Memory, Target, Verdict
from astrago_actions.domain.timeline import Passage, cell, gantt, safe_name

URL = "https://argocd.example.com/applications/argocd/web"
POD = Pod(
    "web-7d9-x",
    reason="CrashLoopBackOff",
    message="back-off 40s restarting failed container",
    restarts=4,
    path=("Deployment web", "ReplicaSet web-7d9 Rev:7"),
    images=("ghcr.io/x/web:2",),
)
VERDICT = Verdict("health", "crash-loop", "Pod web-7d9-x crashes", "unhealthy", remedy="Read on.")
EVIDENCE = Evidence(
    Target("web", "a" * 40, ("ghcr.io/x/web:2",)),
    VERDICT,
    URL,
    application=Application(
        "web",
        revisions=("a" * 40,),
        sync_status="Synced",
        health="Degraded",
        automated=True,
        prune=True,
        conditions=(Condition("OrphanedResourceWarning", "Application has 2 orphaned resources"),),
    ),
    workload=Workload(0, (), pods=(POD,)),
    pod=POD,
    events=(
        Event("Normal", "Pulled", "pulled", object="Pod web-7d9-x"),
        Event("Warning", "BackOff", "Back-off restarting", 3, object="Pod web-7d9-x"),
        Event("Warning", "BackOff", "Back-off restarting", 2, object="Pod web-7d9-x"),
    ),
    log=("boot", "panic: no database"),
    log_is_previous=True,
    windows=(SyncWindow("deny", "0 1 * * *", "1h"),),
)


def test_the_facts_of_a_failure() -> None:
    found = "\n".join(facts(EVIDENCE))
    for part in (
        "Application web > Deployment web > ReplicaSet web-7d9 Rev:7 > Pod web-7d9-x",
        "CrashLoopBackOff: back-off 40s restarting failed container",
        "Restarts: 4",
        "OrphanedResourceWarning: Application has 2 orphaned resources",
        "Sync Synced at aaaaaaaa, health Degraded",
        "Expected images: ghcr.io/x/web:2",
        "Running images: ghcr.io/x/web:2",
        "automated, prune on, self-heal off",
        "deny window `0 1 * * *` for 1h",
    ):
        assert part in found


def test_warnings_are_told_once_with_their_number() -> None:
    assert event_lines(EVIDENCE) == ("BackOff (x5) Pod web-7d9-x: Back-off restarting",)


def test_the_log_says_of_which_container_it_is() -> None:
    assert log_title(EVIDENCE) == "Last 2 log lines of web-7d9-x before its last restart"


@given(st.text(max_size=80))
def test_nothing_from_the_cluster_becomes_markup(text: str) -> None:
    hostile = "</pre><img src=x onerror=alert(1)>```" + text
    evidence = Evidence(
        Target(hostile),
        Verdict("health", "x", hostile, "unhealthy"),
        URL,
        pod=Pod(hostile, message=hostile),
        events=(Event("Warning", hostile, hostile),),
        log=(hostile,),
    )
    shown = markdown(evidence)
    assert "<img" not in shown
    assert shown.count("</pre>") == shown.count("<pre>")


@given(st.text(min_size=1, max_size=40))
def test_no_name_breaks_the_timeline(name: str) -> None:
    chart = gantt([Passage(f"a:b;c#d\n```{name}", "deployed", 1.0, 2.0, 3.0, 3.0)])
    lines = chart.splitlines()
    assert len(lines) == 9
    assert (lines[0], lines[-1]) == ("```mermaid", "```")
    assert lines[4].startswith("    section ")
    assert not set(lines[4]) & set(":;#`")


@given(st.text(max_size=40))
def test_no_text_breaks_a_table(text: str) -> None:
    table = f"| a | b |\n|---|---|\n| {cell(text + '|x' + chr(10) + '`<b>')} | end |\n"
    html = MarkdownIt("commonmark").enable("table").render(table)
    assert html.count("<td>") == 2
    assert "<td>end</td>" in html
    assert "<b>" not in html


def test_a_timeline_ends_where_the_rollout_stopped() -> None:
    passage = Passage("web", "unhealthy", 2.0, 10.0, None, 70.0)
    assert passage.stages == (
        ("detect", 0.0, 2.0, True),
        ("sync", 2.0, 10.0, True),
        ("healthy", 10.0, 70.0, False),
    )
    assert "healthy :crit, 10000, 70000" in gantt([passage])


def test_stages_that_were_passed_before_the_first_look_take_no_time() -> None:
    passage = Passage("web", "deployed", 0.0, 0.0, 0.0, 5.0)
    assert [(begin, end) for _, begin, end, _ in passage.stages] == [(0.0, 0.0)] * 3


def test_names_keep_what_is_harmless() -> None:
    assert safe_name("astrago-xiilab/core 1.0") == "astrago-xiilab/core 1.0"
    assert safe_name(";:#") == "application"


def test_only_changes_are_printed() -> None:
    waiting = Verdict("health", "degraded-in-grace", "degraded (fails in 60 s)")
    later = Verdict("health", "degraded-in-grace", "degraded (fails in 50 s)")
    assert changes(waiting, later, Memory(), Memory(), "") == ()
    seen = Memory(seen_at=1.0)
    assert changes(waiting, later, Memory(), seen, "abcdef0123") == ("Argo CD sees abcdef01",)
    assert changes(later, VERDICT, seen, seen, "") == ("Pod web-7d9-x crashes",)


def test_times_as_people_read_them() -> None:
    assert [elapsed(each) for each in (0, 59.9, 60, 3661)] == ["0m00s", "0m59s", "1m00s", "61m01s"]
