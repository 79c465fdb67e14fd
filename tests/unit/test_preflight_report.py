"""The table of a preflight, in the log and in the summary."""

from __future__ import annotations

from astrago_actions.actions.preflight_report import lines, not_ready, summary, verdict
from astrago_actions.domain.readiness import Check

SKIPPED = Check("argo cd", "server", "skipped", "not asked", "Give `argocd-server`.")
OK = Check("registry", "sign-in", "ok", "ghcr.io takes the credentials")
WARNED = Check("deployment", "token", "warning", "valid for 9d more", "Make a new one.")
FAILED = Check("deployment", "write", "failed", "Could not write\nGitHub said “no | <b>”.", "Ask.")


def test_the_log_has_a_row_for_each_check_with_its_next_step_below() -> None:
    assert list(lines([OK, WARNED, FAILED, SKIPPED])) == [
        "  ✓ registry    sign-in  ghcr.io takes the credentials",
        "  ! deployment  token    valid for 9d more",
        "                         → Make a new one.",
        "  ✗ deployment  write    Could not write",
        "                         GitHub said “no | <b>”.",
        "                         → Ask.",
        "  – argo cd     server   not asked",
        "Not ready: 1 of 3 checks failed, 1 warning.",
    ]


def test_what_was_not_asked_is_not_counted() -> None:
    assert verdict([OK, SKIPPED]) == "Ready: 1 check."
    assert verdict([OK, WARNED, WARNED]) == "Ready: 3 checks, 2 warnings."


def test_no_text_from_outside_breaks_the_table_of_the_summary() -> None:
    rows = [line for line in summary([FAILED]).splitlines() if line.startswith("| ❌")]

    told = "Could not write<br>GitHub said “no \\| \\<b\\>”.<br>**Next:** Ask."
    assert rows == [f"| ❌ | deployment | write | {told} |"]


def test_the_error_names_each_failed_check_with_its_next_step() -> None:
    error = not_ready([OK, FAILED, SKIPPED], {"result": "not-ready"})

    assert error.title == "Not ready: 1 of 2 checks failed"
    assert error.detail.splitlines() == [
        "- deployment, write: Could not write",
        "  GitHub said “no | <b>”.",
        "  → Ask.",
    ]
