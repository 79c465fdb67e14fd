from __future__ import annotations

import json
from typing import Any

from astrago_actions.sandbox.act import read_events, step_records


def line(**entry: Any) -> str:
    return json.dumps({"job": "CI/CD/deploy", "time": "2026-01-01T00:00:00Z", **entry})


LOG = [
    "not JSON",
    line(msg="⭐ Run Main lib/bump@v1", stage="Main", step="lib/bump@v1", stepID=["bump"]),
    line(
        msg="⭐ Run Main Change the tags", stage="Main", step="lib/bump@v1", stepID=["bump", "run"]
    ),
    line(msg="core: a -> b\n", raw_output=True, stage="Main", step="x", stepID=["bump", "run"]),
    line(command="set-output", name="changed", arg="true", stage="Main", stepID=["bump", "run"]),
    line(command="set-output", name="changed", arg="true", stage="Main", stepID=["bump"]),
    line(command="summary", content="### Bump\n", stage="Main", stepID=["bump", "run"]),
    line(command="summary", content="### Bump\n", stage="Main", stepID=["bump"]),
    line(command="error", kvPairs={"title": "No"}, arg="why\nnext", stage="Main", stepID=["bump"]),
    line(msg="x", stage="Main", step="lib/bump@v1", stepID=["bump", "run"], stepResult="failure"),
    line(msg="x", stage="Main", step="lib/bump@v1", stepID=["bump"], stepResult="failure"),
    line(msg="x", stage="Post", step="lib/bump@v1", stepID=["bump"], stepResult="success"),
    line(msg="🏁", jobResult="failure"),
]


def test_a_composite_action_is_one_step() -> None:
    (record,) = step_records(read_events(LOG))

    assert (record.step, record.name, record.result) == ("bump", "lib/bump@v1", "failure")
    assert record.log == "core: a -> b\n"
    assert record.errors == ("No\nwhy\nnext",)
    assert record.summary == "### Bump\n"
    assert record.outputs == {"changed": "true"}


def test_the_end_of_a_job_is_an_event() -> None:
    ends = [each.result for each in read_events(LOG) if each.kind == "job"]

    assert ends == ["failure"]
