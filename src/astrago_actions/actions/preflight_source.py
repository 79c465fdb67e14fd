"""What is asked of the service's own repository; a pipeline runs without it, and knows less."""

from __future__ import annotations

from collections.abc import Iterator

from astrago_actions.actions.preflight_inputs import Inputs
from astrago_actions.actions.questions import Question
from astrago_actions.clients.github import connect, relation
from astrago_actions.clients.workflow_history import read_run
from astrago_actions.context import Context
from astrago_actions.domain.readiness import Answer, ok, skipped

_AREA = "source"
_NO_RUN = "not asked: this is no workflow run, or `source-token` is empty"


def source_questions(inputs: Inputs, context: Context) -> Iterator[Question]:
    """The rows about comparing commits and reading runs."""
    run, token = context.run, inputs.source_token
    if not (token and run.repository and run.run_id and run.source_commit):
        remedy = "It is asked in a workflow run, with `source-token`."
        yield Question(_AREA, "commits and runs", lambda: skipped(_NO_RUN, remedy))
        return

    def commits() -> Answer:
        """The guard against older builds compares the deployed commit with ours."""
        sha = run.source_commit
        relation(connect(token, run.api_url), run.repository, sha, sha)
        return ok("which of two builds is newer can be told")

    def runs() -> Answer:
        """pipeline-metrics reads the runs of this repository."""
        read_run(connect(token, run.api_url), run.repository, run.run_id)
        return ok("pipeline-metrics can read this repository's runs")

    yield Question(_AREA, "compare commits", commits, vital=False)
    yield Question(_AREA, "read runs", runs, vital=False)
