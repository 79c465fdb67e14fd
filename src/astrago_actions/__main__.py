"""From a name to an action: as a workflow step, or from a shell."""

from __future__ import annotations

import importlib
import io
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from astrago_actions.clock import SystemClock
from astrago_actions.context import Context
from astrago_actions.errors import ActionError
from astrago_actions.inputs import InputReader
from astrago_actions.step import RunnerStep, Step, named_outputs, output_text
from astrago_actions.workflow_run import WorkflowRun

ACTIONS: Mapping[str, str] = {
    "build-tag": "astrago_actions.actions.build_tag",
    "ghcr-push": "astrago_actions.actions.ghcr_push",
    "bump-image-tag": "astrago_actions.actions.bump_image_tag",
    "argocd-wait": "astrago_actions.actions.argocd_wait",
    "pipeline-metrics": "astrago_actions.actions.pipeline_metrics",
    "rollback": "astrago_actions.actions.rollback",
    "preflight": "astrago_actions.actions.preflight",
    "pipeline": "astrago_actions.actions.pipeline",
}


class Terminated(KeyboardInterrupt):
    """The runner, or somebody, asked the process to end; what is under way may tidy up."""


def run_as_step(name: str, inputs: str | None = None) -> int:
    """Run an action as a step of a workflow; returns the exit code.

    `inputs` is the JSON of `toJSON(inputs)`. Left out, it is taken out of the environment: it holds
    secrets, which no program that the action starts is to inherit.
    """
    prepare_process()
    step = RunnerStep()
    try:
        given = _given(os.environ.pop("INPUTS", "") if inputs is None else inputs)
    except ValueError as error:
        return _fail(step, _unreadable(error))
    return run_action(name, given, step)


def _given(text: str) -> dict[str, str]:
    """The inputs by name; GitHub makes every value a string, other runners may not."""
    found = json.loads(text or "{}")
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return {name: output_text(value) for name, value in found.items()}


def _unreadable(error: Exception) -> ActionError:
    return ActionError(
        "The inputs did not arrive",
        f"The variable INPUTS is not what `toJSON(inputs)` makes: {error}.",
        "Use the action as it is; its own step sets INPUTS.",
    )


def run_action(name: str, given: Mapping[str, str], step: Step) -> int:
    """Read the inputs, run the action, write its outputs; returns the exit code."""
    context = Context(step, WorkflowRun.from_environment(os.environ), SystemClock())
    try:
        step.outputs(_outputs_of(importlib.import_module(ACTIONS[name]), given, context))
        return 0
    except ActionError as error:
        return _fail(step, error)
    except KeyboardInterrupt as interrupt:
        step.info(f"{name} was cancelled.")
        return _cancelled(interrupt)
    except Exception as error:  # noqa: BLE001 - the last resort, so that nobody meets a traceback
        return _fail(step, _unexpected(name, error))
    finally:
        record_stages(context)


def _outputs_of(action: Any, given: Mapping[str, str], context: Context) -> dict[str, object]:
    reader = InputReader(given, mask=context.step.mask)
    inputs = action.read(reader, context.run)
    reader.check()
    return named_outputs(action.run(inputs, context))


def record_stages(context: Context) -> None:
    """Keep the stages of this step for a later `pipeline-metrics` step of the same job."""
    if context.run.temporary is None or not context.stages:
        return
    from astrago_actions.clients.stage_file import append_stages

    try:
        append_stages(context.run.temporary, context.stages)
    except OSError as error:
        context.step.info(f"The times of this step are not kept for pipeline-metrics: {error}")


def _fail(step: Step, error: ActionError) -> int:
    step.failure(error)
    if error.outputs:
        step.outputs(error.outputs)
    if os.environ.get("RUNNER_DEBUG") == "1":
        import traceback

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


def _cancelled(interrupt: KeyboardInterrupt) -> int:
    """The exit code that shells give a program ended by this signal."""
    return 128 + (signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)


def _terminate(_signal: int, _frame: object) -> None:
    raise Terminated


def prepare_process() -> None:
    """Let nothing stand in the way of what is printed, and a request to end be heard."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line `astrago-actions`; returns the exit code."""
    from astrago_actions.command_line import run_command

    prepare_process()
    try:
        code = run_command(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as interrupt:
        sys.stderr.write("Cancelled.\n")
        return _cancelled(interrupt)
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); the interpreter must not trip over that.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


if __name__ == "__main__":
    sys.exit(main())
