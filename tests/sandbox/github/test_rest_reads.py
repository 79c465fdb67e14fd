"""What the REST API shows of a repository."""

from __future__ import annotations

import base64

import pytest

from tests.sandbox.github.conftest import DEPLOYMENT, FILES, READER, TOKEN, VALUES, Api


def test_shows_the_repository_with_addresses_of_its_own_host(api: Api) -> None:
    shown = api.call("GET", "").json()

    assert shown["default_branch"] == "main"
    assert shown["url"] == f"{api.url}/repos/{DEPLOYMENT}"
    assert shown["clone_url"] == f"{api.server.url}/{DEPLOYMENT}.git"


def test_is_served_without_the_enterprise_prefix_too(api: Api) -> None:
    import requests

    answer = requests.get(
        f"{api.server.url}/repos/{DEPLOYMENT}",
        headers={"Authorization": f"token {TOKEN}"},
        timeout=10,
    )

    assert answer.json()["url"] == f"{api.server.url}/repos/{DEPLOYMENT}"


@pytest.mark.parametrize(("token", "may_push"), [(TOKEN, True), (READER, False)])
def test_says_what_the_token_may_do(api: Api, token: str, *, may_push: bool) -> None:
    assert api.call("GET", "", token=token).json()["permissions"]["push"] is may_push


def test_pygithub_reads_a_file(api: Api) -> None:
    found = api.repository().get_contents(VALUES)

    assert not isinstance(found, list)
    assert found.decoded_content == FILES[VALUES]


def test_lists_a_folder(api: Api) -> None:
    shown = api.call("GET", "contents/").json()

    assert [(each["name"], each["type"]) for each in shown] == [
        ("README.md", "file"),
        ("environments", "dir"),
        ("scripts", "dir"),
    ]


def test_gives_the_raw_bytes_when_asked(api: Api) -> None:
    answer = api.call("GET", f"contents/{VALUES}", Accept="application/vnd.github.raw+json")

    assert answer.content == FILES[VALUES]


def test_leaves_out_the_content_of_a_file_over_one_megabyte(api: Api) -> None:
    big = b"x" * (1024 * 1024 + 1)
    api.github.commit(DEPLOYMENT, "main", {"big": big}, "Add a big file")

    shown = api.call("GET", "contents/big").json()
    raw = api.call("GET", "contents/big", Accept="application/vnd.github.raw")
    blob = api.call("GET", f"git/blobs/{shown['sha']}").json()

    assert (shown["content"], shown["encoding"], shown["size"]) == ("", "none", len(big))
    assert raw.content == big
    assert base64.b64decode(blob["content"]) == big


def test_an_unchanged_answer_is_304(api: Api) -> None:
    first = api.call("GET", f"contents/{VALUES}")

    again = api.call("GET", f"contents/{VALUES}", **{"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("contents/nope.yaml", "Not Found"),
        ("contents/README.md?ref=nope", "No commit found for the ref nope"),
        ("branches/nope", "Branch not found"),
        ("git/ref/heads/nope", "Not Found"),
        ("git/commits/" + "0" * 40, "Not Found"),
        ("compare/main...nope", "Not Found"),
        ("pulls/7", "Not Found"),
        ("actions/runs/7", "Not Found"),
        ("deployments/7", "Not Found"),
    ],
)
def test_what_is_not_there_is_a_404(api: Api, path: str, message: str) -> None:
    answer = api.call("GET", path)

    assert (answer.status_code, answer.json()["message"]) == (404, message)
    assert answer.json()["status"] == "404"
    assert answer.json()["documentation_url"].startswith("https://docs.github.com/rest")


def test_compares_commits(api: Api) -> None:
    start = api.head()
    api.github.create_branch(DEPLOYMENT, "other")
    ours = api.github.commit(DEPLOYMENT, "main", {"a": b"1\n"}, "Ours")
    theirs = api.github.commit(DEPLOYMENT, "other", {"b": b"1\n"}, "Theirs")

    def status(base: str, head: str) -> tuple[str, int, int]:
        found = api.repository().compare(base, head)
        return found.status, found.ahead_by, found.behind_by

    assert status(start, start) == ("identical", 0, 0)
    assert status(start, ours) == ("ahead", 1, 0)
    assert status("main", start) == ("behind", 0, 1)
    assert status(ours, theirs) == ("diverged", 1, 1)
    assert [each.sha for each in api.repository().compare(start, "other").commits] == [theirs]


def test_lists_commits_of_one_path(api: Api) -> None:
    api.github.commit(DEPLOYMENT, "main", {"README.md": b"# New\n"}, "Rewrite")
    changed = api.github.commit(DEPLOYMENT, "main", {VALUES: b"core: {}\n"}, "Change")

    every = api.call("GET", "commits").json()
    some = api.call("GET", f"commits?path={VALUES}&per_page=1").json()

    assert len(every) == 3
    assert [each["sha"] for each in some] == [changed]
    assert api.call("GET", f"commits/{changed}").json()["files"][0]["patch"].startswith("@@ -1,3")


def test_lists_branches_and_refs(api: Api) -> None:
    api.github.create_branch(DEPLOYMENT, "stabilize/1.0")

    assert [each.name for each in api.repository().get_branches()] == ["main", "stabilize/1.0"]
    assert api.repository().get_branch("stabilize/1.0").commit.sha == api.head()
    refs = api.call("GET", "git/matching-refs/heads/stab").json()
    assert [each["ref"] for each in refs] == ["refs/heads/stabilize/1.0"]


def test_shows_trees_commits_and_blobs(api: Api) -> None:
    tree = api.repository().get_git_tree("main", recursive=True)

    assert {each.path: each.mode for each in tree.tree} == {
        "README.md": "100644",
        "environments": "040000",
        VALUES: "100644",
        "scripts": "040000",
        "scripts/apply": "100755",
    }
    assert api.repository().get_git_commit(api.head()).tree.sha == tree.sha


def test_pages_lead_to_each_other(api: Api) -> None:
    for number in range(5):
        api.github.commit(DEPLOYMENT, "main", {"n": b"%d" % number}, str(number))

    first = api.call("GET", "commits?per_page=2&page=2")

    assert set(first.links) == {"prev", "first", "next", "last"}
    assert first.links["last"]["url"].endswith("per_page=2&page=3")
    assert len(list(api.repository().get_commits())) == 6


def test_shows_the_account_behind_the_token(api: Api) -> None:
    api.github.add_token(
        "ghp_classic", {}, kind="classic", login="octocat", scopes=["repo", "write:packages"]
    )

    answer = api.call("GET", "/user", token="ghp_classic")

    assert answer.json()["login"] == "octocat"
    assert answer.headers["X-OAuth-Scopes"] == "repo, write:packages"


def test_shows_the_rules_of_a_branch(api: Api) -> None:
    assert api.call("GET", "rules/branches/main").json() == []
    api.github.protect(DEPLOYMENT, "main", "ruleset")

    rules = api.call("GET", "rules/branches/main").json()

    assert [each["type"] for each in rules] == ["pull_request"]
    assert api.repository().get_branch("main").protected


@pytest.mark.parametrize(("bypass", "told"), [((), "never"), (("deployer",), "always")])
def test_a_ruleset_says_whether_the_tokens_owner_may_bypass_it(
    api: Api, bypass: tuple[str, ...], told: str
) -> None:
    api.github.protect(DEPLOYMENT, "main", "pull-request")
    api.github.protect(DEPLOYMENT, "main", "ruleset", bypass)

    (rule,) = api.call("GET", "rules/branches/main").json()

    ruleset = api.call("GET", f"rulesets/{rule['ruleset_id']}").json()
    assert ruleset["current_user_can_bypass"] == told
    assert api.call("GET", "rulesets/7").status_code == 404
