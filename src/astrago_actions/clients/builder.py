"""Building a component's image with the builder that the machine has, and pushing what came out.

The image is built once. How it then gets into a registry depends on where the builder keeps it: in
the engine's store (`docker push`), in BuildKit's cache (buildx pushes), or in an OCI archive (we
push). Each can be pushed again, and to another registry, without building again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from astrago_actions.clients.build_errors import build_failure
from astrago_actions.clients.builder_ladder import Builder
from astrago_actions.clients.oci_archive import ArchivedImage, read_archive
from astrago_actions.clients.registry import RegistryClient
from astrago_actions.clients.registry_errors import Asked, explain_text
from astrago_actions.domain.image_size import ImageSize
from astrago_actions.domain.push_plan import Part
from astrago_actions.domain.references import ImageReference
from astrago_actions.errors import ActionError

Cache = Literal["none", "gha", "registry"]
Say = Callable[[str], None]

# What the runner shows to JavaScript actions only; BuildKit's cache needs both.
GHA_CACHE_VARIABLES = ("ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL")

_PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64}) size: \d+")


@dataclass(frozen=True)
class BuildOptions:
    """What holds for every component.

    `secrets` maps the id that a Dockerfile mounts to a file. `keep_archive` asks for an OCI
    archive, whose size is known before anything is pushed. `provenance` is what buildx takes.
    """

    secrets: Mapping[str, Path] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    cache: Cache = "none"
    provenance: str = "false"
    sbom: str = "false"
    keep_archive: bool = False

    @property
    def attests(self) -> bool:
        """Whether provenance or SBOM documents are asked for."""
        return self.provenance != "false" or self.sbom != "false"


class BuiltImage(Protocol):
    """An image that is ready to be pushed, any number of times."""

    @property
    def size(self) -> ImageSize | None:
        """Compressed bytes, where they are known before the push."""

    def push(self, image: ImageReference, registry: RegistryClient) -> str:
        """Push it under this reference; returns the digest. `registry` is where that lies."""


def unmet_wishes(builder: Builder, options: BuildOptions) -> list[str]:
    """What is asked for and this builder cannot do, each in words."""
    if builder.rung == "buildx":
        return []
    wishes = []
    if options.secrets and builder.rung == "legacy":
        wishes.append("`secrets` need BuildKit")
    if options.platforms:
        wishes.append("`platforms` need buildx")
    if options.attests:
        wishes.append("`provenance` and `sbom` need buildx")
    return wishes


def cache_problem(builder: Builder, cache: Cache) -> str:
    """Why the cache asked for cannot be used here; empty when it can."""
    if cache == "none":
        return ""
    if builder.rung == "legacy":
        return "the legacy builder has no cache beyond this machine"
    if cache == "gha" and builder.in_engine:
        return "the engine's own builder cannot write to GitHub's cache"
    missing = [name for name in GHA_CACHE_VARIABLES if not os.environ.get(name)]
    if cache == "gha" and missing:
        return f"{' and '.join(missing)} are not set, which runners show to JavaScript actions only"
    return ""


def build(
    part: Part, builder: Builder, options: BuildOptions, folder: Path, say: Say
) -> BuiltImage:
    """Build one component; its lines go to `say` as they come.

    `folder` is for files of this build alone and must outlive the result. Raises ActionError.
    """
    task = _Task(part, builder, options, folder, say)
    if builder.in_engine and not (options.platforms or options.attests):
        return _build_in_engine(task)
    if options.keep_archive:
        return _build_archive(task)
    task.run([*_buildx_arguments(task), *_cache_to(task), "--output=type=cacheonly"])
    return _CachedImage(task)


def archived(image: ArchivedImage) -> BuiltImage:
    """An image from an archive as something to push."""
    return _Archive(image)


@dataclass(frozen=True)
class _Task:
    part: Part
    builder: Builder
    options: BuildOptions
    folder: Path
    say: Say

    def run(self, arguments: list[str], **environment: str) -> None:
        """Run the builder on the component's context; raises ActionError when it fails."""
        command = [*arguments, self.part.context]
        done = self.builder.docker.follow(command, self.say, **environment)
        if done.exit_code != 0:
            raise build_failure(self.part, self.builder, done.lines)


@dataclass(frozen=True)
class _EngineImage:
    """An image in the engine's store."""

    task: _Task
    size: ImageSize | None = None

    def push(self, image: ImageReference, registry: RegistryClient) -> str:
        docker, part = self.task.builder.docker, self.task.part
        if image != part.image and docker.answer("tag", str(part.image), str(image)) is None:
            raise ActionError(
                f"Could not name the image {image}",
                f"`docker tag {part.image} {image}` failed.",
                "Check that nothing removes images from the engine while this step runs.",
            )
        pushed = registry.repeated(lambda: self._push_once(image, registry))
        if self.task.options.cache == "registry":
            self._keep_as_cache(image.with_tag(_cache_tag(part)), pushed, registry)
        return pushed

    def _keep_as_cache(self, cache: ImageReference, digest: str, registry: RegistryClient) -> None:
        """A lost cache costs time, not the push."""
        try:
            manifest = registry.manifest(cache.repository, digest)
            registry.put_manifest(cache.repository, cache.tag, manifest)
        except ActionError as error:
            self.task.say(f"The build cache {cache} could not be renewed: {error.detail}")

    def _push_once(self, image: ImageReference, registry: RegistryClient) -> str:
        done = self.task.builder.docker.follow(["push", str(image)], self.task.say)
        digest = _PUSHED.search(done.text)
        if done.exit_code != 0 or digest is None:
            asked = Asked(f"push {image}", image.name, registry.source)
            raise explain_text(done.text, asked)
        return digest[1]


@dataclass(frozen=True)
class _CachedImage:
    """An image in BuildKit's cache; buildx assembles and pushes it without building again."""

    task: _Task
    size: ImageSize | None = None

    def push(self, image: ImageReference, registry: RegistryClient) -> str:
        return registry.repeated(lambda: self._push_once(image, registry))

    def _push_once(self, image: ImageReference, registry: RegistryClient) -> str:
        metadata = self.task.folder / "metadata.json"
        arguments = [*_buildx_arguments(self.task), f"--tag={image}", f"--metadata-file={metadata}"]
        insecure = ",registry.insecure=true" if registry.plain_http else ""
        output = f"--output=type=image,push=true{insecure}"
        command = [*arguments, output, self.task.part.context]
        done = self.task.builder.docker.follow(command, self.task.say)
        if done.exit_code != 0:
            asked = Asked(f"push {image}", image.name, registry.source)
            raise explain_text(done.text, asked)
        return str(json.loads(metadata.read_text(encoding="utf-8"))["containerimage.digest"])


@dataclass(frozen=True)
class _Archive:
    """An image in an OCI archive."""

    image: ArchivedImage

    @property
    def size(self) -> ImageSize | None:
        return self.image.size

    def push(self, image: ImageReference, registry: RegistryClient) -> str:
        return registry.push(self.image, image.repository, image.tag)


def _build_in_engine(task: _Task) -> BuiltImage:
    tag = f"--tag={task.part.image}"
    if task.builder.rung == "buildx":
        task.run([*_buildx_arguments(task), *_inline_cache(task), tag, "--load"])
        return _EngineImage(task)
    if task.builder.rung == "buildkit":
        arguments = ["build", "--progress=plain", *_common_arguments(task), *_secrets(task)]
        task.run([*arguments, *_inline_cache(task), tag], DOCKER_BUILDKIT="1")
        return _EngineImage(task)
    task.run(["build", *_common_arguments(task), tag], DOCKER_BUILDKIT="0")
    return _EngineImage(task)


def _build_archive(task: _Task) -> BuiltImage:
    archive = task.folder / "image.tar"
    output = f"--output=type=oci,dest={archive}"
    task.run([*_buildx_arguments(task), *_cache_to(task), output])
    return _Archive(read_archive(archive, task.folder))


def _buildx_arguments(task: _Task) -> list[str]:
    options = task.options
    arguments = ["buildx", "build", "--progress=plain", *_common_arguments(task), *_secrets(task)]
    if task.builder.name:
        arguments.append(f"--builder={task.builder.name}")
    if options.platforms:
        arguments.append(f"--platform={','.join(options.platforms)}")
    # Left to itself buildx attaches provenance, which GHCR shows as an unknown platform.
    arguments.append(f"--provenance={options.provenance}")
    if options.sbom != "false":
        arguments.append(f"--sbom={options.sbom}")
    if not task.builder.in_engine:
        arguments += _cache_from(task)
    return arguments


def _common_arguments(task: _Task) -> list[str]:
    """What every builder takes. Values of build arguments may be seen by others; secrets not."""
    part = task.part
    arguments = [f"--file={part.dockerfile}"] if part.dockerfile else []
    if part.target:
        arguments.append(f"--target={part.target}")
    arguments += [f"--label={name}={value}" for name, value in part.labels.items()]
    return arguments + [f"--build-arg={name}={value}" for name, value in part.build_args.items()]


def _secrets(task: _Task) -> list[str]:
    return [f"--secret=id={name},src={path}" for name, path in task.options.secrets.items()]


def _cache_tag(part: Part) -> str:
    return f"buildcache-{part.component}"


def _cache_from(task: _Task) -> list[str]:
    if task.options.cache == "gha":
        return [f"--cache-from=type=gha,scope={task.part.component}"]
    if task.options.cache == "registry":
        return [f"--cache-from=type=registry,ref={task.part.image.with_tag(_cache_tag(task.part))}"]
    return []


def _cache_to(task: _Task) -> list[str]:
    """One scope per component, or each overwrites the others'; a failing export fails no build."""
    last = "mode=max,ignore-error=true"
    if task.options.cache == "gha":
        return [f"--cache-to=type=gha,scope={task.part.component},{last}"]
    if task.options.cache == "registry":
        reference = task.part.image.with_tag(_cache_tag(task.part))
        return [f"--cache-to=type=registry,ref={reference},{last}"]
    return []


def _inline_cache(task: _Task) -> list[str]:
    """The engine keeps its cache inside the image, which is pushed under a tag of its own too."""
    if task.options.cache != "registry":
        return []
    reference = task.part.image.with_tag(_cache_tag(task.part))
    return [f"--cache-from={reference}", "--build-arg=BUILDKIT_INLINE_CACHE=1"]
