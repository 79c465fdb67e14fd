"""What ghcr-push is told: reading its inputs, and every mistake in them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from astrago_actions.clients.builder import Cache
from astrago_actions.clients.docker_config import stored_credentials
from astrago_actions.clients.registry import Credentials, is_loopback
from astrago_actions.domain.manifests import REVISION
from astrago_actions.domain.push_plan import IF_EXISTS, IfExists, Part, clashes, filled, moved
from astrago_actions.domain.references import ImageReference, parse_image
from astrago_actions.inputs import InputReader, Secret
from astrago_actions.workflow_run import WorkflowRun

GHCR = "ghcr.io"
FINE_GRAINED = "github_pat_"
CACHES: tuple[Cache, ...] = ("none", "gha", "registry")
COMPONENT_KEYS = {"context", "dockerfile", "target", "paths"}

_FINE_GRAINED_REFUSED = (
    "is a fine-grained personal access token (github_pat_…): ghcr.io lets it sign in and then "
    "refuses each push. Use the job's GITHUB_TOKEN with `permissions: packages: write`, or a "
    "classic token with the scope write:packages. Should ghcr.io accept it one day, set "
    "allow-fine-grained: true"
)

_Described = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Destination:
    """A registry that images may be pushed to.

    `place` is the registry, or a registry and a folder (see `push_plan.moved`).
    """

    place: str
    credentials: Credentials | None
    plain_http: bool

    @property
    def host(self) -> str:
        """The registry alone."""
        return self.place.partition("/")[0]


@dataclass(frozen=True)
class Inputs:
    """What ghcr-push works from; see action.yml for each. `parts` lie at `registry`."""

    parts: tuple[Part, ...]
    registry: Destination
    fallback: Destination | None
    revision: str
    if_exists: IfExists
    max_size: int | None
    secrets: Mapping[str, Secret]
    platforms: tuple[str, ...]
    cache: Cache
    builder: str
    provenance: str
    sbom: str
    retries: int
    dry_run: bool

    @property
    def builds(self) -> bool:
        """Whether images are built here; else they come from archives."""
        return any(not part.archive for part in self.parts)


def read(given: InputReader, run: WorkflowRun) -> Inputs:
    """Read and cross-check the inputs; mistakes are noted in `given`, nothing is sent."""
    described, chosen = _components(given)
    images = _chosen_images(given, chosen)
    place = _place(given, "registry") or _common_registry(given, images)
    dry_run = given.flag("dry-run")
    labels = _labels(given, tuple(images), run)
    build_args = given.mapping("build-args")
    parts = tuple(
        _part(given, Part(name, moved(image, place), labels=labels[name]), described, build_args)
        for name, image in images.items()
    )
    for part in parts:
        _check_source(given, part, run.workspace)
    access = _Access(given.items("insecure-registries"), given.flag("allow-fine-grained"), dry_run)
    return Inputs(
        parts=parts,
        registry=_destination(given, place, access, run),
        fallback=_fallback(given, parts, access, run),
        revision=next((each[REVISION] for each in labels.values() if REVISION in each), ""),
        if_exists=given.choice("if-exists", IF_EXISTS, "skip"),
        max_size=given.size("max-size"),
        secrets=_secrets(given),
        platforms=given.items("platforms"),
        cache=given.choice("cache", CACHES, "none"),
        builder=given.text("builder"),
        provenance=given.text("provenance", "false"),
        sbom=given.text("sbom", "false"),
        retries=given.whole_number("retries", 3),
        dry_run=dry_run,
    )


def _components(given: InputReader) -> tuple[_Described, tuple[str, ...] | None]:
    """What is said of each component, and which are meant; None means all of `images`."""
    text = given.text("components")
    if not text:
        return {}, None
    if not text.startswith("{"):
        return {}, given.items("components")
    parsed = given.json_value("components")
    if not isinstance(parsed, dict):
        return {}, None
    return {name: _described(given, name, about) for name, about in parsed.items()}, tuple(parsed)


def _described(given: InputReader, name: str, about: Any) -> dict[str, str]:
    if not isinstance(about, dict):
        given.mistake("components", f"`{name}` must be a map with context, dockerfile or target")
        return {}
    unknown = sorted(set(about) - COMPONENT_KEYS)
    if unknown:
        given.mistake("components", f"`{name}` has the unknown key `{unknown[0]}`")
    return {key: str(value) for key, value in about.items() if key != "paths"}


def _chosen_images(given: InputReader, chosen: tuple[str, ...] | None) -> dict[str, ImageReference]:
    written = given.mapping("images")
    if not written and not given.mistakes:
        given.mistake("images", "is required: build-tag's output `images`, by component")
    for name in chosen or ():
        if written and name not in written:
            known = ", ".join(written)
            given.mistake("components", f"`{name}` is not in `images`, which has {known}")
    wanted = {name: text for name, text in written.items() if chosen is None or name in chosen}
    images: dict[str, ImageReference] = {}
    for name, text in wanted.items():
        try:
            images[name] = parse_image(text)
        except ValueError as error:
            given.mistake("images", f"`{name}`: {error}")
            continue
        if not images[name].tag or images[name].digest:
            given.mistake("images", f"`{name}`: `{text}` must end in a tag and have no digest")
    _check_clashes(given, "images", images.values())
    return images


def _check_clashes(given: InputReader, name: str, images: Iterable[ImageReference]) -> None:
    for text in clashes(images):
        given.mistake(name, f"`{text}` would be given to more than one component")


def _place(given: InputReader, name: str) -> str:
    """A registry, or a registry and a folder."""
    place = given.text(name).rstrip("/")
    if place:
        try:
            parse_image(f"{place}/image")
        except ValueError as error:
            given.mistake(name, str(error))
    return place


def _common_registry(given: InputReader, images: Mapping[str, ImageReference]) -> str:
    registries = sorted({image.registry for image in images.values()})
    if len(registries) > 1:
        named = ", ".join(registries)
        given.mistake("images", f"must lie in one registry; they name {named}")
    return registries[0] if registries else ""


def _part(
    given: InputReader, plain: Part, described: _Described, build_args: Mapping[str, str]
) -> Part:
    """The component with its own context, Dockerfile and target, or those given for all."""
    name = plain.component
    own = described.get(name, {})

    def text(key: str, default: str = "") -> str:
        return filled(own.get(key) or given.text(key, default), name)

    return replace(
        plain,
        context=text("context", "."),
        dockerfile=text("dockerfile"),
        target=text("target"),
        archive=filled(given.text("archive"), name),
        build_args={key: filled(value, name) for key, value in build_args.items()},
    )


def _check_source(given: InputReader, part: Part, workspace: Path) -> None:
    if part.archive:
        if not (workspace / part.archive).exists():
            given.mistake("archive", f"`{part.archive}` of `{part.component}` does not exist")
        return
    if _is_remote(part.context):
        return
    context = workspace / part.context
    if not context.is_dir():
        given.mistake("context", f"`{part.context}` of `{part.component}` is not a folder here")
        return
    dockerfile = part.dockerfile or f"{part.context}/Dockerfile"
    if not (workspace / dockerfile).is_file():
        beside = (context / dockerfile).is_file()
        hint = f"; did you mean `{part.context}/{dockerfile}`?" if beside else ""
        given.mistake("dockerfile", f"`{dockerfile}` of `{part.component}` does not exist{hint}")


def _is_remote(context: str) -> bool:
    return "://" in context or context.startswith("git@")


def _labels(
    given: InputReader, names: tuple[str, ...], run: WorkflowRun
) -> dict[str, dict[str, str]]:
    """Labels by component: from build-tag, or the same for all; and always the commit's."""
    known = {REVISION: run.source_commit}
    if run.repository:
        known["org.opencontainers.image.source"] = f"{run.server_url}/{run.repository}"
    known = {key: value for key, value in known.items() if value}
    text = given.text("labels")
    if not text.startswith("{"):
        same = given.mapping("labels")
        return {name: {**known, **same} for name in names}
    parsed = given.json_value("labels")
    if not isinstance(parsed, dict):
        return dict.fromkeys(names, known)
    same = {key: value for key, value in parsed.items() if isinstance(value, str)}
    labels: dict[str, dict[str, str]] = {}
    for name in names:
        own = parsed.get(name, {})
        if not isinstance(own, dict):
            own = {}
        labels[name] = known | same | {str(key): str(value) for key, value in own.items()}
    return labels


@dataclass(frozen=True)
class _Access:
    """What is allowed with registries; `optional` where nothing is going to be pushed."""

    insecure: tuple[str, ...]
    fine_grained: bool
    optional: bool


def _fallback(
    given: InputReader, parts: Iterable[Part], access: _Access, run: WorkflowRun
) -> Destination | None:
    place = _place(given, "fallback-registry")
    if not place:
        return None
    _check_clashes(given, "fallback-registry", [moved(part.image, place) for part in parts])
    return _destination(given, place, access, run, prefix="fallback-")


def _destination(
    given: InputReader, place: str, access: _Access, run: WorkflowRun, prefix: str = ""
) -> Destination:
    name, host = f"{prefix}token", place.partition("/")[0]
    plain_http = host in access.insecure
    secret = given.secret(name)
    if secret is None:
        return Destination(place, _stored(given, name, host, access), plain_http)
    if host == GHCR and secret.reveal().startswith(FINE_GRAINED) and not access.fine_grained:
        given.mistake(name, _FINE_GRAINED_REFUSED)
    username = given.text(f"{prefix}username", run.actor or "astrago-actions")
    return Destination(place, Credentials(username, secret), plain_http)


def _stored(given: InputReader, name: str, host: str, access: _Access) -> Credentials | None:
    """An earlier step's `docker login`; registries on this machine may be open to all."""
    found = stored_credentials(host) if host else None
    needed = host and not (is_loopback(host) or host in access.insecure or access.optional)
    if found is None and needed:
        given.mistake(name, f"is required to push to {host} and is empty (is the secret set here?)")
    return found


def _secrets(given: InputReader) -> dict[str, Secret]:
    """Secrets by id, those of `env:VARIABLE` looked up."""
    found = given.secret_mapping("secrets")
    return {name: Secret(_secret_value(given, each.reveal())) for name, each in found.items()}


def _secret_value(given: InputReader, value: str) -> str:
    if not value.startswith("env:"):
        return value
    variable = value.removeprefix("env:")
    if variable not in os.environ:
        given.mistake("secrets", f"the environment variable `{variable}` is not set")
    return os.environ.get(variable, "")
