"""Reading a branch and committing to it over GraphQL."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox.github.conftest import DEPLOYMENT, FILES, READER, VALUES, Api

READ = """query($owner: String!, $name: String!, $ref: String!, $path: String!) {
  repository(owner: $owner, name: $name) {
    id isArchived viewerPermission nameWithOwner
    defaultBranchRef { name prefix }
    ref(qualifiedName: $ref) {
      name
      target {
        oid
        ... on Commit {
          url messageHeadline messageBody committedDate
          author { name email user { login } }
          parents(first: 5) { nodes { oid } }
          file(path: $path) { ...entry }
          tree { entries { name type } }
        }
      }
    }
  }
}
fragment entry on TreeEntry {
  mode type oid path
  object { __typename ... on Blob { oid text isBinary isTruncated byteSize } }
}"""
COMMIT = """mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) {
    clientMutationId
    commit { oid url message author { name } }
    ref { name target { oid } }
  }
}"""
OBJECT = """query($expression: String!) {
  repository(owner: "xiilab", name: "astrago-deployment") {
    object(expression: $expression) {
      __typename oid
      ... on Blob { byteSize } ... on Tree { entries { path } } ... on Commit { message }
    }
  }
}"""
HISTORY = """query($first: Int!, $path: String, $since: GitTimestamp, $after: String) {
  repository(owner: "xiilab", name: "astrago-deployment") {
    ref(qualifiedName: "main") { target { ... on Commit {
      history(first: $first, path: $path, since: $since, after: $after) {
        nodes { messageHeadline } totalCount pageInfo { hasNextPage endCursor }
      }
    } } }
  }
}"""
REFS = """query($query: String, $direction: OrderDirection!) {
  repository(owner: "xiilab", name: "astrago-deployment") {
    refs(refPrefix: "refs/heads/", first: 10, query: $query,
         orderBy: {field: TAG_COMMIT_DATE, direction: $direction}) { nodes { name } }
  }
}"""


def read(api: Api, path: str = VALUES, ref: str = "refs/heads/main", token: str = "") -> Any:
    owner, name = DEPLOYMENT.split("/")
    variables = {"owner": owner, "name": name, "ref": ref, "path": path}
    return api.graphql(READ, variables, **({"token": token} if token else {}))


def commit_input(head: str, files: dict[str, bytes], **more: Any) -> dict[str, Any]:
    additions = [
        {"path": path, "contents": base64.b64encode(content).decode()}
        for path, content in files.items()
    ]
    return {
        "branch": {"repositoryNameWithOwner": DEPLOYMENT, "branchName": "main"},
        "message": {"headline": "Bump core", "body": "Bump-Id: 1/1/abc"},
        "expectedHeadOid": head,
        "fileChanges": {"additions": additions},
        **more,
    }


def commit(api: Api, head: str, files: dict[str, bytes], **more: Any) -> dict[str, Any]:
    return api.graphql(COMMIT, {"input": commit_input(head, files, **more)})


def test_reads_head_and_file_in_one_request(api: Api) -> None:
    found = read(api)["data"]["repository"]

    assert found["viewerPermission"] == "ADMIN"
    assert found["defaultBranchRef"] == {"name": "main", "prefix": "refs/heads/"}
    target = found["ref"]["target"]
    assert target["oid"] == api.head()
    assert target["url"] == f"{api.server.url}/{DEPLOYMENT}/commit/{api.head()}"
    assert target["file"]["mode"] == 0o100644
    assert target["file"]["object"]["text"] == FILES[VALUES].decode()
    assert read(api, token=READER)["data"]["repository"]["viewerPermission"] == "READ"


def test_what_is_not_there_is_null(api: Api) -> None:
    assert read(api, path="nope")["data"]["repository"]["ref"]["target"]["file"] is None
    assert read(api, ref="refs/heads/nope")["data"]["repository"]["ref"] is None


def test_an_invisible_repository_cannot_be_resolved(api: Api) -> None:
    api.github.create_repository("xiilab/secret", {"a": b""})
    query = 'query { repository(owner: "xiilab", name: "secret") { id } }'

    assert api.graphql(query) == {
        "data": {"repository": None},
        "errors": [
            {
                "type": "NOT_FOUND",
                "path": ["repository"],
                "locations": [{"line": 1, "column": 9}],
                "message": "Could not resolve to a Repository with the name 'xiilab/secret'.",
            }
        ],
    }


def test_cuts_text_over_512_kilobytes(api: Api) -> None:
    long = ("가" * 200_000).encode()
    api.github.commit(DEPLOYMENT, "main", {"long": long}, "Add a long file")

    blob = read(api, "long")["data"]["repository"]["ref"]["target"]["file"]["object"]

    assert blob["isTruncated"]
    assert blob["byteSize"] == len(long)
    assert long.decode().startswith(blob["text"])
    assert 0 < len(blob["text"].encode()) <= 512_000


def test_shows_no_text_of_binary_files(api: Api) -> None:
    api.github.commit(DEPLOYMENT, "main", {"image": b"\x89PNG\0\xff"}, "Add an image")

    blob = read(api, "image")["data"]["repository"]["ref"]["target"]["file"]["object"]

    assert (blob["text"], blob["isBinary"], blob["isTruncated"]) == (None, True, False)


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("main", "Commit"),
        ("HEAD:", "Tree"),
        ("main:environments", "Tree"),
        (f"main:{VALUES}", "Blob"),
        ("main:nope", None),
        ("nope:README.md", None),
    ],
)
def test_finds_objects_by_expression(api: Api, expression: str, kind: str | None) -> None:
    found = api.graphql(OBJECT, {"expression": expression})["data"]["repository"]["object"]

    assert (found and found["__typename"]) == kind


def test_history_by_path_and_page(api: Api) -> None:
    for number in range(3):
        api.github.commit(DEPLOYMENT, "main", {"n": b"%d" % number}, f"Number {number}")

    def history(**variables: Any) -> Any:
        answer = api.graphql(HISTORY, variables)["data"]["repository"]
        return answer["ref"]["target"]["history"]

    first = history(first=2)
    rest = history(first=2, after=first["pageInfo"]["endCursor"])
    by_path = history(first=10, path=VALUES)

    assert [each["messageHeadline"] for each in first["nodes"]] == ["Number 2", "Number 1"]
    assert first["pageInfo"]["hasNextPage"]
    assert [each["messageHeadline"] for each in rest["nodes"]] == ["Number 0", "Begin"]
    assert (rest["totalCount"], rest["pageInfo"]["hasNextPage"]) == (4, False)
    assert [each["messageHeadline"] for each in by_path["nodes"]] == ["Begin"]
    assert history(first=5, since="2999-01-01T00:00:00Z")["nodes"] == []


def test_refs_by_name_and_age(api: Api) -> None:
    api.github.create_branch(DEPLOYMENT, "stabilize/1.0")

    def names(**variables: Any) -> list[str]:
        answer = api.graphql(REFS, variables)["data"]["repository"]["refs"]
        return [each["name"] for each in answer["nodes"]]

    assert sorted(names(direction="DESC")) == ["main", "stabilize/1.0"]
    assert names(direction="ASC", query="STAB") == ["stabilize/1.0"]


def test_commits_several_files_at_once(api: Api) -> None:
    before = api.head()
    changes = {
        "additions": [{"path": VALUES, "contents": "YQ=="}, {"path": "new/file", "contents": ""}],
        "deletions": [{"path": "README.md"}],
    }

    answer = commit(api, before, {}, fileChanges=changes, clientMutationId="run-1")

    made = answer["data"]["createCommitOnBranch"]
    assert made["clientMutationId"] == "run-1"
    assert made["commit"]["oid"] == made["ref"]["target"]["oid"] == api.head()
    assert made["commit"]["message"] == "Bump core\n\nBump-Id: 1/1/abc"
    assert made["commit"]["author"]["name"] == "deployer"
    assert api.github.files(DEPLOYMENT, "main") == (VALUES, "new/file", "scripts/apply")
    assert api.github.log(DEPLOYMENT, "main") == (api.head(), before)


def test_drops_the_executable_bit(api: Api) -> None:
    commit(api, api.head(), {"scripts/apply": b"#!/bin/sh\n"})

    entry = read(api, "scripts/apply")["data"]["repository"]["ref"]["target"]["file"]
    assert entry["mode"] == 0o100644


def test_a_stale_head_is_refused_in_githubs_words(api: Api) -> None:
    stale = api.head()
    api.github.commit(DEPLOYMENT, "main", {"other": b"1"}, "Somebody else")

    answer = commit(api, stale, {VALUES: b"mine"})

    assert answer == {
        "data": {"createCommitOnBranch": None},
        "errors": [
            {
                "type": "STALE_DATA",
                "path": ["createCommitOnBranch"],
                "locations": [{"line": 2, "column": 3}],
                "message": f'Expected branch to point to "{stale}" but it did not.  '
                "Pull and try again.",
            }
        ],
    }
    assert api.github.read(DEPLOYMENT, "main", VALUES) == FILES[VALUES]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"expectedHeadOid": None}, "expectedHeadOid (Expected value to not be null)"),
        ({"expectedHeadOid": "zz"}, 'Could not coerce value "zz" to GitObjectID'),
        ({"fileChangess": {}}, "fileChangess (Field is not defined on"),
        (
            {"fileChanges": {"additions": None}},
            "fileChanges.additions (Expected value to not be null)",
        ),
        (
            {"fileChanges": {"additions": [{"path": "a", "contents": "%"}]}},
            'Could not coerce value "%" to Base64String',
        ),
        ({"message": {}}, "message.headline (Expected value to not be null)"),
        ({"branch": "main"}, 'Expected "main" to be a key-value object.'),
    ],
)
def test_variables_that_do_not_fit_are_named(
    api: Api, changed: dict[str, Any], problem: str
) -> None:
    before = api.head()

    answer = commit(api, before, {VALUES: b"x"}, **changed)

    assert "data" not in answer
    assert answer["errors"][0]["message"].startswith(
        "Variable $input of type CreateCommitOnBranchInput! was provided invalid value for "
    )
    assert problem in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"]["problems"]
    assert api.head() == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"deletions": [{"path": "nope"}]},
            "A path was requested for deletion which does not exist",
        ),
        ({"additions": [{"path": "a/../b", "contents": ""}]}, "invalid"),
        ({"additions": [{"path": "/a", "contents": ""}]}, "invalid"),
    ],
)
def test_impossible_changes_are_refused(api: Api, changes: dict[str, Any], words: str) -> None:
    before = api.head()

    answer = commit(api, before, {}, fileChanges=changes)

    assert words in answer["errors"][0]["message"]
    assert api.head() == before


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("query {", "Syntax Error"),
        ("query { viewer { loginn } }", "Cannot query field 'loginn' on type 'User'"),
        ("query A { viewer { login } } query B { viewer { login } }", "An operation name"),
    ],
)
def test_a_wrong_document_has_errors_and_no_data(api: Api, query: str, message: str) -> None:
    answer = api.graphql(query)

    assert "data" not in answer
    assert message in answer["errors"][0]["message"]


def test_a_connection_needs_a_size(api: Api) -> None:
    query = 'query { repository(owner: "xiilab", name: "astrago-deployment") {'
    query += ' refs(refPrefix: "refs/heads/") { totalCount } } }'

    assert api.graphql(query)["errors"][0]["type"] == "MISSING_PAGINATION_BOUNDARIES"


def test_refs_are_made_moved_and_removed(api: Api) -> None:
    repository = read(api)["data"]["repository"]["id"]
    made = api.graphql(
        "mutation($input: CreateRefInput!) { createRef(input: $input) { ref { id name } } }",
        {"input": {"repositoryId": repository, "name": "refs/heads/bump", "oid": api.head()}},
    )["data"]["createRef"]["ref"]
    newer = api.github.commit(DEPLOYMENT, "main", {"a": b"1"}, "Newer")
    api.graphql(
        "mutation($input: UpdateRefInput!) { updateRef(input: $input) { ref { name } } }",
        {"input": {"refId": made["id"], "oid": newer}},
    )

    assert api.github.head(DEPLOYMENT, "bump") == newer
    api.graphql(
        "mutation($input: DeleteRefInput!) { deleteRef(input: $input) { clientMutationId } }",
        {"input": {"refId": made["id"]}},
    )
    assert "bump" not in api.github.branches(DEPLOYMENT)


def test_no_commit_is_lost_among_eight_writers(api: Api) -> None:
    """Each writer commits to a file of its own, and tries again when another came first."""
    start = api.head()

    def write(writer: int) -> int:
        done = conflicts = 0
        while done < 8:
            answer = commit(api, api.head(), {f"writer-{writer}": b"%d" % done})
            if answer["data"]["createCommitOnBranch"]:
                done += 1
            else:
                assert answer["errors"][0]["type"] == "STALE_DATA"
                conflicts += 1
        return conflicts

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    assert len(api.github.log(DEPLOYMENT, "main")) == 1 + 64
    assert api.github.is_ancestor(DEPLOYMENT, start, "main")
    for writer in range(8):
        assert api.github.read(DEPLOYMENT, "main", f"writer-{writer}") == b"7"


def test_a_replica_may_be_behind_for_readers_and_never_for_commits(api: Api) -> None:
    old = api.head()
    new = api.github.commit(DEPLOYMENT, "main", {VALUES: b"core: {}\n"}, "by hand")
    api.github.lag(DEPLOYMENT, "main", old)
    variables = {"owner": "xiilab", "name": "astrago-deployment", "ref": "main", "path": VALUES}

    behind, caught_up = (
        api.graphql(READ, variables)["data"]["repository"]["ref"]["target"] for _ in range(2)
    )
    api.github.lag(DEPLOYMENT, "main", old)
    refused = api.graphql(COMMIT, {"input": commit_input(old, {"a": b"1"})})

    assert (behind["oid"], behind["file"]["object"]["text"]) == (old, FILES[VALUES].decode())
    assert caught_up["oid"] == new
    assert refused["errors"][0]["type"] == "STALE_DATA"
