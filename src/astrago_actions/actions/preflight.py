"""preflight: every question about tokens and permissions at once, before the first deploy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from astrago_actions.actions.pipeline_inputs import ARGOCD_NAMES, DEPLOYMENT_NAMES
from astrago_actions.actions.preflight_argocd import argocd_questions
from astrago_actions.actions.preflight_deployment import deployment_questions
from astrago_actions.actions.preflight_inputs import Inputs, read
from astrago_actions.actions.preflight_registry import registry_questions
from astrago_actions.actions.preflight_report import lines, not_ready, outcome, summary
from astrago_actions.actions.preflight_source import source_questions
from astrago_actions.actions.questions import ask_all
from astrago_actions.context import Context
from astrago_actions.domain.input_names import renamed
from astrago_actions.domain.readiness import Check, is_ready

__all__ = ["Inputs", "Outputs", "read", "run"]


# The areas whose remedies come from an action with other names for its inputs.
_NAMES = {"deployment": DEPLOYMENT_NAMES, "argo cd": ARGOCD_NAMES}


@dataclass(frozen=True)
class Outputs:
    """The verdict, and the rows of the report with their fields by name."""

    result: str
    checks: list[dict[str, str]] = field(default_factory=list)


def run(inputs: Inputs, context: Context) -> Outputs:
    """Ask everything, change nothing; raises ActionError when a pipeline would fail."""
    questions = [
        *registry_questions(inputs, context),
        *deployment_questions(inputs, context),
        *source_questions(inputs, context),
        *argocd_questions(inputs, context),
    ]
    checks = [_in_our_names(check) for check in ask_all(questions, inputs.timeout)]
    for line in lines(checks):
        context.step.info(line)
    context.step.summary(summary(checks))
    for check in checks:
        if check.status == "warning":
            message = f"{check.detail}\n{check.remedy}".strip()
            context.step.warning(f"{check.area}, {check.check}: look at this", message)
    outputs = Outputs("ready" if is_ready(checks) else "not-ready", outcome(checks))
    if outputs.result != "ready":
        raise not_ready(checks, {"result": outputs.result, "checks": outputs.checks})
    return outputs


def _in_our_names(check: Check) -> Check:
    return replace(check, remedy=renamed(check.remedy, _NAMES.get(check.area, {})))
