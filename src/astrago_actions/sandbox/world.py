"""GitHub, a registry and Argo CD on loopback, in one process, and what connects them."""

from __future__ import annotations

import secrets
import subprocess
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from ruamel.yaml import YAML

from astrago_actions.sandbox.argocd import ArgoCD, ImageSource
from astrago_actions.sandbox.consumer_tree import present_files
from astrago_actions.sandbox.github import GitHub
from astrago_actions.sandbox.github.records import Level
from astrago_actions.sandbox.registry import Registry
from astrago_actions.sandbox.server import LoopbackServer

BACKEND = "xiilab/astrago-backend"
FRONTEND = "xiilab/astrago-frontend"
DEPLOYMENT = "xiilab/astrago-deployment"
BRANCH = "stabilize/1.0"
FAULTS_PATH = "/_sandbox/faults"
VALUES_FILE = "helmfile/environments/customers/xiilab/values.yaml"
APPLICATION = "astrago-xiilab"
# The commits in the tags of the example values.
_TAGGED = {BACKEND: b"ca58a8c3", FRONTEND: b"8e154d47"}

Permissions = dict[str, dict[str, Level]]


@dataclass(frozen=True)
class Tokens:
    """Credentials made for one sandbox: the job's own, and those that people set as secrets."""

    job: str
    deploy: str
    argocd: str
    developer: str

    @classmethod
    def fresh(cls) -> Tokens:
        """New random tokens with the prefixes that GitHub gives to their kinds."""
        return cls(
            job=f"ghs_{secrets.token_hex(18)}",
            deploy=f"github_pat_{secrets.token_hex(20)}",
            argocd=secrets.token_urlsafe(32),
            developer=f"ghp_{secrets.token_hex(18)}",
        )


class OtherRegistry(ImageSource, Protocol):
    """A registry that is not the sandbox's own; `host` is how image references name it."""

    host: str


class World:
    """The three servers, repositories below `folder`; use as a context manager.

    With `other_registry` images are deployed from there.
    """

    def __init__(self, folder: Path, other_registry: OtherRegistry | None = None) -> None:
        self.tokens = Tokens.fresh()
        self.github = GitHub(folder / "repositories")
        self.registry = Registry()
        self.argocd = ArgoCD(self.github, other_registry or self.registry)
        self._folder = folder
        self._other_registry = other_registry
        self.github_server = LoopbackServer(self.github)
        self.registry_server = LoopbackServer(self.registry)
        self.argocd_server = LoopbackServer(self.argocd)
        self._open = ExitStack()

    def __enter__(self) -> World:
        for server in (self.github_server, self.registry_server, self.argocd_server):
            self._open.enter_context(server)
        self.github.url = self.github_server.url
        self._grant()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._open.close()
        self.github.close()

    @property
    def registry_host(self) -> str:
        """The registry as image references name it: `127.0.0.1:<port>`."""
        if self._other_registry:
            return self._other_registry.host
        return urlsplit(self.registry_server.url).netloc

    @property
    def runner_environment(self) -> dict[str, str]:
        """The variables by which a runner says where GitHub is."""
        return {
            "GITHUB_SERVER_URL": self.github_server.url,
            "GITHUB_API_URL": f"{self.github_server.url}/api/v3",
            "GITHUB_GRAPHQL_URL": f"{self.github_server.url}/api/graphql",
        }

    def description(self) -> dict[str, Any]:
        """Addresses and tokens, for the line that `astrago-actions sandbox` prints.

        Faults are asked for by POST of a `sandbox.server.Fault` as JSON, and ended by DELETE.
        """
        return {
            "github": self.runner_environment,
            "registry": self.registry_host,
            "argocd": self.argocd_server.url,
            "tokens": asdict(self.tokens),
            "faults": {
                name: f"{server.url}{FAULTS_PATH}"
                for name, server in (
                    ("github", self.github_server),
                    ("registry", self.registry_server),
                    ("argocd", self.argocd_server),
                )
            },
        }

    def add_examples(self, examples: Path) -> None:
        """Make the three example repositories and the application that deploys them.

        The values name this sandbox's registry, and tags of the commits that the services begin
        with: what was deployed before is part of their history.
        """
        begin = {
            full_name: self.github.create_repository(full_name, _files(examples, full_name), BRANCH)
            for full_name in (BACKEND, FRONTEND)
        }
        files = _files(examples, DEPLOYMENT)
        values = files[VALUES_FILE].replace(b'"ghcr.io"', f'"{self.registry_host}"'.encode())
        for full_name, tagged in _TAGGED.items():
            values = values.replace(tagged, begin[full_name][:8].encode())
        self.github.create_repository(DEPLOYMENT, {**files, VALUES_FILE: values}, BRANCH)
        self.argocd.add_application(self._application(examples))

    def digest_of(self, image: str) -> str:
        """The digest under which the registry serves an image; empty when it does not."""
        source: ImageSource = self._other_registry or self.registry
        repository, _, tag = image.removeprefix(f"{self.registry_host}/").rpartition(":")
        return source.digest_of(repository, tag) or ""

    def git(self, full_name: str, *arguments: str) -> str:
        """What git itself says about a repository."""
        repository = self._folder / "repositories" / f"{full_name}.git"
        command = ["git", "--git-dir", str(repository), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def _grant(self) -> None:
        """Each token may do what its counterpart in the example workflows may, and no more."""
        services = (BACKEND, FRONTEND)
        job: Permissions = {
            name: {"contents": "read", "actions": "read", "packages": "write"} for name in services
        }
        everything: Permissions = {
            name: {"contents": "write", "workflows": "write"} for name in (*services, DEPLOYMENT)
        }
        self.github.add_token(self.tokens.job, job, kind="installation")
        self.github.add_token(self.tokens.deploy, {DEPLOYMENT: {"contents": "write"}})
        self.github.add_token(self.tokens.developer, everything, kind="classic", scopes=["repo"])
        self.registry.add_token(self.tokens.job, dict.fromkeys(services, "write"))
        self.argocd.add_token(self.tokens.argocd)

    def _application(self, examples: Path) -> dict[str, Any]:
        """The example's Application, with the deployment repository of this sandbox."""
        manifest = examples / DEPLOYMENT.partition("/")[2] / "argocd" / f"{APPLICATION}.yaml"
        application: dict[str, Any] = YAML(typ="safe", pure=True).load(manifest)
        repository = f"{self.github_server.url}/{DEPLOYMENT}.git"
        application["spec"]["source"]["repoURL"] = repository
        return application


def _files(examples: Path, full_name: str) -> dict[str, bytes]:
    """The files of an example, ignored ones left out."""
    folder = examples / full_name.partition("/")[2]
    return {name: (folder / name).read_bytes() for name in present_files(folder)}
