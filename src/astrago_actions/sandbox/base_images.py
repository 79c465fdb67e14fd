"""Base images made from this machine's own programs, for engines that can pull nothing.

The examples name public base images; where they are built on loopback, these stand in for them:
the same Dockerfiles run to their end, `npm ci` and all, without any registry or network.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from astrago_actions.errors import ActionError

# A host that is this machine: should an engine ever try to pull, it fails at once and tells nobody.
PREFIX = "localhost/astrago-sandbox"

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SERVE = 'CMD ["httpd", "-f", "-p", "8080", "-h", "/usr/share/nginx/html"]'
_LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x[0-9a-f]+\)$")
_ACCOUNTS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"


def plain_image() -> str:
    """The name of an image with a shell and, where BusyBox is there, a web server.

    Made when the engine does not hold it yet. Raises `ActionError` when the engine refuses it.
    """
    name = f"{PREFIX}/plain:{_digest(_recipe())}"
    if not _held(name):
        _import_image(name, _shell_entries(), [_SERVE])
    return name


def has_node() -> bool:
    """Whether this machine has node and npm, to build with and to make an image from."""
    return bool(shutil.which("node") and shutil.which("npm"))


def node_image(project: Path, packages: Path) -> str:
    """The name of an image with node, npm and all packages of the project's lock file.

    Made when the engine does not hold it yet; `packages` keeps what was fetched, so that only the
    first call on a machine needs a network. Raises `ActionError` when they cannot be had.
    """
    node, npm = _node(), _npm_folder()
    versions = [(npm / "package.json").read_bytes(), _output([str(node), "--version"]).encode()]
    lock = (project / "package-lock.json").read_bytes()
    name = f"{PREFIX}/node:{_digest(_recipe(), lock, *versions)}"
    if not _held(name):
        _prime(project, packages)
        environment = "ENV HOME=/root npm_config_cache=/root/.npm npm_config_offline=true"
        entries = [*_shell_entries(), *_node_entries(node, npm, packages)]
        _import_image(name, entries, [environment])
    return name


@dataclass(frozen=True)
class _Entry:
    """One thing in an image: a copy of `source`, a link to `link`, or a text file."""

    target: str
    source: Path | None = None
    link: str = ""
    text: str = ""


def _shell_entries() -> list[_Entry]:
    """A shell and the few programs that build steps call, static where the machine has BusyBox."""
    entries = [_Entry("etc/passwd", text=_ACCOUNTS)]
    busybox = shutil.which("busybox")
    if busybox and not _libraries(Path(busybox)):
        entries.append(_Entry("bin/busybox", source=Path(busybox).resolve()))
        applets = {"bin/sh", "bin/cat", "bin/ls", "bin/mkdir", "bin/httpd", "usr/bin/env"}
        return entries + [_Entry(name, link="/bin/busybox") for name in sorted(applets)]
    programs = {"bin/sh": shutil.which("sh"), "usr/bin/env": shutil.which("env")}
    found = {target: Path(path).resolve() for target, path in programs.items() if path}
    entries += [_Entry(target, source=path) for target, path in found.items()]
    return entries + _library_entries(found.values())


def _node_entries(node: Path, npm_folder: Path, packages: Path) -> list[_Entry]:
    """Node, npm and a package cache; Debian's npm shares its modules with a folder beside it."""
    shared = npm_folder.parent if npm_folder.parent == Path("/usr/share/nodejs") else npm_folder
    command = str(npm_folder / "bin/npm-cli.js")
    return [
        _Entry("usr/bin/node", source=node),
        *_library_entries([node]),
        _Entry(str(shared).lstrip("/"), source=shared),
        _Entry("usr/bin/npm", link=command),
        _Entry("root/.npm", source=packages),
    ]


def _library_entries(programs: Iterable[Path]) -> list[_Entry]:
    libraries = {library for program in programs for library in _libraries(program)}
    return [_Entry(str(each).lstrip("/"), source=each.resolve()) for each in sorted(libraries)]


def _libraries(program: Path) -> list[Path]:
    """The shared libraries of a program, its loader included; none when it is static."""
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
    matches = [_LIBRARY.search(line.strip()) for line in listed.stdout.splitlines()]
    return [Path(match[1]) for match in matches if match]


def _node() -> Path:
    """The real program behind `node`, which may be a version manager's shim."""
    return Path(_output(["node", "-p", "process.execPath"])).resolve()


def _npm_folder() -> Path:
    beside_command = Path(shutil.which("npm") or "npm").resolve().parents[1]
    if (beside_command / "package.json").is_file():
        return beside_command
    return Path(_output(["npm", "root", "--global"])).resolve() / "npm"  # npm is a shim


def _prime(project: Path, packages: Path) -> None:
    """Fetch everything that the project's lock file names for this machine, once."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(project / name, folder)
        install_packages(Path(folder), packages)


def install_packages(project: Path, packages: Path) -> None:
    """Install a Node project's locked packages, from the cache `packages` as far as they are there.

    Raises `ActionError` when they are not and cannot be fetched.
    """
    packages.mkdir(parents=True, exist_ok=True)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(
        [*command, "--cache", str(packages)],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ActionError(
            "The frontend's Node packages cannot be had",
            "\n".join(done.stderr.strip().splitlines()[-6:]),
            "Let this machine reach an npm registry once; later runs use the packages kept here.",
        )


def _import_image(name: str, entries: Iterable[_Entry], changes: list[str]) -> None:
    """Give the engine an image of one layer that holds `entries`."""
    options = [part for each in [f"ENV PATH={_PATH}", *changes] for part in ("--change", each)]
    with tempfile.TemporaryFile() as file:
        _write_tar(file, entries)
        file.seek(0)
        done = subprocess.run(
            ["docker", "import", *options, "-", name], stdin=file, capture_output=True, check=False
        )
    if done.returncode != 0:
        raise ActionError(
            f"The Docker engine did not take the base image {name}",
            done.stderr.decode(errors="replace").strip(),
            "Check the engine with `docker info`, then run again.",
        )


def _write_tar(file: IO[bytes], entries: Iterable[_Entry]) -> None:
    with tarfile.open(fileobj=file, mode="w") as tar:
        for folder, mode in (("tmp", 0o1777), ("root", 0o700)):
            tar.addfile(_member(folder, tarfile.DIRTYPE, mode))
        for entry in entries:
            if entry.source is not None:
                tar.add(entry.source, entry.target, filter=_owned_by_root)
            elif entry.link:
                member = _member(entry.target, tarfile.SYMTYPE, 0o777)
                member.linkname = entry.link
                tar.addfile(member)
            else:
                member = _member(entry.target, tarfile.REGTYPE, 0o644)
                member.size = len(entry.text.encode())
                tar.addfile(member, io.BytesIO(entry.text.encode()))


def _member(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode = kind, mode
    return member


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _held(name: str) -> bool:
    asked = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Id}}", name],
        capture_output=True,
        check=False,
    )
    return asked.returncode == 0


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _recipe() -> bytes:
    """This module: images made by another version of it are made anew."""
    return Path(__file__).read_bytes()


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]
