"""The fields of `Mutation`: each takes GitHub's input object and gives its payload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from astrago_actions.sandbox.github.graphql_api import (
    commit_mutation,
    pull_mutations,
    ref_mutations,
)
from astrago_actions.sandbox.github.graphql_api.checks import Input
from astrago_actions.sandbox.github.graphql_api.viewer import (
    Viewer,
)

Mutation = Callable[[Viewer, Input], dict[str, Any]]

MUTATIONS: dict[str, Mutation] = {
    "createCommitOnBranch": commit_mutation.create_commit_on_branch,
    "createRef": ref_mutations.create_ref,
    "updateRef": ref_mutations.update_ref,
    "deleteRef": ref_mutations.delete_ref,
    "createPullRequest": pull_mutations.create_pull_request,
    "updatePullRequest": pull_mutations.update_pull_request,
    "mergePullRequest": pull_mutations.merge_pull_request,
    "enablePullRequestAutoMerge": pull_mutations.enable_pull_request_auto_merge,
    "addLabelsToLabelable": pull_mutations.add_labels_to_labelable,
}


def mutation_root(viewer: Viewer) -> dict[str, Callable[..., dict[str, Any]]]:
    """The mutations as the one who asks may call them."""

    def bound(mutation: Mutation) -> Callable[..., dict[str, Any]]:
        return lambda input: mutation(viewer, input)  # noqa: A006 - GitHub's name

    return {name: bound(mutation) for name, mutation in MUTATIONS.items()}
