"""The git side of one repository: objects and refs, in memory or in a bare repository on disk."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from dulwich.file import FileLocked
from dulwich.objects import Blob, ObjectID, Tag, Tree
from dulwich.objects import Commit as GitCommit
from dulwich.refs import Ref
from dulwich.repo import BaseRepo, MemoryRepo, Repo

from astrago_actions.sandbox.github.git_objects import (
    FOLDER,
    HEADS,
    Change,
    Commit,
    Entry,
    Missing,
    Moved,
    Signature,
)
from astrago_actions.sandbox.github.records import Person


class GitStore:
    """Objects and refs of one repository; every method may be called from any thread.

    `lock` is held by every method, and by callers around a read, a check and a write that
    belong together.
    """

    def __init__(self, folder: Path | None, default_branch: str) -> None:
        self.lock = threading.RLock()
        self.folder = folder
        self._git: BaseRepo
        if folder is None:
            self._git = MemoryRepo()
        else:
            self._git = _bare(folder)
        self._git.refs.set_symbolic_ref(Ref(b"HEAD"), _ref(HEADS + default_branch))
        self._commits: dict[str, Commit] = {}

    def close(self) -> None:
        """Let go of open files."""
        if isinstance(self._git, Repo):
            self._git.close()

    def ref(self, name: str) -> str | None:
        """The object that a full ref name such as `refs/heads/main` points to."""
        with self.lock:
            try:
                key = _ref(name)
                found = self._git.refs.read_loose_ref(key)
                found = found or self._git.refs.get_packed_refs().get(key)
            except (ValueError, OSError):
                return None
        return found.decode() if found else None

    def refs(self, prefix: str) -> dict[str, str]:
        """Full ref names that begin with `prefix`, and what they point to; sorted by name."""
        with self.lock:
            names = sorted(self._git.refs.allkeys())
            found = {name.decode(): self.ref(name.decode()) for name in names}
        return {name: sha for name, sha in found.items() if sha and name.startswith(prefix)}

    def move(self, name: str, expected: str | None, to: str | None) -> None:
        """Move, create (`expected` None) or delete (`to` None) a ref; raises Moved on a race."""
        with self.lock:
            actual = self.ref(name)
            if actual != expected:
                raise Moved(name, actual)
            old = _sha(expected or "0" * 40)
            try:
                if to is None:
                    done = self._git.refs.remove_if_equals(_ref(name), old)
                else:
                    done = self._git.refs.set_if_equals(_ref(name), old, _sha(to))
            except FileLocked as error:
                raise Moved(name, self.ref(name)) from error
            if not done:
                raise Moved(name, self.ref(name))

    def kind(self, sha: str) -> str:
        """`blob`, `tree`, `commit` or `tag`; raises Missing."""
        return self._object(sha).type_name.decode()

    def resolve(self, revision: str) -> str:
        """The commit that a branch, tag, full ref name or (short) SHA means; raises Missing."""
        for candidate in (revision, f"refs/{revision}", HEADS + revision, f"refs/tags/{revision}"):
            sha = self.ref(candidate) if candidate.startswith("refs/") else None
            if sha:
                return self._peel(sha)
        if revision == "HEAD":
            return self.resolve(self.default_ref())
        return self._peel(self._full_sha(revision))

    def default_ref(self) -> str:
        """The full name of the ref that HEAD points to."""
        with self.lock:
            target = self._git.refs.get_symrefs()[Ref(b"HEAD")]
        return target.decode()

    def commit(self, sha: str) -> Commit:
        """Read a commit; raises Missing."""
        known = self._commits.get(sha)
        if known is None:
            found = self._object(sha)
            if not isinstance(found, GitCommit):
                raise Missing(f"{sha} is not a commit")
            known = self._commits[sha] = _commit(found)
        return known

    def blob(self, sha: str) -> bytes:
        """Read a blob; raises Missing."""
        found = self._object(sha)
        if not isinstance(found, Blob):
            raise Missing(f"{sha} is not a blob")
        return found.data

    def tree(self, sha: str) -> tuple[Entry, ...]:
        """The entries of one tree, in git's order; raises Missing."""
        found = self._object(sha)
        if isinstance(found, GitCommit):
            found = self._object(found.tree.decode())
        if not isinstance(found, Tree):
            raise Missing(f"{sha} is not a tree")
        return tuple(
            Entry(item.path.decode(), item.mode, item.sha.decode()) for item in found.items()
        )

    def walk(self, tree: str, prefix: str = "") -> Iterator[Entry]:
        """Every entry below a tree, folders before their contents."""
        for entry in self.tree(tree):
            entry = Entry(prefix + entry.path, entry.mode, entry.sha)
            yield entry
            if entry.kind == "tree":
                yield from self.walk(entry.sha, entry.path + "/")

    def changes(self, before: str | None, after: str | None, prefix: str = "") -> Iterator[Change]:
        """The files that differ between two trees, sorted by path; equal folders are not read."""
        if before == after:
            return
        old = {each.path: each for each in self.tree(before)} if before else {}
        new = {each.path: each for each in self.tree(after)} if after else {}
        for name in sorted(old.keys() | new.keys()):
            one, other = old.get(name), new.get(name)
            if one != other:
                yield from self._change(prefix + name, one, other)

    def entry(self, tree: str, path: str) -> Entry:
        """The entry at a path below a tree; an empty path is the tree itself. Raises Missing."""
        found = Entry("", FOLDER, tree)
        for part in path.strip("/").split("/") if path.strip("/") else []:
            if found.kind != "tree":
                raise Missing(path)
            entries = {each.path: each for each in self.tree(found.sha)}
            if part not in entries:
                raise Missing(path)
            found = entries[part]
        return Entry(path.strip("/"), found.mode, found.sha)

    def write_blob(self, content: bytes) -> str:
        """Store a blob and return its SHA."""
        return self._add(Blob.from_string(content))

    def write_tree(self, base: str | None, changes: Mapping[str, Entry | None]) -> str:
        """Store a tree: `base` with each path replaced, or removed where the entry is None."""
        with self.lock:
            tree = Tree()
            if base is not None:
                for entry in self.tree(base):
                    tree.add(entry.path.encode(), entry.mode, _sha(entry.sha))
            below: dict[str, dict[str, Entry | None]] = {}
            for path, change in changes.items():
                name, _, rest = path.partition("/")
                if rest:
                    below.setdefault(name, {})[rest] = change
                else:
                    _put(tree, name, change)
            for name, deeper in below.items():
                self._write_folder(tree, name, deeper)
            return self._add(tree)

    def write_commit(
        self,
        tree: str,
        parents: Iterable[str],
        message: str,
        author: Signature,
        committer: Signature | None = None,
    ) -> str:
        """Store a commit and return its SHA; no ref moves."""
        committer = committer or author
        commit = GitCommit()
        commit.tree = _sha(tree)
        commit.parents = [_sha(parent) for parent in parents]
        commit.author = _identity(author.person)
        commit.committer = _identity(committer.person)
        commit.author_time, commit.commit_time = author.at, committer.at
        commit.author_timezone = commit.commit_timezone = 0
        commit.encoding = b"UTF-8"
        commit.message = message.encode()
        return self._add(commit)

    def history(self, start: str, path: str = "") -> Iterator[Commit]:
        """Commits reachable from `start`, newest first; with `path` only those that changed it."""
        first = self.commit(start)
        seen = {start}
        waiting = [(-first.committer.at, 0, first)]
        while waiting:
            _, _, commit = heapq.heappop(waiting)
            if not path or self._changed(commit, path):
                yield commit
            for parent in commit.parents:
                if parent not in seen:
                    seen.add(parent)
                    found = self.commit(parent)
                    heapq.heappush(waiting, (-found.committer.at, len(seen), found))

    def ancestors(self, start: str) -> set[str]:
        """Every commit reachable from `start`, itself included."""
        return {commit.sha for commit in self.history(start)}

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether `descendant` contains `ancestor`; a commit contains itself."""
        return any(commit.sha == ancestor for commit in self.history(descendant))

    def merge_base(self, one: str, other: str) -> str | None:
        """The newest commit that both contain."""
        ours = self.ancestors(one)
        return next((each.sha for each in self.history(other) if each.sha in ours), None)

    def _object(self, sha: str) -> Blob | Tree | GitCommit | Tag:
        with self.lock:
            try:
                found = self._git.object_store[_sha(sha)]
            except (KeyError, ValueError, AssertionError) as error:
                raise Missing(sha) from error
        if isinstance(found, Blob | Tree | GitCommit | Tag):
            return found
        raise Missing(sha)

    def _add(self, thing: Blob | Tree | GitCommit) -> str:
        with self.lock:
            if thing.id not in self._git.object_store:
                self._git.object_store.add_object(thing)
        return thing.id.decode()

    def _write_folder(self, tree: Tree, name: str, changes: Mapping[str, Entry | None]) -> None:
        key = name.encode()
        base = None
        if key in tree and tree[key][0] == FOLDER:
            base = tree[key][1].decode()
        written = self.write_tree(base, changes)
        _put(tree, name, Entry(name, FOLDER, written) if self.tree(written) else None)

    def _change(self, path: str, before: Entry | None, after: Entry | None) -> Iterator[Change]:
        folders = [each.sha if each and each.kind == "tree" else None for each in (before, after)]
        files = [each if each and each.kind != "tree" else None for each in (before, after)]
        if any(files):
            yield Change(path, files[0], files[1])
        if any(folders):
            yield from self.changes(folders[0], folders[1], path + "/")

    def _peel(self, sha: str) -> str:
        found = self._object(sha)
        while isinstance(found, Tag):
            found = self._object(found.object[1].decode())
        if not isinstance(found, GitCommit):
            raise Missing(f"{sha} is not a commit")
        return found.id.decode()

    def _full_sha(self, revision: str) -> str:
        if len(revision) == 40:
            return revision
        if len(revision) < 4 or not set(revision) <= set("0123456789abcdef"):
            raise Missing(revision)
        with self.lock:
            found = {
                sha.decode() for sha in self._git.object_store if sha.startswith(revision.encode())
            }
        if len(found) != 1:
            raise Missing(revision)
        return found.pop()

    def _changed(self, commit: Commit, path: str) -> bool:
        own = self._at(commit, path)
        if not commit.parents:
            return own is not None
        return all(self._at(self.commit(parent), path) != own for parent in commit.parents)

    def _at(self, commit: Commit, path: str) -> tuple[int, str] | None:
        try:
            found = self.entry(commit.tree, path)
        except Missing:
            return None
        return found.mode, found.sha


def _ref(name: str) -> Ref:
    return Ref(name.encode())


def _sha(text: str) -> ObjectID:
    return ObjectID(text.encode())


def _bare(folder: Path) -> Repo:
    """A new bare repository that `git http-backend` serves for reading and writing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    git = Repo.init_bare(folder, mkdir=True)
    config = git.get_config()
    settings = {
        ("http", "receivepack"): True,
        ("receive", "autogc"): False,
        ("uploadpack", "allowAnySHA1InWant"): True,
        ("uploadpack", "allowFilter"): True,
    }
    for (section, name), value in settings.items():
        config.set((section.encode(),), name.encode(), value)
    config.write_to_path()
    return git


def _identity(person: Person) -> bytes:
    return f"{person.name} <{person.email}>".encode()


def _signature(identity: bytes, at: int) -> Signature:
    name, _, email = identity.decode("utf-8", "replace").partition(" <")
    return Signature(Person(name, email.rstrip(">")), at)


def _commit(found: GitCommit) -> Commit:
    return Commit(
        sha=found.id.decode(),
        tree=found.tree.decode(),
        parents=tuple(parent.decode() for parent in found.parents),
        author=_signature(found.author, found.author_time),
        committer=_signature(found.committer, found.commit_time),
        message=found.message.decode("utf-8", "replace"),
    )


def _put(tree: Tree, name: str, entry: Entry | None) -> None:
    key = name.encode()
    if entry is not None:
        tree.add(key, entry.mode, _sha(entry.sha))
    elif key in tree:
        del tree[key]
