"""Argo CD's JSON as it really comes: absent, null and odd fields, and what follows from them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.clients import argocd_documents as documents
from astrago_actions.clients import argocd_trees as trees
from astrago_actions.domain.rollout.application import Pod, Standstill


def test_an_application_that_was_never_compared() -> None:
    found = documents.parse_application({"metadata": {"name": "web"}, "spec": {}, "status": {}})
    assert (found.sync_status, found.health, found.revisions) == ("Unknown", "Unknown", ())
    assert found.operation is None
    assert not found.operation_pending
    assert found.reconciled_at is None


@pytest.mark.parametrize(
    ("policy", "automated"),
    [
        (None, False),
        ({}, False),
        ({"automated": None}, False),
        ({"automated": {}}, True),
        ({"automated": {"prune": True}}, True),
        ({"automated": {"enabled": True}}, True),
        ({"automated": {"enabled": False}}, False),
    ],
)
def test_when_auto_sync_is_on(policy: object, *, automated: bool) -> None:
    document = {"spec": {"syncPolicy": policy}}
    assert documents.parse_application(document).automated is automated


def test_an_operation_is_pending_from_its_request_on() -> None:
    state = {"phase": "Succeeded", "finishedAt": "2026-08-22T10:00:00Z"}
    document = {"operation": {"sync": {}}, "status": {"operationState": state}}
    found = documents.parse_application(document)
    assert found.requested_revisions == ()
    assert found.operation_pending


def test_a_finished_attempt_that_will_be_repeated_is_pending() -> None:
    state = {
        "phase": "Running",
        "finishedAt": "2026-08-22T10:00:00Z",
        "retryCount": 2,
        "operation": {"retry": {"limit": "5"}},
    }
    found = documents.parse_application({"status": {"operationState": state}})
    assert found.operation is not None
    assert found.operation.waits_to_retry
    assert (found.operation.retry_count, found.operation.retry_limit) == (2, 5)
    assert found.operation_pending


def test_several_sources_and_their_revisions() -> None:
    document = {
        "spec": {"sources": [{"repoURL": "a", "chart": "c"}, {"repoURL": "b", "ref": "values"}]},
        "status": {"sync": {"status": "Synced", "revisions": ["1.2.3", "f" * 40]}},
    }
    found = documents.parse_application(document)
    assert [each.ref for each in found.sources] == ["", "values"]
    assert found.revisions == ("1.2.3", "f" * 40)


def test_times_are_compared_as_seconds() -> None:
    assert documents.seconds("1970-01-01T00:01:00Z") == 60
    assert documents.seconds("1970-01-01T00:01:00.5Z") == 60.5
    assert documents.seconds("1970-01-01T09:01:00+09:00") == 60
    assert documents.seconds("1970-01-01T00:01:00.123456789Z") == pytest.approx(60.123, abs=0.001)
    assert documents.seconds("") is None
    assert documents.seconds("yesterday") is None


def owner(uid: str) -> list[dict[str, str]]:
    return [{"uid": uid, "kind": "x", "name": "x"}]


def replica_set(name: str, revision: int) -> dict[str, Any]:
    return {
        "kind": "ReplicaSet",
        "name": name,
        "uid": name,
        "parentRefs": owner("deployment"),
        "info": [{"name": "Revision", "value": f"Rev:{revision}"}],
    }


def test_pods_know_the_way_to_them_and_whether_their_template_is_the_newest() -> None:
    tree = {
        "nodes": [
            {"kind": "Deployment", "name": "web", "uid": "deployment"},
            replica_set("web-old", 6),
            replica_set("web-new", 7),
            {"kind": "Pod", "name": "p-old", "uid": "1", "parentRefs": owner("web-old")},
            {
                "kind": "Pod",
                "name": "p-new",
                "uid": "2",
                "parentRefs": owner("web-new"),
                "images": ["x:1"],
                "info": [
                    {"name": "Status Reason", "value": "CrashLoopBackOff"},
                    {"name": "Containers", "value": "0/1"},
                    {"name": "Restart Count", "value": "4"},
                ],
                "health": {"status": "Degraded", "message": "back-off"},
            },
        ]
    }
    old, new = trees.parse_pods(tree)
    assert (old.newest, new.newest) == (False, True)
    assert new.path == ("Deployment web", "ReplicaSet web-new Rev:7")
    assert (new.reason, new.ready, new.restarts) == ("CrashLoopBackOff", "0/1", 4)


def test_a_tree_whose_parents_form_a_loop() -> None:
    tree = {
        "nodes": [
            {"kind": "Pod", "name": "a", "uid": "a", "parentRefs": owner("b")},
            {"kind": "Thing", "name": "b", "uid": "b", "parentRefs": owner("a")},
        ]
    }
    (pod,) = trees.parse_pods(tree)
    assert pod.path == ("Thing b",)


def test_the_images_of_every_kind_of_workload() -> None:
    cron = {
        "spec": {
            "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"image": "cron:1"}]}}}}
        }
    }
    plain = {
        "spec": {
            "template": {
                "spec": {
                    "initContainers": [{"image": "init:1"}],
                    "containers": [{"image": "main:1"}],
                }
            }
        }
    }
    items = [
        {"targetState": json.dumps(cron)},
        {"targetState": json.dumps(plain)},
        {"targetState": "null"},
        {"targetState": None},
        {"targetState": "{broken"},
        {},
    ]
    assert trees.parse_desired_images({"items": items}) == ("cron:1", "init:1", "main:1")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (
            {
                "containerStatuses": [
                    {"state": {"waiting": {"reason": "ErrImagePull", "message": "denied"}}}
                ]
            },
            Standstill("ErrImagePull", "denied"),
        ),
        (
            {
                "initContainerStatuses": [
                    {
                        "state": {
                            "waiting": {
                                "reason": "CreateContainerConfigError",
                                "message": "no secret",
                            }
                        }
                    }
                ]
            },
            Standstill("CreateContainerConfigError", "no secret"),
        ),
        (
            {
                "conditions": [
                    {"type": "PodScheduled", "reason": "Unschedulable", "message": "0/3 nodes"}
                ]
            },
            Standstill("Unschedulable", "0/3 nodes"),
        ),
        (
            {
                "initContainerStatuses": [
                    {"name": "prepare", "state": {"terminated": {"exitCode": 0}}}
                ],
                "containerStatuses": [
                    {"name": "proxy", "ready": True, "state": {"running": {}}},
                    {
                        "name": "main",
                        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                    },
                ],
            },
            Standstill("CrashLoopBackOff", "back-off", "main", "exit code 137 (OOMKilled)"),
        ),
        (
            {
                "containerStatuses": [
                    {"name": "proxy", "ready": True, "state": {"running": {}}},
                    {"name": "main", "ready": False, "state": {"running": {}}},
                ]
            },
            Standstill(container="main"),
        ),
        ({"containerStatuses": [{"state": {"running": {}}}]}, Standstill()),
        ({}, Standstill()),
    ],
)
def test_why_a_pod_does_not_run(status: dict[str, Any], expected: Standstill) -> None:
    assert trees.parse_standstill({"status": status}) == expected


DENY = {"kind": "deny", "schedule": "0 1 * * *", "duration": "1h"}
ALLOW = {"kind": "allow", "schedule": "0 9 * * *", "duration": "8h"}


@pytest.mark.parametrize(
    ("active", "assigned", "automated", "blocks"),
    [
        ([], [], True, False),
        ([DENY], [DENY], True, True),
        ([], [DENY], True, False),
        ([ALLOW], [ALLOW], True, False),
        ([], [ALLOW], True, True),
        ([ALLOW, DENY], [ALLOW, DENY], True, True),
        ([{**DENY, "manualSync": True}], [DENY], True, True),
        ([{**DENY, "manualSync": True}], [DENY], False, False),
    ],
)
def test_which_windows_keep_a_sync_out(
    active: list[Any], assigned: list[Any], *, automated: bool, blocks: bool
) -> None:
    """`canSync` speaks of manual syncs, so the windows themselves decide."""
    document = {"activeWindows": active, "assignedWindows": assigned, "canSync": True}
    assert bool(documents.blocking_window(document, automated=automated)) is blocks


@pytest.mark.parametrize("kind", ["deny", "allow"])
def test_a_manual_sync_needs_the_leave_of_every_window_in_its_way(kind: str) -> None:
    lenient, strict = ({"kind": kind, "manualSync": True}, {"kind": kind, "schedule": "strict"})
    for assigned in ([lenient, strict], [strict, lenient]):
        active = assigned if kind == "deny" else []
        document = {"activeWindows": active, "assignedWindows": assigned}
        assert "`strict`" in documents.blocking_window(document, automated=False)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":"denied","code":7,"message":"permission denied"}', "permission denied"),
        (b'{"code":7,"message":"permission denied"}', "permission denied"),
        (b'{"error":{"grpc_code":7,"http_code":403,"message":"no"}}', "no"),
        (b'{"error":"only this"}', "only this"),
        (b"<html>", ""),
        (b"", ""),
        (b"[]", ""),
    ],
)
def test_both_generations_of_error_bodies(body: bytes, expected: str) -> None:
    assert documents.error_message(body) == expected


KEYS = (
    *("metadata", "spec", "status", "sync", "nodes", "items", "operation", "sources"),
    *("operationState", "syncResult", "resources", "info", "health", "parentRefs"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status", "operation"]), JSON))
def test_no_document_breaks_the_reader(document: dict[str, Any]) -> None:
    documents.parse_application(document)


@given(st.dictionaries(st.sampled_from(["nodes", "items"]), JSON))
def test_no_tree_or_list_breaks_the_reader(document: dict[str, Any]) -> None:
    pods = trees.parse_pods(document)
    assert all(isinstance(each, Pod) for each in pods)
    trees.parse_children(document)
    documents.parse_events(document)
    trees.parse_desired_images(document)
    documents.parse_windows(document)
