"""REST: deployments and the states that they went through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from astrago_actions.sandbox.github import present
from astrago_actions.sandbox.github.calls import Call, Routes
from astrago_actions.sandbox.github.errors import Refusal, validation_failed
from astrago_actions.sandbox.github.git_objects import (
    Missing,
)
from astrago_actions.sandbox.github.records import Deployment, DeploymentStatus, timestamp
from astrago_actions.sandbox.server import Response, json_response

ROUTES = Routes()
STATES = frozenset({"error", "failure", "inactive", "in_progress", "queued", "pending", "success"})
LONGEST_DESCRIPTION = 140
_DEPLOYMENTS = "/repos/{owner}/{repo}/deployments"


@ROUTES.add("GET", _DEPLOYMENTS, "deployments=read", "deployments/deployments#list-deployments")
def list_deployments(call: Call) -> Response:
    """Deployments, newest first, filtered by `sha`, `ref`, `task` and `environment`."""
    filters = {
        name: value
        for name in ("sha", "ref", "task", "environment")
        if (value := call.request.query.get(name, "none")) != "none"
    }
    found = [
        each
        for each in reversed(call.repository.deployments.values())
        if all(getattr(each, name) == value for name, value in filters.items())
    ]
    page, headers = call.page(found)
    return json_response(200, [_shown(call, each) for each in page], headers)


@ROUTES.add(
    "POST", _DEPLOYMENTS, "deployments=write", "deployments/deployments#create-a-deployment"
)
def create_deployment(call: Call) -> Response:
    """Say that a ref is to be deployed; the same twice makes two."""
    body = call.body()
    ref = call.text(body, "ref")
    try:
        sha = call.repository.store.resolve(ref)
    except Missing as error:
        raise Refusal(422, f"No ref found for: {ref}", call.route.documentation) from error
    missing = [f'"{name}"' for name in call.texts(body, "required_contexts")]
    if missing:
        message = f"Conflict: Commit status checks failed for {ref}."
        raise Refusal(409, message, call.route.documentation)
    environment = str(body.get("environment") or "production")
    made = Deployment(
        id=call.hub.next_id(),
        sha=sha,
        ref=ref,
        task=str(body.get("task") or "deploy"),
        payload=body.get("payload", ""),
        environment=environment,
        description=body.get("description"),
        creator=call.login,
        created_at=call.now,
        updated_at=call.now,
        transient=bool(body.get("transient_environment")),
        production=bool(body.get("production_environment", environment == "production")),
    )
    call.repository.deployments[made.id] = made
    return json_response(201, _shown(call, made))


@ROUTES.add(
    "GET", _DEPLOYMENTS + "/{id}", "deployments=read", "deployments/deployments#get-a-deployment"
)
def get_deployment(call: Call) -> Response:
    """One deployment."""
    return json_response(200, _shown(call, _deployment(call)))


@ROUTES.add(
    "GET",
    _DEPLOYMENTS + "/{id}/statuses",
    "deployments=read",
    "deployments/statuses#list-deployment-statuses",
)
def list_statuses(call: Call) -> Response:
    """The states of one deployment, newest first."""
    found = _deployment(call)
    page, headers = call.page(found.statuses[::-1])
    return json_response(200, [_shown_status(call, found, each) for each in page], headers)


@ROUTES.add(
    "POST",
    _DEPLOYMENTS + "/{id}/statuses",
    "deployments=write",
    "deployments/statuses#create-a-deployment-status",
)
def create_status(call: Call) -> Response:
    """The next state; a success makes the environment's earlier successes inactive."""
    body = call.body()
    deployment = _deployment(call)
    state = call.text(body, "state")
    if state not in STATES:
        raise validation_failed("DeploymentStatus", "invalid", fieldname="state")
    description = str(body.get("description") or "")
    if len(description) > LONGEST_DESCRIPTION:
        problem = f"description is too long (maximum is {LONGEST_DESCRIPTION} characters)"
        raise validation_failed("DeploymentStatus", problem, fieldname="description")
    made = DeploymentStatus(
        id=call.hub.next_id(),
        state=state,
        creator=call.login,
        created_at=call.now,
        description=description,
        environment=str(body.get("environment") or deployment.environment),
        environment_url=str(body.get("environment_url") or ""),
        log_url=str(body.get("log_url") or body.get("target_url") or ""),
    )
    if state == "success" and body.get("auto_inactive", True):
        _retire(call, deployment)
    _add(call, deployment, made)
    return json_response(201, _shown_status(call, deployment, made))


def _deployment(call: Call) -> Deployment:
    found = call.repository.deployments.get(call.number("id"))
    if found is None:
        raise call.not_found()
    return found


def _add(call: Call, deployment: Deployment, status: DeploymentStatus) -> None:
    statuses = (*deployment.statuses, status)
    kept = replace(deployment, statuses=statuses, updated_at=call.now)
    call.repository.deployments[deployment.id] = kept


def _retire(call: Call, newest: Deployment) -> None:
    for each in list(call.repository.deployments.values()):
        bound = each.environment == newest.environment and not (each.transient or each.production)
        if each.id < newest.id and bound and each.statuses and each.statuses[-1].state == "success":
            inactive = DeploymentStatus(
                id=call.hub.next_id(),
                state="inactive",
                creator=call.login,
                created_at=call.now,
                environment=each.environment,
            )
            _add(call, each, inactive)


def _shown(call: Call, deployment: Deployment) -> dict[str, Any]:
    api = call.addresses.rest(call.repository, f"/deployments/{deployment.id}")
    return {
        "url": api,
        "id": deployment.id,
        "node_id": present.node_id("DE", deployment.id),
        "sha": deployment.sha,
        "ref": deployment.ref,
        "task": deployment.task,
        "payload": deployment.payload,
        "original_environment": deployment.environment,
        "environment": deployment.environment,
        "description": deployment.description,
        "creator": present.user(call.addresses, deployment.creator),
        "created_at": timestamp(deployment.created_at),
        "updated_at": timestamp(deployment.updated_at),
        "statuses_url": f"{api}/statuses",
        "repository_url": call.addresses.rest(call.repository),
        "transient_environment": deployment.transient,
        "production_environment": deployment.production,
    }


def _shown_status(call: Call, deployment: Deployment, status: DeploymentStatus) -> dict[str, Any]:
    api = call.addresses.rest(call.repository, f"/deployments/{deployment.id}")
    return {
        "url": f"{api}/statuses/{status.id}",
        "id": status.id,
        "node_id": present.node_id("DES", status.id),
        "state": status.state,
        "creator": present.user(call.addresses, status.creator),
        "description": status.description,
        "environment": status.environment,
        "target_url": status.log_url,
        "log_url": status.log_url,
        "environment_url": status.environment_url,
        "created_at": timestamp(status.created_at),
        "updated_at": timestamp(status.created_at),
        "deployment_url": api,
        "repository_url": call.addresses.rest(call.repository),
    }
