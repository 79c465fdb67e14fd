"""The steps of ghcr-push, each for all components at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from astrago_actions.actions.push_inputs import Destination, Inputs
from astrago_actions.actions.push_report import Pushed
from astrago_actions.clients.builder import (
    BuildOptions,
    BuiltImage,
    archived,
    build,
    cache_problem,
    unmet_wishes,
)
from astrago_actions.clients.builder_ladder import Builder, find_builder
from astrago_actions.clients.docker_config import private_docker_config
from astrago_actions.clients.in_parallel import in_parallel
from astrago_actions.clients.oci_archive import read_archive
from astrago_actions.clients.registry import RegistryClient
from astrago_actions.context import Context
from astrago_actions.domain.image_size import ImageSize, in_megabytes, over_budget
from astrago_actions.domain.push_plan import Decision, Existing, Part, decide
from astrago_actions.errors import AccessDenied, ActionError, Unreachable

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class Work:
    """One run's tools and what it has made so far; all of it ends with the run.

    `made`, `digests` (of archives, known beforehand), `seconds` and `pushed` are by component: an
    image is made once, whichever registry takes it in the end. `notes` go into the summary.
    """

    inputs: Inputs
    context: Context
    folder: Path
    builder: Builder | None = None
    options: BuildOptions = field(default_factory=BuildOptions)
    made: dict[str, BuiltImage] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    pushed: dict[str, Pushed] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def made_by(self) -> str:
        """Where the images come from, in words."""
        return str(self.builder) if self.builder else "archive"

    def note(self, text: str) -> None:
        """Tell the reader of the log and of the summary."""
        self.context.step.info(text)
        self.notes.append(text)


@contextmanager
def tools(inputs: Inputs, context: Context) -> Iterator[Work]:
    """The builder or the opened archives, in a folder that is removed in the end.

    Raises ActionError when this machine cannot build what the inputs ask for.
    """
    with ExitStack() as stack:
        temporary = context.run.temporary
        name = stack.enter_context(TemporaryDirectory(prefix="astrago-push-", dir=temporary))
        work = Work(inputs, context, Path(name))
        if inputs.builds:
            logins = {
                each.host: each.credentials
                for each in (inputs.fallback, inputs.registry)
                if each and each.credentials
            }
            config = stack.enter_context(private_docker_config(logins, temporary))
            _choose_builder(work, {"DOCKER_CONFIG": str(config)})
        else:
            _open_archives(work)
        yield work


def _choose_builder(work: Work, environment: Mapping[str, str]) -> None:
    inputs = work.inputs
    work.builder = find_builder(environment, work.context.run.workspace, inputs.builder)
    problem = cache_problem(work.builder, inputs.cache)
    if problem:
        work.context.step.warning("Images are built without a cache", f"{problem}.")
    work.options = BuildOptions(
        secrets=_secret_files(work),
        platforms=inputs.platforms,
        cache="none" if problem else inputs.cache,
        provenance=inputs.provenance,
        sbom=inputs.sbom,
        keep_archive=inputs.max_size is not None,
    )
    wishes = unmet_wishes(work.builder, work.options)
    if wishes:
        raise ActionError(
            "This machine's builder cannot do what is asked for",
            f"{'; '.join(wishes)}. This machine has the {work.builder}.",
            "Set up buildx in an earlier step (docker/setup-buildx-action), or leave those inputs "
            "empty.",
        )
    work.context.step.info(f"Building with {work.builder}.")


def _secret_files(work: Work) -> dict[str, Path]:
    """Files that only we can read: a secret in an argument list would be seen by everybody."""
    files: dict[str, Path] = {}
    for number, (name, secret) in enumerate(work.inputs.secrets.items()):
        path = work.folder / f"secret-{number}"
        path.touch(mode=0o600)
        path.write_text(secret.reveal(), encoding="utf-8")
        files[name] = path
    return files


def _open_archives(work: Work) -> None:
    workspace = work.context.run.workspace

    def read_one(part: Part) -> None:
        names = (str(part.image), part.image.tag, part.component)
        image = read_archive(workspace / part.archive, work.folder, names)
        work.made[part.component] = archived(image)
        work.digests[part.component] = image.manifest.digest
        work.seconds[part.component] = 0.0

    for_each(work, work.inputs.parts, read_one, "could not be read")


def connect(work: Work, destination: Destination) -> RegistryClient:
    """The connection to a registry."""
    return RegistryClient(
        destination.host,
        destination.credentials,
        clock=work.context.clock,
        retries=work.inputs.retries,
        plain_http=destination.plain_http,
        source=work.context.run.repository,
        report=work.context.step.info,
    )


def check_permission(work: Work, registry: RegistryClient, parts: Iterable[Part]) -> None:
    """Raise AccessDenied unless every repository would take a push, before minutes of building."""

    def check(repository: str) -> None:
        permission = registry.push_permission(repository)
        if permission.refusal:
            raise permission.refusal
        if permission.verdict == "unknown":
            work.note(
                f"Whether {registry.host} lets us push to {repository} is unknown: "
                f"{permission.note}. Going on."
            )

    repositories = sorted({part.image.repository for part in parts})
    for_each(work, repositories, check, "cannot be pushed to")


def decisions(work: Work, registry: RegistryClient, parts: Iterable[Part]) -> dict[str, Decision]:
    """What to do with each component, in view of what the registry serves under its tag."""

    def decide_one(part: Part) -> Decision:
        existing = _existing(work, registry, part)
        digest = work.digests.get(part.component, "")
        return decide(existing, work.inputs.if_exists, work.inputs.revision, digest)

    return for_each(work, parts, decide_one, "could not be looked for")


def _existing(work: Work, registry: RegistryClient, part: Part) -> Existing | None:
    """What the tag stands for. Some registries forbid looking for what does not exist yet."""
    try:
        return registry.existing(part.image.repository, part.image.tag)
    except AccessDenied as error:
        work.note(f"{part.image} is taken for new: looking for it was refused ({error.title}).")
        return None


def check_not_refused(parts: Iterable[Part], found: Mapping[str, Decision]) -> None:
    """Raise ActionError when a tag is taken and must not be replaced."""
    refused = {part.component: part for part in parts if found[part.component].verdict == "refuse"}
    if not refused:
        return
    lines = (f"- {part.image}: {found[name].why}" for name, part in refused.items())
    raise ActionError(
        "A tag exists already" if len(refused) == 1 else f"{len(refused)} tags exist already",
        "\n".join(lines),
        "Use a tag that names one commit, such as the template's {sha:8}. If the tag is meant to "
        "move, set `if-exists: overwrite`.",
    )


def make(work: Work, parts: Iterable[Part]) -> None:
    """Build what is not made yet, in parallel."""
    missing = [part for part in parts if part.component not in work.made]
    if not missing or work.builder is None:
        return
    builder = work.builder

    def make_one(part: Part) -> None:
        folder = work.folder / part.component
        folder.mkdir(exist_ok=True)
        say = _prefixed(work, part)
        begun = work.context.clock.monotonic()
        work.made[part.component] = build(part, builder, work.options, folder, say)
        work.seconds[part.component] = work.context.clock.monotonic() - begun

    with work.context.stage("build"):
        for_each(work, missing, make_one, "could not be built")


def push(work: Work, registry: RegistryClient, parts: Sequence[Part]) -> None:
    """Push in parallel and ask the registry for what it serves now; fills `work.pushed`."""
    if not parts:
        return

    def push_one(part: Part) -> None:
        begun = work.context.clock.monotonic()
        made = work.made[part.component]
        digest = made.push(part.image, registry)
        _check_served(registry, part, digest)
        size = made.size or registry.size(part.image.repository, digest)
        took = work.context.clock.monotonic() - begun + work.seconds.get(part.component, 0.0)
        pushed = Pushed(part.component, part.image, digest, size, work.made_by, took)
        work.pushed[part.component] = pushed

    with work.context.stage("push"):
        for_each(work, parts, push_one, "could not be pushed")


def check_budget(work: Work, sizes: Mapping[str, ImageSize], when: str) -> None:
    """Raise ActionError when an image is larger than allowed; `when` says how far we are."""
    most = work.inputs.max_size
    excess = over_budget(sizes, most)
    if not excess or most is None:
        return
    lines = (
        f"- {name}: {in_megabytes(sizes[name].largest)} compressed, "
        f"{in_megabytes(over)} more than {in_megabytes(most)}"
        for name, over in excess.items()
    )
    raise ActionError(
        "An image is too large" if len(excess) == 1 else f"{len(excess)} images are too large",
        "\n".join([*lines, when]),
        "Look for what grew: build tools left in the last stage, caches, a larger base image. Or "
        "raise `max-size`.",
    )


def _check_served(registry: RegistryClient, part: Part, digest: str) -> None:
    image = part.image

    def look() -> str:
        found = registry.digest(image.repository, image.tag)
        if found is None:
            raise Unreachable(
                f"{image} was pushed and is not served",
                f"{registry.host} took {digest} and does not know the tag.",
                "Run the job again; if it stays so, ask the registry's operator.",
            )
        return found

    found = registry.repeated(look)
    if found != digest:
        raise ActionError(
            f"{image} is not what was pushed",
            f"We pushed {digest}; {registry.host} serves {found}. Something else pushed the same "
            "tag in the same moment.",
            "Let only one workflow push this tag (`concurrency:`), or use tags that name a commit.",
        )


def _prefixed(work: Work, part: Part) -> Callable[[str], None]:
    return lambda line: work.context.step.info(f"[{part.component}] {line}")


def for_each(
    work: Work, items: Iterable[Item], act: Callable[[Item], Result], failed: str
) -> dict[str, Result]:
    """`act` on every item at once; results by component (or by the item's own text).

    Raises when some fail: the only error, or one that tells of all.
    """
    interrupt = work.builder.docker.stop if work.builder else lambda: None
    results: dict[str, Result] = {}
    errors: dict[str, ActionError] = {}
    for item, outcome in in_parallel(items, act, interrupt=interrupt):
        name = item.component if isinstance(item, Part) else str(item)
        if isinstance(outcome, ActionError):
            errors[name] = outcome
        else:
            results[name] = outcome
    if errors:
        raise _combined(errors, failed)
    return results


def _combined(errors: Mapping[str, ActionError], failed: str) -> ActionError:
    """One error for several; its kind is the first one's, since callers act on that."""
    first = next(iter(errors.values()))
    if len(errors) == 1:
        return first
    details = dict.fromkeys(f"{each.title}: {each.detail}" for each in errors.values())
    remedies = dict.fromkeys(each.remedy for each in errors.values())
    return type(first)(
        f"{', '.join(errors)} {failed}", "\n".join(details), " ".join(remedies), link=first.link
    )
