"""GitHub's JSON for what the sandbox keeps: one function per thing, addresses included."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any

from astrago_actions.sandbox.github.git_objects import (
    Commit,
    Entry,
    Signature,
)
from astrago_actions.sandbox.github.records import Token, timestamp
from astrago_actions.sandbox.github.repository import GITHUB, Repository

Json = dict[str, Any]

_REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
_UNSIGNED = {
    "verified": False,
    "reason": "unsigned",
    "signature": None,
    "payload": None,
    "verified_at": None,
}


@dataclass(frozen=True)
class Addresses:
    """Where this server says that it is: pages at `host`, the REST API at `api`."""

    host: str
    api: str

    def page(self, repository: Repository, path: str = "") -> str:
        """The address of a page of a repository."""
        return f"{self.host}/{repository.full_name}{path}"

    def rest(self, repository: Repository, path: str = "") -> str:
        """The address of something of a repository in the REST API."""
        return f"{self.api}/repos/{repository.full_name}{path}"


def number_of(name: str) -> int:
    """A number that stays the same for a name, as an account's id does."""
    return zlib.crc32(name.encode()) & 0x7FFFFFFF


def node_id(kind: str, number: int | str) -> str:
    """An opaque id for GraphQL."""
    return f"{kind}_{number}"


def label_id(name: str) -> str:
    """The id of a label for GraphQL; the name can be read back from it."""
    return node_id("LA", base64.urlsafe_b64encode(name.encode()).decode())


def user(addresses: Addresses, login: str) -> Json:
    """An account in short."""
    api = f"{addresses.api}/users/{login}"
    return {
        "login": login,
        "id": number_of(login),
        "node_id": node_id("U", number_of(login)),
        "avatar_url": f"{addresses.host}/avatars/{login}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{addresses.host}/{login}",
        **{name: api + path for name, path in _USER_LINKS.items()},
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
    }


def own_account(addresses: Addresses, token: Token) -> Json:
    """The account that a token belongs to."""
    since = timestamp(0)
    counts = ("public_repos", "public_gists", "followers", "following")
    return {
        **user(addresses, token.login),
        "name": token.login,
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        **dict.fromkeys(counts, 0),
        "created_at": since,
        "updated_at": since,
    }


def minimal_repository(addresses: Addresses, repository: Repository) -> Json:
    """A repository as it appears inside other things."""
    api = addresses.rest(repository)
    return {
        "id": repository.number,
        "node_id": node_id("R", repository.number),
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.private,
        "owner": user(addresses, repository.owner),
        "html_url": addresses.page(repository),
        "description": None,
        "fork": False,
        "url": api,
        **{name: api + path for name, path in _REPOSITORY_LINKS.items()},
    }


def full_repository(addresses: Addresses, found: Repository, token: Token | None) -> Json:
    """A repository on its own."""
    counts = {"subscribers_count": 0, "network_count": 0}
    return {**repository(addresses, found, token), **counts}


def repository(addresses: Addresses, found: Repository, token: Token | None) -> Json:
    """A repository with its settings and what the token may do in it."""
    counts = ("stargazers", "watchers", "forks", "open_issues")
    changed_at = timestamp(found.created_at)
    return {
        **minimal_repository(addresses, found),
        **_clone_links(addresses, found),
        "mirror_url": None,
        "homepage": None,
        "language": None,
        **{f"{name}_count": 0 for name in counts},
        **dict.fromkeys(("forks", "open_issues", "watchers"), 0),
        "size": 1,
        "default_branch": found.default_branch,
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "has_downloads": False,
        "archived": found.archived,
        "disabled": False,
        "visibility": "private" if found.private else "public",
        "pushed_at": changed_at,
        "created_at": changed_at,
        "updated_at": changed_at,
        "license": None,
        "allow_auto_merge": found.allow_auto_merge,
        "permissions": _role(found, token),
    }


def _clone_links(addresses: Addresses, found: Repository) -> Json:
    page = addresses.page(found)
    host = addresses.host.partition("://")[2]
    return {
        "git_url": f"git://{host}/{found.full_name}.git",
        "ssh_url": f"git@{host}:{found.full_name}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
    }


def _role(found: Repository, token: Token | None) -> Json:
    writes = bool(token and token.allows(found.full_name, "contents", "write"))
    administers = bool(token and token.allows(found.full_name, "administration", "write"))
    return {
        "admin": administers,
        "maintain": administers,
        "push": writes,
        "triage": writes,
        "pull": True,
    }


def signature(who: Signature) -> Json:
    """Who did something, as git knows it."""
    return {"name": who.person.name, "email": who.person.email, "date": timestamp(who.at)}


def verification(found: Commit) -> Json:
    """Whether GitHub vouches for a commit; it signs those that it made itself."""
    if found.committer.person != GITHUB:
        return dict(_UNSIGNED)
    return {
        "verified": True,
        "reason": "valid",
        "signature": "-----BEGIN PGP SIGNATURE-----\n\n(sandbox)\n-----END PGP SIGNATURE-----\n",
        "payload": f"tree {found.tree}\n",
        "verified_at": timestamp(found.committer.at),
    }


def account_of(addresses: Addresses, who: Signature) -> Json | None:
    """The account behind an author's address, if there is one."""
    local, _, domain = who.person.email.partition("@")
    if domain != "users.noreply.github.com":
        return None
    return user(addresses, local.rpartition("+")[2])


def commit(addresses: Addresses, repository: Repository, found: Commit) -> Json:
    """A commit as `/commits` shows it."""
    api = addresses.rest(repository)
    return {
        "sha": found.sha,
        "node_id": node_id("C", found.sha),
        "commit": {
            "author": signature(found.author),
            "committer": signature(found.committer),
            "message": found.message,
            "tree": {"sha": found.tree, "url": f"{api}/git/trees/{found.tree}"},
            "url": f"{api}/git/commits/{found.sha}",
            "comment_count": 0,
            "verification": verification(found),
        },
        "url": f"{api}/commits/{found.sha}",
        "html_url": addresses.page(repository, f"/commit/{found.sha}"),
        "comments_url": f"{api}/commits/{found.sha}/comments",
        "author": account_of(addresses, found.author),
        "committer": account_of(addresses, found.committer),
        "parents": _parents(addresses, repository, found, "commits"),
    }


def git_commit(addresses: Addresses, repository: Repository, found: Commit) -> Json:
    """A commit as `/git/commits` shows it."""
    api = addresses.rest(repository)
    return {
        "sha": found.sha,
        "node_id": node_id("C", found.sha),
        "url": f"{api}/git/commits/{found.sha}",
        "html_url": addresses.page(repository, f"/commit/{found.sha}"),
        "author": signature(found.author),
        "committer": signature(found.committer),
        "tree": {"sha": found.tree, "url": f"{api}/git/trees/{found.tree}"},
        "message": found.message,
        "parents": _parents(addresses, repository, found, "git/commits"),
        "verification": verification(found),
    }


def _parents(addresses: Addresses, repository: Repository, found: Commit, kind: str) -> list[Json]:
    return [
        {
            "sha": parent,
            "url": addresses.rest(repository, f"/{kind}/{parent}"),
            "html_url": addresses.page(repository, f"/commit/{parent}"),
        }
        for parent in found.parents
    ]


def content(addresses: Addresses, repository: Repository, entry: Entry, revision: str) -> Json:
    """A file or folder as `/contents` names it, without its bytes."""
    kind = {0o120000: "symlink", 0o160000: "submodule"}.get(entry.mode)
    kind = kind or ("dir" if entry.kind == "tree" else "file")
    links = _content_links(addresses, repository, entry, revision)
    size = len(repository.store.blob(entry.sha)) if entry.kind == "blob" else 0
    return {
        "name": entry.name,
        "path": entry.path,
        "sha": entry.sha,
        "size": size,
        "url": links["self"],
        "html_url": links["html"],
        "git_url": links["git"],
        "download_url": (
            addresses.page(repository, f"/raw/{revision}/{entry.path}")
            if entry.kind == "blob"
            else None
        ),
        "type": kind,
        "_links": links,
    }


def _content_links(
    addresses: Addresses, repository: Repository, entry: Entry, revision: str
) -> dict[str, str]:
    git_kind = "trees" if entry.kind == "tree" else "blobs"
    page_kind = "tree" if entry.kind == "tree" else "blob"
    return {
        "self": addresses.rest(repository, f"/contents/{entry.path}?ref={revision}"),
        "git": addresses.rest(repository, f"/git/{git_kind}/{entry.sha}"),
        "html": addresses.page(repository, f"/{page_kind}/{revision}/{entry.path}"),
    }


def in_base64(data: bytes) -> str:
    """Bytes in base64, broken into lines as GitHub breaks them."""
    text = base64.b64encode(data).decode()
    return "".join(text[start : start + 60] + "\n" for start in range(0, len(text), 60))
