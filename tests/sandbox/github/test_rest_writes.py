"""What the REST API changes, and how it compares before it does."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from github import InputGitTreeElement

from tests.sandbox.github.conftest import DEPLOYMENT, VALUES, Api

NEW = base64.b64encode(b"new\n").decode()


def blob_of(api: Api, path: str) -> str:
    sha: str = api.call("GET", f"contents/{path}").json()["sha"]
    return sha


@pytest.mark.parametrize(
    ("path", "sha", "status", "message"),
    [
        (VALUES, None, 422, 'Invalid request.\n\n"sha" wasn\'t supplied.'),
        (VALUES, "5717457c84de250e7d17c4714e1217d76b6dc123", 409, "{path} does not match {sha}"),
        (VALUES, "correct", 200, None),
        ("a/new/file", None, 201, None),
        ("a/new/file", "5717457c84de250e7d17c4714e1217d76b6dc123", 201, None),
    ],
)
def test_put_contents_compares_the_blob(
    api: Api, path: str, sha: str | None, status: int, message: str | None
) -> None:
    before = api.head()
    body: dict[str, Any] = {"message": "Change", "content": NEW, "branch": "main"}
    if sha is not None:
        body["sha"] = blob_of(api, path) if sha == "correct" else sha

    answer = api.call("PUT", f"contents/{path}", body)

    assert answer.status_code == status
    if message is not None:
        assert answer.json()["message"] == message.format(path=path, sha=sha)
        assert api.head() == before
    else:
        assert api.github.read(DEPLOYMENT, "main", path) == b"new\n"
        assert answer.json()["commit"]["sha"] == api.head()


def test_put_contents_asks_for_the_branch_first(api: Api) -> None:
    body = {"message": "Change", "content": NEW, "branch": "nope"}

    answer = api.call("PUT", f"contents/{VALUES}", body)

    assert (answer.status_code, answer.json()["message"]) == (404, "Branch nope not found")


@pytest.mark.parametrize(
    "body",
    [{"message": "No content"}, {"content": NEW}, {"message": "Broken", "content": "%%%"}],
)
def test_put_contents_needs_message_and_base64(api: Api, body: dict[str, str]) -> None:
    assert api.call("PUT", "contents/new", body).status_code == 422


def test_the_owner_of_the_token_is_the_author_and_github_signs(api: Api) -> None:
    api.repository().create_file("made", "Make a file", b"x", branch="main")

    commit = api.repository().get_commit(api.head()).commit

    assert commit.author.email == "deployer@users.noreply.github.com"
    assert commit.committer.name == "GitHub"
    assert commit.verification.verified


def test_a_given_author_is_kept_and_unsigned(api: Api) -> None:
    author = {"name": "빌드", "email": "build@example.com", "date": "2026-01-31T09:00:00Z"}
    body = {"message": "Change", "content": NEW, "author": author}

    commit = api.call("PUT", "contents/new", body).json()["commit"]

    assert commit["author"] == author
    assert not commit["verification"]["verified"]


def test_a_bump_by_git_data(api: Api) -> None:
    repository = api.repository()
    base = repository.get_git_commit(api.head())
    tree = repository.create_git_tree(
        [
            InputGitTreeElement(VALUES, "100644", "blob", content="core: {}\n"),
            InputGitTreeElement("README.md", "100644", "blob", sha=None),
        ],
        base.tree,
    )
    commit = repository.create_git_commit("Bump", tree, [base])
    repository.get_git_ref("heads/main").edit(commit.sha)

    assert api.head() == commit.sha
    assert api.github.files(DEPLOYMENT, "main") == (VALUES, "scripts/apply")
    assert api.github.read(DEPLOYMENT, "main", VALUES) == b"core: {}\n"


def test_a_ref_moves_forward_only_unless_forced(api: Api) -> None:
    start = api.head()
    api.github.commit(DEPLOYMENT, "main", {"a": b"1"}, "On")

    refused = api.call("PATCH", "git/refs/heads/main", {"sha": start})
    forced = api.call("PATCH", "git/refs/heads/main", {"sha": start, "force": True})

    assert (refused.status_code, refused.json()["message"]) == (422, "Update is not a fast forward")
    assert forced.status_code == 200
    assert api.head() == start


def test_refs_come_and_go(api: Api) -> None:
    made = api.call("POST", "git/refs", {"ref": "refs/heads/a/b", "sha": api.head()})
    again = api.call("POST", "git/refs", {"ref": "refs/heads/a/b", "sha": api.head()})
    unknown = api.call("POST", "git/refs", {"ref": "refs/heads/c", "sha": "1" * 40})
    gone = api.call("DELETE", "git/refs/heads/a/b")
    twice = api.call("DELETE", "git/refs/heads/a/b")

    assert made.status_code == 201
    assert (again.status_code, again.json()["message"]) == (422, "Reference already exists")
    assert (unknown.status_code, unknown.json()["message"]) == (422, "Object does not exist")
    assert gone.status_code == 204
    assert (twice.status_code, twice.json()["message"]) == (422, "Reference does not exist")


@pytest.mark.parametrize("body", [[], {"tree": "x"}, {"tree": [{"path": "../a"}]}, {"tree": [1]}])
def test_a_malformed_tree_is_refused(api: Api, body: Any) -> None:
    assert api.call("POST", "git/trees", body).status_code in {400, 422}


def test_broken_json_is_a_400(api: Api) -> None:
    import requests

    answer = requests.put(
        f"{api.url}/repos/{DEPLOYMENT}/contents/a",
        data=b"{",
        headers={"Authorization": "Bearer github_pat_writer"},
        timeout=10,
    )

    assert (answer.status_code, answer.json()["message"]) == (400, "Problems parsing JSON")


def test_subscribers_hear_of_every_branch_update(api: Api) -> None:
    heard: list[tuple[str, str, str]] = []
    api.github.subscribe(lambda *update: heard.append(update))

    by_api = api.repository().create_file("made", "Make", b"x")["commit"].sha
    by_hand = api.github.commit(DEPLOYMENT, "main", {"made": None}, "Undo")

    assert heard == [(DEPLOYMENT, "main", by_api), (DEPLOYMENT, "main", by_hand)]


def test_deployments_and_their_states(api: Api) -> None:
    repository = api.repository()
    first = repository.create_deployment(
        "main", environment="stage", payload={"run": "1"}, required_contexts=[], auto_merge=False
    )
    first.create_status("success", environment_url="https://stage.example.com", description="Live")
    second = repository.create_deployment("main", environment="stage", required_contexts=[])
    second.create_status("in_progress")
    second.create_status("success")

    assert [each.id for each in repository.get_deployments(environment="stage")] == [
        second.id,
        first.id,
    ]
    assert first.payload == {"run": "1"}
    assert [each.state for each in first.get_statuses()] == ["inactive", "success"]
    assert [each.state for each in second.get_statuses()] == ["success", "in_progress"]


def test_the_same_deployment_twice_makes_two(api: Api) -> None:
    for _ in range(2):
        api.call("POST", "deployments", {"ref": "main", "required_contexts": []})

    assert len(api.github.deployments(DEPLOYMENT)) == 2


def test_an_unknown_ref_cannot_be_deployed(api: Api) -> None:
    answer = api.call("POST", "deployments", {"ref": "nope"})

    assert (answer.status_code, answer.json()["message"]) == (422, "No ref found for: nope")
