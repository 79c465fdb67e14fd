"""`createRef`, `updateRef` and `deleteRef`."""

from __future__ import annotations

from typing import Any

from dulwich.refs import Ref, check_ref_format

from astrago_actions.sandbox.github import pulls
from astrago_actions.sandbox.github.git_objects import (
    HEADS,
    Missing,
    Moved,
)
from astrago_actions.sandbox.github.graphql_api.checks import (
    Input,
    echo,
    must_obey_rules,
    must_write,
    ref_by_id,
    repository_by_id,
)
from astrago_actions.sandbox.github.graphql_api.errors import unprocessable
from astrago_actions.sandbox.github.graphql_api.git_nodes import (
    RefNode,
)
from astrago_actions.sandbox.github.graphql_api.nodes import (
    RepositoryNode,
)
from astrago_actions.sandbox.github.graphql_api.viewer import (
    Viewer,
)


def create_ref(viewer: Viewer, given: Input) -> dict[str, Any]:
    """A new branch or tag, named in full."""
    repository = repository_by_id(viewer, given["repositoryId"])
    must_write(viewer, repository, "contents", "CreateRef")
    name, oid = given["name"], given["oid"].lower()
    if not name.startswith("refs/") or not check_ref_format(Ref(name.encode())):
        raise unprocessable(f'A ref named "{name}" cannot be created.')
    _must_be_commit(repository, oid)
    try:
        repository.record.move(name, None, oid)
    except Moved as error:
        raise unprocessable(f'A ref named "{name}" already exists in the repository.') from error
    return {**echo(given), "ref": RefNode(repository, name, oid)}


def update_ref(viewer: Viewer, given: Input) -> dict[str, Any]:
    """Move a ref; forwards only, unless forced."""
    ref = ref_by_id(viewer, given["refId"])
    repository, oid = ref.repository, given["oid"].lower()
    must_write(viewer, repository, "contents", "UpdateRef")
    _must_be_commit(repository, oid)
    with repository.store.lock:
        must_obey_rules(viewer, repository, ref.name)
        if not given.get("force") and not repository.store.is_ancestor(ref.sha, oid):
            raise unprocessable("Update is not a fast forward")
        try:
            repository.record.move(ref.full_name, ref.sha, oid)
        except Moved as error:
            raise unprocessable("Reference cannot be updated") from error
    return {**echo(given), "ref": RefNode(repository, ref.full_name, oid)}


def delete_ref(viewer: Viewer, given: Input) -> dict[str, Any]:
    """Remove a branch or tag."""
    ref = ref_by_id(viewer, given["refId"])
    must_write(viewer, ref.repository, "contents", "DeleteRef")
    must_obey_rules(viewer, ref.repository, ref.name)
    record = ref.repository.record
    with record.store.lock:
        record.move(ref.full_name, record.store.ref(ref.full_name), None)
        pulls.close_for(viewer.hub, record, ref.full_name.removeprefix(HEADS))
    return echo(given)


def _must_be_commit(repository: RepositoryNode, oid: str) -> None:
    try:
        repository.store.resolve(oid)
    except Missing as error:
        raise unprocessable(f"Git object with the oid '{oid}' could not be found.") from error
