"""The inputs of preflight: those of the whole pipeline that something can be asked about."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from astrago_actions.actions import argocd_wait_inputs
from astrago_actions.actions.build_tag import read_components
from astrago_actions.actions.bump_image_tag import MODES
from astrago_actions.actions.bump_proposal import Wish
from astrago_actions.actions.bump_updates import read_updates
from astrago_actions.actions.pipeline_inputs import WAIT_NAMES
from astrago_actions.clients.docker_config import stored_credentials
from astrago_actions.clients.registry import Credentials, is_loopback
from astrago_actions.domain.branch_rules import Mode
from astrago_actions.domain.bump_commit import DEFAULT_MESSAGE, Origin
from astrago_actions.domain.components import Component
from astrago_actions.domain.push_plan import moved
from astrago_actions.domain.references import ImageReference, parse_image
from astrago_actions.inputs import InputReader, Secret
from astrago_actions.workflow_run import WorkflowRun

IfMissing = Literal["fail", "create"]

# No commit stands behind these: nothing is built, committed or waited for.
PROBE_TAG = "preflight"
_NO_COMMIT = "0" * 40
_WAIT_INPUTS = (
    "server",
    "token",
    "username",
    "password",
    "ca-cert",
    "insecure",
    "application",
    "selector",
    "project",
    "app-namespace",
    "sync",
    "deployment-repository",
)


@dataclass(frozen=True)
class RegistryInputs:
    """A registry and the image repositories that are to be pushed to; `area` names its rows.

    `token_input` is the input that its token comes from. `credentials` are None when there are
    none, which registries on this machine may be content with.
    """

    area: str
    host: str
    repositories: tuple[str, ...]
    credentials: Credentials | None
    token_input: str

    @property
    def is_open(self) -> bool:
        """Whether to ask without credentials."""
        return is_loopback(self.host)


@dataclass(frozen=True)
class DeploymentInputs:
    """The deployment repository, and the bump that is tried out on its files."""

    repository: str
    branch: str
    token: Secret | None
    mode: Mode
    wish: Wish | None


@dataclass(frozen=True)
class ArgoCDInputs:
    """Argo CD; `wait` is None when no credentials are given."""

    server: str
    wait: argocd_wait_inputs.Inputs | None


@dataclass(frozen=True)
class Inputs:
    """What is asked about; None or empty for what no inputs were given for."""

    registries: tuple[RegistryInputs, ...]
    deployment: DeploymentInputs | None
    source_token: Secret | None
    argocd: ArgoCDInputs | None
    timeout: float


def read(given: InputReader, run: WorkflowRun) -> Inputs:
    """Read and cross-check the inputs; a missing secret is no mistake but an answer."""
    components = _components(given)
    deployment, argocd = _deployment(given, run, components), _argocd(given, run)
    registries = _registries(given, run, components)
    if not (registries or deployment or argocd or given.mistakes):
        given.mistake("image", "is empty, and so are `deployment-repository` and `argocd-server`")
    return Inputs(
        registries=registries,
        deployment=deployment,
        source_token=given.secret("source-token"),
        argocd=argocd,
        timeout=given.seconds("timeout", 30),
    )


def _components(given: InputReader) -> tuple[Component, ...]:
    """The components; one without a name where no input speaks of them."""
    needed = any("{component}" in given.text(name) for name in ("image", "key"))
    if given.text("components") or needed:
        return read_components(given)
    return (Component(""),)


def _registries(
    given: InputReader, run: WorkflowRun, components: Iterable[Component]
) -> tuple[RegistryInputs, ...]:
    """The registry and the fallback, each where there is something to push to."""
    image, place = given.text("image"), given.text("fallback-registry").rstrip("/")
    # Without a usable name the image is looked at all the same, for the mistakes in it.
    names = [each.name for each in components] or ["component"]
    images = [_image(given, "image", image, name) for name in names if image]
    known = [each for each in images if each]
    usable = place and _image(given, "fallback-registry", f"{place}/image", "")
    elsewhere = [moved(each, place) for each in known] if usable else []
    found = (
        _registry(given, run, "registry", "registry", known),
        _registry(given, run, "fallback registry", "fallback", elsewhere),
    )
    return tuple(each for each in found if each.repositories)


def _image(given: InputReader, name: str, image: str, component: str) -> ImageReference | None:
    try:
        return parse_image(image.lower().replace("{component}", component))
    except ValueError as error:
        given.mistake(name, str(error))
        return None


def _registry(
    given: InputReader,
    run: WorkflowRun,
    area: str,
    begin: str,
    images: Sequence[ImageReference],
) -> RegistryInputs:
    """A registry whose inputs begin with `begin`; its token is masked also where it is not used."""
    token, username = given.secret(f"{begin}-token"), given.text(f"{begin}-username", run.actor)
    host = images[0].registry if images else ""
    own = Credentials(username or "astrago-actions", token) if token else None
    return RegistryInputs(
        area=area,
        host=host,
        repositories=tuple(dict.fromkeys(each.repository for each in images)),
        credentials=own or (stored_credentials(host) if host else None),
        token_input=f"{begin}-token",
    )


def _deployment(
    given: InputReader, run: WorkflowRun, components: Iterable[Component]
) -> DeploymentInputs | None:
    token, mode = given.secret("deployment-token"), given.choice("mode", MODES, "commit")
    wish = _wish(given, run, components)
    if not given.text("deployment-repository"):
        return None
    return DeploymentInputs(
        repository=given.repository("deployment-repository"),
        branch=given.required("deployment-branch").removeprefix("refs/heads/"),
        token=token,
        mode=mode,
        wish=wish,
    )


def _wish(given: InputReader, run: WorkflowRun, components: Iterable[Component]) -> Wish | None:
    """The bump of every component to a tag that nobody will ever see."""
    if_missing: IfMissing = given.choice("if-missing", ("fail", "create"), "fail")
    templates = tuple(each.strip("/") for each in given.items("templates"))
    if not (given.text("file") or given.text("key")):
        return None
    tags = {each.name: f"{each.name}-{PROBE_TAG}".lstrip("-") for each in components}
    part = given.part({"file": "file", "key": "key"}, {"tags": json.dumps(tags)})
    return Wish(
        updates=read_updates(part),
        origin=Origin(repository=run.repository),
        message=DEFAULT_MESSAGE,
        rollback="",
        if_missing=if_missing,
        if_older="apply",
        templates=templates,
    )


def _argocd(given: InputReader, run: WorkflowRun) -> ArgoCDInputs | None:
    names = {name: WAIT_NAMES[name] for name in _WAIT_INPUTS}
    known = {"branch": given.text("deployment-branch"), "revision": _NO_COMMIT}
    server = given.url("argocd-server")
    credentials = [given.text(name) for name in ("argocd-token", "argocd-username")]
    if not server:
        return None
    if not any(credentials):
        return ArgoCDInputs(server, None)
    return ArgoCDInputs(server, argocd_wait_inputs.read(given.part(names, known), run))
