"""Git itself as the judge: what the API writes git can read, and git can clone and push."""

from __future__ import annotations

import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from astrago_actions.sandbox.github import GitHub
from tests.sandbox.github.conftest import DEPLOYMENT, READER, TOKEN, VALUES, Api, filled


def git(*arguments: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=dev", "-c", "user.email=dev@example.com"]
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "LC_ALL": "C",
    }
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def bare(tmp_path: Path) -> Path:
    return tmp_path / "repositories" / f"{DEPLOYMENT}.git"


def address(api: Api, token: str = TOKEN, name: str = DEPLOYMENT) -> str:
    return f"{api.server.url.replace('://', f'://x-access-token:{token}@')}/{name}.git"


def clone(api: Api, folder: Path, *options: str) -> Path:
    git("clone", "--quiet", *options, address(api), "clone", cwd=folder)
    return folder / "clone"


def change(work: Path, path: str, content: str, message: str) -> None:
    (work / path).write_text(content)
    git("add", path, cwd=work)
    git("commit", "--quiet", "-m", message, cwd=work)


def test_git_finds_what_every_kind_of_write_left_in_order(api_on_disk: Api, tmp_path: Path) -> None:
    api = api_on_disk
    repository = api.repository()
    api.github.commit(DEPLOYMENT, "main", {"한글.txt": "내용".encode()}, "손으로")
    repository.create_file("deep/er/file", "By contents", b"1")
    api.graphql(
        """mutation($input: CreateCommitOnBranchInput!) {
          createCommitOnBranch(input: $input) { commit { oid } } }""",
        {
            "input": {
                "branch": {"repositoryNameWithOwner": DEPLOYMENT, "branchName": "main"},
                "message": {"headline": "By GraphQL"},
                "expectedHeadOid": api.head(),
                "fileChanges": {"deletions": [{"path": "deep/er/file"}]},
            }
        },
    )
    api.github.create_branch(DEPLOYMENT, "side")
    api.github.commit(DEPLOYMENT, "side", {"s": b"1"}, "Side")
    repository.create_pull(base="main", head="side", title="Side").merge()

    git("fsck", "--strict", cwd=bare(tmp_path))
    log = git("log", "--format=%s", "--topo-order", "main", cwd=bare(tmp_path)).stdout.splitlines()
    files = git("ls-tree", "-r", "-z", "--name-only", "main", cwd=bare(tmp_path)).stdout

    assert log == [
        "Merge pull request #1 from xiilab/side",
        "Side",
        "By GraphQL",
        "By contents",
        "손으로",
        "Begin",
    ]
    assert tuple(files.rstrip("\0").split("\0")) == (
        "README.md",
        VALUES,
        "s",
        "scripts/apply",
        "한글.txt",
    )
    assert "100755" in git("ls-tree", "main", "scripts/apply", cwd=bare(tmp_path)).stdout


def test_history_and_merge_base_agree_with_git(api_on_disk: Api, tmp_path: Path) -> None:
    api = api_on_disk
    api.github.create_branch(DEPLOYMENT, "side")
    for number in range(4):
        api.github.commit(DEPLOYMENT, "main", {"m": b"%d" % number}, f"main {number}")
        api.github.commit(DEPLOYMENT, "side", {VALUES: b"%d" % number}, f"side {number}")
    api.repository().create_pull(base="main", head="side", title="Side").merge()
    api.github.commit(DEPLOYMENT, "side", {"late": b""}, "Late")

    shown = api.repository().compare("main", "side")
    by_path = api.call("GET", f"commits?path={VALUES}").json()

    assert shown.merge_base_commit.sha == (
        git("merge-base", "main", "side", cwd=bare(tmp_path)).stdout.strip()
    )
    counts = git("rev-list", "--left-right", "--count", "main...side", cwd=bare(tmp_path)).stdout
    assert [shown.behind_by, shown.ahead_by] == [int(each) for each in counts.split()]
    listed = git("rev-list", "main", "--", VALUES, cwd=bare(tmp_path)).stdout.split()
    assert {each["sha"] for each in by_path} == set(listed)


def test_clones_and_pushes(api_on_disk: Api, tmp_path: Path) -> None:
    heard: list[tuple[str, str, str]] = []
    api_on_disk.github.subscribe(lambda *update: heard.append(update))

    work = clone(api_on_disk, tmp_path)
    change(work, VALUES, "core: {}\n", "Bump by hand")
    git("push", "--quiet", "origin", "HEAD:main", "HEAD:refs/heads/new", cwd=work)

    head = git("rev-parse", "HEAD", cwd=work).stdout.strip()
    assert api_on_disk.head() == head
    assert sorted(heard) == [(DEPLOYMENT, "main", head), (DEPLOYMENT, "new", head)]
    assert api_on_disk.github.read(DEPLOYMENT, "main", VALUES) == b"core: {}\n"
    assert (work / "scripts" / "apply").stat().st_mode & 0o100


def test_pushes_from_a_shallow_clone(api_on_disk: Api, tmp_path: Path) -> None:
    for number in range(3):
        api_on_disk.github.commit(DEPLOYMENT, "main", {"n": b"%d" % number}, str(number))

    work = clone(api_on_disk, tmp_path, "--depth", "1")
    assert git("rev-list", "--count", "HEAD", cwd=work).stdout.strip() == "1"
    change(work, "n", "3", "Number 3")
    git("push", "--quiet", cwd=work)

    assert len(api_on_disk.github.log(DEPLOYMENT, "main")) == 5
    git("fsck", "--strict", cwd=bare(tmp_path))


def test_pushes_more_than_one_buffer(api_on_disk: Api, tmp_path: Path) -> None:
    work = clone(api_on_disk, tmp_path)
    (work / "big").write_bytes(random.Random(1).randbytes(3_000_000))
    git("add", "big", cwd=work)
    git("commit", "--quiet", "-m", "Big", cwd=work)
    git("push", "--quiet", cwd=work)

    assert len(api_on_disk.github.read(DEPLOYMENT, "main", "big")) == 3_000_000


def test_a_push_that_came_too_late_is_refused(api_on_disk: Api, tmp_path: Path) -> None:
    work = clone(api_on_disk, tmp_path)
    api_on_disk.github.commit(DEPLOYMENT, "main", {"other": b"1"}, "Somebody else")
    change(work, "mine", "1", "Mine")

    refused = git("push", cwd=work, check=False)

    assert refused.returncode == 1
    assert "[rejected]" in refused.stderr


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        (
            "pull-request",
            [
                "remote: error: GH006: Protected branch update failed for refs/heads/main.",
                "remote: - Changes must be made through a pull request.",
                "! [remote rejected] HEAD -> main (protected branch hook declined)",
            ],
        ),
        (
            "ruleset",
            [
                "remote: error: GH013: Repository rule violations found for refs/heads/main.",
                "! [remote rejected] HEAD -> main "
                "(push declined due to repository rule violations)",
            ],
        ),
    ],
)
def test_a_protected_branch_refuses_a_push(
    api_on_disk: Api, tmp_path: Path, rule: str, lines: list[str]
) -> None:
    before = api_on_disk.head()
    api_on_disk.github.protect(DEPLOYMENT, "main", rule)  # type: ignore[arg-type]
    work = clone(api_on_disk, tmp_path)
    change(work, "mine", "1", "Mine")

    refused = git("push", "origin", "HEAD:main", cwd=work, check=False)

    for line in lines:
        assert line in refused.stderr
    assert api_on_disk.head() == before
    git("push", "--quiet", "origin", "HEAD:unprotected", cwd=work)


@pytest.mark.parametrize(
    ("token", "name", "words"),
    [
        ("wrong", DEPLOYMENT, "Authentication failed"),
        (TOKEN, "xiilab/nope", "not found"),
    ],
)
def test_a_clone_that_may_not_be(
    api_on_disk: Api, tmp_path: Path, token: str, name: str, words: str
) -> None:
    refused = git("clone", address(api_on_disk, token, name), "x", cwd=tmp_path, check=False)

    assert refused.returncode != 0
    assert words in refused.stderr


def test_a_clone_without_a_token_asks_for_one(api_on_disk: Api, tmp_path: Path) -> None:
    plain = f"{api_on_disk.server.url}/{DEPLOYMENT}.git"

    refused = git("clone", plain, "x", cwd=tmp_path, check=False)

    assert "could not read Username" in refused.stderr


def test_a_push_without_the_permission(api_on_disk: Api, tmp_path: Path) -> None:
    work = clone(api_on_disk, tmp_path)
    change(work, "mine", "1", "Mine")

    refused = git("push", address(api_on_disk, READER), "HEAD:main", cwd=work, check=False)

    assert f"Permission to {DEPLOYMENT}.git denied to reader." in refused.stderr


def test_a_push_to_an_archived_repository(api_on_disk: Api, tmp_path: Path) -> None:
    work = clone(api_on_disk, tmp_path)
    change(work, "mine", "1", "Mine")
    api_on_disk.github.archive(DEPLOYMENT)

    refused = git("push", cwd=work, check=False)

    assert "archived so it is read-only" in refused.stderr


def test_pushes_and_api_commits_at_once_lose_nothing(api_on_disk: Api, tmp_path: Path) -> None:
    def push(writer: int) -> None:
        folder = tmp_path / f"pusher-{writer}"
        folder.mkdir()
        work = clone(api_on_disk, folder)
        change(work, f"pushed-{writer}", "1", f"Push {writer}")
        while git("push", "--quiet", cwd=work, check=False).returncode:
            git("pull", "--quiet", "--rebase", cwd=work)

    def commit(writer: int) -> None:
        for number in range(5):
            api_on_disk.call(
                "PUT",
                f"contents/written-{writer}-{number}",
                {"message": f"Write {writer} {number}", "content": ""},
            ).raise_for_status()

    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(push, 1), pool.submit(push, 2)]
        tasks += [pool.submit(commit, 1), pool.submit(commit, 2)]
        for task in tasks:
            task.result()

    count = git("rev-list", "--count", "main", cwd=bare(tmp_path)).stdout.strip()
    assert count == str(1 + 2 + 10)
    git("fsck", "--strict", cwd=bare(tmp_path))


def test_in_memory_there_is_nothing_to_clone(api: Api, tmp_path: Path) -> None:
    refused = git("clone", address(api), "x", cwd=tmp_path, check=False)

    assert "in memory" in refused.stderr


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    github = filled(GitHub(tmp_path))

    with pytest.raises(ValueError, match="exists already"):
        github.create_repository(DEPLOYMENT.upper(), {})
    with pytest.raises(KeyError, match="there is no repository"):
        github.head("xiilab/nope", "main")
    with pytest.raises(KeyError, match="has no branch"):
        github.head(DEPLOYMENT, "nope")
    github.close()
