"""Pull requests over REST and GraphQL."""

from __future__ import annotations

import pytest
from github import GithubException

from tests.sandbox.github.conftest import DEPLOYMENT, VALUES, Api

CREATE = """mutation($input: CreatePullRequestInput!) {
  createPullRequest(input: $input) {
    pullRequest { id number url state labels(first: 5) { nodes { name } } }
  }
}"""
AUTO_MERGE = """mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { pullRequest { autoMergeRequest { mergeMethod } } }
}"""
LINES = b"a: 1\nb: 1\nc: 1\nd: 1\n"


def branch_with_a_change(api: Api, name: str = "bump/core") -> str:
    api.github.create_branch(DEPLOYMENT, name)
    return api.github.commit(DEPLOYMENT, name, {VALUES: b"core: {}\n"}, "Bump core")


def test_opens_lists_and_changes(api: Api) -> None:
    branch_with_a_change(api)
    repository = api.repository()

    made = repository.create_pull(base="main", head="bump/core", title="Bump core", body="Why")
    made.edit(title="Bump core again")
    found = list(repository.get_pulls(head="xiilab:bump/core", base="main"))

    assert [(each.number, each.title) for each in found] == [(made.number, "Bump core again")]
    assert made.mergeable
    assert list(repository.get_pulls(head="xiilab:other")) == []
    made.edit(state="closed")
    assert list(repository.get_pulls()) == []
    assert [each.state for each in repository.get_pulls(state="all")] == ["closed"]


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ("same", {"message": "No commits between main and same", "code": "custom"}),
        ("nope", {"field": "head", "code": "invalid"}),
        ("bump/core", {"message": "A pull request already exists for xiilab:bump/core."}),
    ],
)
def test_refuses_what_makes_no_pull_request(api: Api, head: str, problem: dict[str, str]) -> None:
    api.github.create_branch(DEPLOYMENT, "same")
    branch_with_a_change(api)
    api.repository().create_pull(base="main", head="bump/core", title="First")

    with pytest.raises(GithubException) as refused:
        api.repository().create_pull(base="main", head=head, title="Second")

    assert refused.value.status == 422
    assert problem.items() <= refused.value.data["errors"][0].items()


def test_labels_and_reviewers(api: Api) -> None:
    branch_with_a_change(api)
    made = api.repository().create_pull(base="main", head="bump/core", title="Bump")

    made.add_to_labels("deploy", "bot")
    made.remove_from_labels("bot")
    made.create_review_request(reviewers=["octocat"], team_reviewers=["platform"])

    assert [label.name for label in made.get_labels()] == ["deploy"]
    people, teams = made.get_review_requests()
    assert [each.login for each in people] == ["octocat"]
    assert [each.slug for each in teams] == ["platform"]


@pytest.mark.parametrize(("method", "parents"), [("merge", 2), ("squash", 1), ("rebase", 1)])
def test_merges(api: Api, method: str, parents: int) -> None:
    head = branch_with_a_change(api)
    api.github.commit(DEPLOYMENT, "main", {"README.md": b"# Meanwhile\n"}, "Meanwhile")
    made = api.repository().create_pull(base="main", head="bump/core", title="Bump")

    merged = made.merge(merge_method=method, sha=head)

    assert merged.merged
    assert merged.sha == api.head()
    assert len(api.repository().get_git_commit(api.head()).parents) == parents
    assert api.github.read(DEPLOYMENT, "main", VALUES) == b"core: {}\n"
    assert api.github.read(DEPLOYMENT, "main", "README.md") == b"# Meanwhile\n"
    assert made.is_merged()


def test_joins_changes_of_different_lines(api: Api) -> None:
    api.github.commit(DEPLOYMENT, "main", {VALUES: LINES}, "Four lines")
    api.github.create_branch(DEPLOYMENT, "side")
    api.github.commit(DEPLOYMENT, "side", {VALUES: LINES.replace(b"d: 1", b"d: 2")}, "Last")
    api.github.commit(DEPLOYMENT, "main", {VALUES: LINES.replace(b"a: 1", b"a: 2")}, "First")

    api.repository().create_pull(base="main", head="side", title="Side").merge()

    assert api.github.read(DEPLOYMENT, "main", VALUES) == b"a: 2\nb: 1\nc: 1\nd: 2\n"


def test_a_conflict_cannot_be_merged(api: Api) -> None:
    branch_with_a_change(api)
    made = api.repository().create_pull(base="main", head="bump/core", title="Bump")
    api.github.commit(DEPLOYMENT, "main", {VALUES: b"core: other\n"}, "Meanwhile")

    answer = api.call("PUT", f"pulls/{made.number}/merge", {})

    assert (answer.status_code, answer.json()["message"]) == (405, "Pull Request is not mergeable")
    assert api.call("GET", f"pulls/{made.number}").json()["mergeable_state"] == "dirty"


def test_a_moved_head_is_not_merged(api: Api) -> None:
    before = branch_with_a_change(api)
    made = api.repository().create_pull(base="main", head="bump/core", title="Bump")
    api.github.commit(DEPLOYMENT, "bump/core", {"more": b""}, "More")

    answer = api.call("PUT", f"pulls/{made.number}/merge", {"sha": before})

    assert answer.status_code == 409
    assert answer.json()["message"].startswith("Head branch was modified.")


def test_deleting_the_branch_closes_it(api: Api) -> None:
    branch_with_a_change(api)
    api.repository().create_pull(base="main", head="bump/core", title="Bump")

    api.repository().get_git_ref("heads/bump/core").delete()

    assert [pull.state for pull in api.github.pull_requests(DEPLOYMENT)] == ["closed"]


def graphql_pull(api: Api) -> str:
    branch_with_a_change(api)
    repository = api.graphql(
        'query { repository(owner: "xiilab", name: "astrago-deployment") { id } }'
    )["data"]["repository"]
    given = {
        "repositoryId": repository["id"],
        "baseRefName": "main",
        "headRefName": "bump/core",
        "title": "Bump",
    }
    answer = api.graphql(CREATE, {"input": given})
    identifier: str = answer["data"]["createPullRequest"]["pullRequest"]["id"]
    return identifier


def test_opens_one_over_graphql(api: Api) -> None:
    graphql_pull(api)

    assert [pull.title for pull in api.github.pull_requests(DEPLOYMENT)] == ["Bump"]


def test_merges_by_itself_only_where_something_holds_it_back(api: Api) -> None:
    given = {"pullRequestId": graphql_pull(api), "mergeMethod": "SQUASH"}

    at_once = api.graphql(AUTO_MERGE, {"input": given})
    api.github.protect(DEPLOYMENT, "main", "status-checks")
    held_back = api.graphql(AUTO_MERGE, {"input": given})
    api.github.allow_auto_merge(DEPLOYMENT, allowed=False)
    not_allowed = api.graphql(AUTO_MERGE, {"input": given})

    assert at_once["errors"][0]["message"] == "Pull request Pull request is in clean status"
    assert held_back["data"]["enablePullRequestAutoMerge"]["pullRequest"]["autoMergeRequest"] == {
        "mergeMethod": "SQUASH"
    }
    assert (
        not_allowed["errors"][0]["message"]
        == "Pull request Auto merge is not allowed for this repository"
    )
