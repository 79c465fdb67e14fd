"""From a name to an action: as a workflow step, or from a shell."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from astrago_actions.clock import SystemClock
from astrago_actions.context import Context
from astrago_actions.errors import ActionError
from astrago_actions.inputs import InputReader
from astrago_actions.step import RunnerStep, Step
from astrago_actions.workflow_run import WorkflowRun

ACTIONS: Mapping[str, str] = {
    "build-tag": "astrago_actions.actions.build_tag",
    "ghcr-push": "astrago_actions.actions.ghcr_push",
    "bump-image-tag": "astrago_actions.actions.bump_image_tag",
    "argocd-wait": "astrago_actions.actions.argocd_wait",
    "pipeline-metrics": "astrago_actions.actions.pipeline_metrics",
    "pipeline": "astrago_actions.actions.pipeline",
}


def run_as_step(name: str) -> int:
    """Run an action as a step of a workflow; its inputs are JSON in the variable INPUTS.

    The variable holds secrets, so it is removed before anything else can see it.
    """
    import json

    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    given = json.loads(os.environ.pop("INPUTS", "") or "{}")
    return run_action(name, given, RunnerStep())


def run_action(name: str, given: Mapping[str, str], step: Step) -> int:
    """Read the inputs, run the action, write its outputs; returns the exit code."""
    action = importlib.import_module(ACTIONS[name])
    run = WorkflowRun.from_environment(os.environ)
    context = Context(step, run, SystemClock())
    try:
        reader = InputReader(given, mask=step.mask)
        inputs = action.read(reader, run)
        reader.check()
        step.outputs(named_outputs(action.run(inputs, context)))
        return 0
    except ActionError as error:
        return _fail(step, error)
    except Exception as error:  # noqa: BLE001 - the last resort, so that nobody meets a traceback
        return _fail(step, _unexpected(name, error))
    finally:
        record_stages(context)


def named_outputs(outputs: Any) -> dict[str, object]:
    """The fields of an action's `Outputs` under their kebab-case names."""
    return {each.name.replace("_", "-"): getattr(outputs, each.name) for each in fields(outputs)}


def record_stages(context: Context) -> None:
    """Keep the stages of this step for a later `pipeline-metrics` step of the same job."""
    if context.run.temporary is None or not context.stages:
        return
    from astrago_actions.clients.stage_file import append_stages

    append_stages(context.run.temporary, context.stages)


def _fail(step: Step, error: ActionError) -> int:
    step.failure(error)
    if error.outputs:
        step.outputs(error.outputs)
    if os.environ.get("RUNNER_DEBUG") == "1":
        step.info("".join(traceback.format_exception(error)))
    return error.exit_code


def _unexpected(name: str, error: Exception) -> ActionError:
    wrapped = ActionError(
        f"{name} stopped on an unexpected {type(error).__name__}",
        str(error),
        "Run the job again with debug logging for a traceback, and report it with that log.",
        link="https://github.com/xiilab/astrago-actions/issues",
    )
    wrapped.__cause__ = error
    return wrapped


def main(arguments: list[str] | None = None) -> int:
    """Run the command line `astrago-actions`; returns the exit code."""
    from astrago_actions.command_line import run_command

    return run_command(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
