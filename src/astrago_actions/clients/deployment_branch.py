"""A branch of the deployment repository: read files and head at once, commit on that very head."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from astrago_actions.clients.github import Connection
from astrago_actions.clients.github_errors import explained, explained_write
from astrago_actions.domain.bump_commit import Message
from astrago_actions.errors import ActionError, NotFound, OutcomeUnknown, Unreachable

EXECUTABLE = 0o100755
SYMBOLIC_LINK = 0o120000
SUBMODULE = 0o160000
HISTORY = 20
LONG_HISTORY = 100
MOST_PAGES = 50

_COMMITS = """
query($owner: String!, $name: String!, $head: GitObjectID!, $after: String) {
  repository(owner: $owner, name: $name) {
    object(oid: $head) {
      ... on Commit {
        history(first: 100, after: $after) {
          nodes { oid url message }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }
}
"""
_COMMIT = """
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid url } }
}
"""

_FILE = """
fragment entry on TreeEntry {
  mode
  object { __typename ... on Blob { oid text isBinary isTruncated } }
}
"""
# Templates lie directly in the folder or one folder below.
_FOLDER = """
fragment folder on TreeEntry {
  object {
    ... on Tree {
      entries {
        name
        object {
          ... on Blob { text }
          ... on Tree { entries { name object { ... on Blob { text } } } }
        }
      }
    }
  }
}
"""


@dataclass(frozen=True)
class File:
    """A file at one commit: its exact bytes and their git blob id."""

    path: str
    blob: str
    content: bytes
    executable: bool = False


@dataclass(frozen=True)
class Commit:
    """A commit and where people can look at it."""

    sha: str
    url: str
    message: str = ""


@dataclass(frozen=True)
class Snapshot:
    """The branch at one moment: its head and the files there.

    `history` has the newest commits of the branch, then the older ones that changed one of the
    files, newest first. `templates` maps path to text for the text files of the folders that were
    asked for.
    """

    head: str
    files: Mapping[str, File]
    history: tuple[Commit, ...]
    templates: Mapping[str, str] = field(default_factory=dict)


class DeploymentBranch:
    """One branch of one repository."""

    def __init__(self, connection: Connection, repository: str, branch: str) -> None:
        self.connection = connection
        self.repository = repository
        self.branch = branch

    def read(
        self, paths: Sequence[str], folders: Sequence[str] = (), *, history: int = HISTORY
    ) -> Snapshot:
        """The head, the files, and the texts in `folders`, all at that head, in one request.

        A folder that is not there holds no texts. Every file's bytes are checked against its blob
        id, so what is edited is what is there. Raises NotFound for a missing repository, branch or
        file, ActionError for what is not a regular file, and whatever `explained` makes of
        GitHub's refusals.
        """
        with explained("read the deployment repository", self.repository, branch=self.branch):
            variables = self._variables(paths, folders, history)
            data = self.connection.graphql(_read_query(len(paths), len(folders)), variables)
        head = self._head(data["repository"])
        files = {path: self._file(path, head[f"file{number}"]) for number, path in enumerate(paths)}
        templates: dict[str, str] = {}
        for number, folder in enumerate(folders):
            templates |= _texts(folder, head[f"folder{number}"])
        return Snapshot(head["oid"], files, _history(head, len(paths)), templates)

    def commits_before(self, head: str, *, down_to: str) -> Iterator[Commit]:
        """The commits from `head` back to `down_to`, newest first, a request for each hundred.

        Ends without `down_to` when the branch was rewritten, after `MOST_PAGES` at the latest.
        Raises Unreachable where GitHub does not show `head`.
        """
        owner, _, name = self.repository.partition("/")
        variables = {"owner": owner, "name": name, "head": head, "after": None}
        for _ in range(MOST_PAGES):
            with explained("read the branch's commits", self.repository, branch=self.branch):
                data = self.connection.graphql(_COMMITS, variables)
            shown = data["repository"]["object"]
            if shown is None:
                raise self._not_shown(head)
            page = shown["history"]
            for each in page["nodes"]:
                if each["oid"] == down_to:
                    return
                yield _commit(each)
            if not page["pageInfo"]["hasNextPage"]:
                return
            variables["after"] = page["pageInfo"]["endCursor"]

    def _not_shown(self, head: str) -> Unreachable:
        """A replica that is behind does not know the commit that another one named."""
        return Unreachable(
            "Could not read the branch's commits",
            f"{self.repository}: GitHub does not show the commit {head[:8]} yet.",
            "Wait and read again.",
        )

    def commit(self, head: str, contents: Mapping[str, bytes], message: Message) -> Commit:
        """Commit the files on `head`, all or none, in one request.

        Raises Conflict when the branch has moved on, OutcomeUnknown when the answer was lost.
        Source: GraphQL API, `createCommitOnBranch`.
        """
        additions = [
            {"path": path, "contents": base64.b64encode(content).decode()}
            for path, content in contents.items()
        ]
        commit_input = {
            "branch": {"repositoryNameWithOwner": self.repository, "branchName": self.branch},
            "message": {"headline": message.headline, "body": message.body},
            "fileChanges": {"additions": additions},
            "expectedHeadOid": head,
        }
        with explained_write("commit the new tags", self.repository, branch=self.branch):
            data = self.connection.graphql(_COMMIT, {"input": commit_input})
        created = (data.get("createCommitOnBranch") or {}).get("commit")
        if created is None:
            raise OutcomeUnknown(
                "Could not commit the new tags",
                f"{self.repository}: GitHub's answer does not name the commit that it made.",
                "Look at the branch, and run the job again.",
            )
        return Commit(created["oid"], created["url"], f"{message.headline}\n\n{message.body}")

    def _variables(
        self, paths: Sequence[str], folders: Sequence[str], history: int
    ) -> dict[str, Any]:
        owner, _, name = self.repository.partition("/")
        return {
            "owner": owner,
            "name": name,
            "ref": f"refs/heads/{self.branch}",
            "history": history,
            **{f"path{number}": path for number, path in enumerate(paths)},
            **{f"folder{number}": folder for number, folder in enumerate(folders)},
        }

    def _head(self, repository: dict[str, Any]) -> dict[str, Any]:
        if repository["ref"] is None:
            raise self._branch_missing()
        target: dict[str, Any] = repository["ref"]["target"]
        return target

    def _branch_missing(self) -> NotFound:
        with explained("list the branches", self.repository):
            found = self.connection.get(f"/repos/{self.repository}/branches", {"per_page": 100})
        names = [each["name"] for each in found]
        nearest = get_close_matches(self.branch, names, n=5, cutoff=0.3) or names[:5]
        return NotFound(
            f"Branch `{self.branch}` is not in {self.repository}",
            f"The nearest {'is' if len(nearest) == 1 else 'are'} "
            f"{', '.join(f'`{name}`' for name in nearest)}."
            if nearest
            else "The repository has no branches yet.",
            "Correct the input `branch`.",
        )

    def _file(self, path: str, entry: dict[str, Any] | None) -> File:
        if entry is None:
            raise NotFound(
                f"`{path}` is not in {self.repository}",
                f"Branch `{self.branch}` has no file at this path.",
                "Correct the input `file`; the path begins at the repository's root.",
            )
        blob = entry["object"]
        if entry["mode"] in {SYMBOLIC_LINK, SUBMODULE} or blob["__typename"] != "Blob":
            raise ActionError(
                f"`{path}` in {self.repository} is not a regular file",
                "It is a folder, a symbolic link or a submodule.",
                "Name the file itself in the input `file`.",
            )
        content = (blob["text"] or "").encode()
        if _blob_id(content) != blob["oid"]:
            content = self._raw(path, blob["oid"])
        return File(path, blob["oid"], content, entry["mode"] == EXECUTABLE)

    def _raw(self, path: str, blob: str) -> bytes:
        """The bytes of a file that GraphQL cuts or cannot show as text."""
        with explained(f"read `{path}`", self.repository):
            found = self.connection.get(f"/repos/{self.repository}/git/blobs/{blob}")
        content = base64.b64decode(found["content"])
        if _blob_id(content) != blob:
            raise ActionError(
                f"`{path}` arrived damaged from {self.repository}",
                f"Its bytes do not have the blob id {blob}.",
                "Run the job again; a proxy that rewrites answers may be in the way.",
            )
        return content


def _blob_id(content: bytes) -> str:
    """Source: git-hash-object(1)."""
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def _commit(node: Mapping[str, Any]) -> Commit:
    return Commit(node["oid"], node["url"], node["message"])


def _history(head: Mapping[str, Any], files: int) -> tuple[Commit, ...]:
    """The branch's newest commits as git orders them; the files' older ones by their date."""
    newest = head["history"]["nodes"]
    known = {each["oid"] for each in newest}
    of_files = [node for number in range(files) for node in head[f"history{number}"]["nodes"]]
    older = {each["oid"]: each for each in of_files if each["oid"] not in known}
    by_date = sorted(older.values(), key=lambda node: str(node["committedDate"]), reverse=True)
    return tuple(_commit(each) for each in (*newest, *by_date))


def _texts(path: str, entry: dict[str, Any] | None) -> dict[str, str]:
    """The texts in a folder and in the folders directly below it, by path."""
    found: dict[str, str] = {}
    for each in ((entry or {}).get("object") or {}).get("entries") or ():
        inside = f"{path}/{each['name']}"
        content = each["object"] or {}
        if isinstance(content.get("text"), str):
            found[inside] = content["text"]
        found |= _texts(inside, each) if "entries" in content else {}
    return found


def _read_query(files: int, folders: int) -> str:
    """One query for the head, the files and folders at that head, and the newest commits."""
    parameters = "".join(
        [f", $path{number}: String!" for number in range(files)]
        + [f", $folder{number}: String!" for number in range(folders)]
    )
    fields = "\n".join(
        [f"file{number}: file(path: $path{number}) {{ ...entry }}" for number in range(files)]
        + [
            f"history{number}: history(first: $history, path: $path{number}) "
            "{ nodes { oid url message committedDate } }"
            for number in range(files)
        ]
        + [
            f"folder{number}: file(path: $folder{number}) {{ ...folder }}"
            for number in range(folders)
        ]
    )
    query = f"""
query($owner: String!, $name: String!, $ref: String!, $history: Int!{parameters}) {{
  repository(owner: $owner, name: $name) {{
    ref(qualifiedName: $ref) {{
      target {{
        oid
        ... on Commit {{
          history(first: $history) {{ nodes {{ oid url message }} }}
          {fields}
        }}
      }}
    }}
  }}
}}
"""
    return query + (_FILE if files else "") + (_FOLDER if folders else "")
