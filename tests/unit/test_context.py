from __future__ import annotations

import pytest

from astrago_actions.context import Context
from astrago_actions.domain.stages import Stage
from astrago_actions.step import ShellStep
from astrago_actions.workflow_run import WorkflowRun
from tests.manual_clock import ManualClock


@pytest.fixture
def context() -> Context:
    return Context(ShellStep(), WorkflowRun(), ManualClock(start=1000.0))


def test_a_stage_is_timed(context: Context) -> None:
    with context.stage("build"):
        context.clock.sleep(30)

    assert context.stages == [Stage("build", 1000.0, 1030.0, "success")]


@pytest.mark.parametrize(
    ("error", "result"), [(ValueError(), "failure"), (KeyboardInterrupt(), "cancelled")]
)
def test_a_stage_says_how_it_ended(context: Context, error: BaseException, result: str) -> None:
    with pytest.raises(type(error)), context.stage("build"):
        raise error

    assert [each.result for each in context.stages] == [result]
