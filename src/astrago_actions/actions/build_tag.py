"""build-tag: decide environment, tags, image references and which components changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from astrago_actions.context import Context
from astrago_actions.domain.components import (
    Component,
    EnvironmentRule,
    changed_components,
    environment_of,
    name_problem,
)
from astrago_actions.domain.references import ImageReference, parse_image, tag_problem
from astrago_actions.domain.tag_template import TagFacts, TemplateError, names_component, render
from astrago_actions.inputs import InputReader
from astrago_actions.workflow_run import WorkflowRun

SHORT_SHA = 8


@dataclass(frozen=True)
class Inputs:
    """What build-tag works from; see action.yml for each."""

    components: tuple[Component, ...]
    environment: str
    template: str
    image: str
    sha: str
    base: str
    branch: str
    tags: dict[str, str]
    images: dict[str, ImageReference]


@dataclass(frozen=True)
class Outputs:
    """What build-tag decides; maps are by component name."""

    tags: dict[str, str]
    images: dict[str, str]
    matrix: dict[str, object]
    changed: list[str]
    tag: str
    image: str
    environment: str
    short_sha: str
    labels: dict[str, dict[str, str]]


def read(given: InputReader, run: WorkflowRun) -> Inputs:
    """Read and cross-check the inputs; mistakes are noted in `given`."""
    components = _components(given)
    branch = given.text("branch", run.branch)
    sha = given.text("sha", run.pull_request.head_sha if run.pull_request else run.sha)
    if not _is_full_sha(sha):
        given.mistake("sha", f"must be a full commit SHA of 40 hex digits; it is `{sha}`")
    template = given.text("template", "{component}-{environment}-{sha:8}")
    image = given.text("image")
    environment = given.text("environment") or environment_of(branch, _environment_rules(given))
    facts = TagFacts(
        environment=environment,
        sha=sha,
        branch=branch,
        run_number=run.run_number,
        pull_request=run.pull_request.number if run.pull_request else 0,
        moment=datetime.now(timezone.utc),
    )
    tags = _tags(given, components, template, facts)
    images = _images(given, image, tags)
    return Inputs(
        components=components,
        environment=environment,
        template=template,
        image=image,
        sha=sha,
        base=given.text("base", run.pull_request.base_sha if run.pull_request else run.before),
        branch=branch,
        tags=tags,
        images=images,
    )


def run(inputs: Inputs, context: Context) -> Outputs:
    """Report the tags and find the changed components; writes nothing anywhere."""
    with context.stage("tag"):
        changed = _changed(inputs, context)
        outputs = _outputs(inputs, changed, context.run)
    for name, reference in outputs.images.items():
        context.step.info(f"{name}: {reference}")
    context.step.summary(_summary(inputs, outputs))
    return outputs


def _components(given: InputReader) -> tuple[Component, ...]:
    text = given.text("components")
    if text.startswith("{"):
        described = given.json_value("components") or {}
        components = tuple(_described(given, name, of) for name, of in described.items())
    else:
        components = tuple(Component(name) for name in given.items("components"))
    if not components and not given.mistakes:
        given.mistake("components", "must name at least one component")
    for each in components:
        problem = name_problem(each.name)
        if problem:
            given.mistake("components", problem)
    names = [each.name for each in components]
    for name in sorted({name for name in names if names.count(name) > 1}):
        given.mistake("components", f"names `{name}` twice")
    return components


def _described(given: InputReader, name: str, description: Any) -> Component:
    if not isinstance(description, dict):
        given.mistake("components", f"`{name}` must be a map with context, dockerfile or paths")
        return Component(name)
    unknown = sorted(set(description) - {"context", "dockerfile", "paths"})
    if unknown:
        given.mistake("components", f"`{name}` has the unknown key `{unknown[0]}`")
    paths = description.get("paths", [])
    return Component(
        name=name,
        context=str(description.get("context", "")),
        dockerfile=str(description.get("dockerfile", "")),
        paths=tuple([paths] if isinstance(paths, str) else map(str, paths)),
    )


def _environment_rules(given: InputReader) -> tuple[EnvironmentRule, ...]:
    rules = given.mapping("environments")
    return tuple(EnvironmentRule(pattern, environment) for pattern, environment in rules.items())


def _tags(
    given: InputReader, components: Sequence[Component], template: str, facts: TagFacts
) -> dict[str, str]:
    tags: dict[str, str] = {}
    for component in components:
        try:
            tags[component.name] = render(template, component.name, facts)
        except TemplateError as error:
            given.mistake("template", str(error) + _environment_hint(facts, str(error)))
            return {}
        problem = tag_problem(tags[component.name])
        if problem:
            given.mistake("template", problem)
    return tags


def _environment_hint(facts: TagFacts, message: str) -> str:
    if facts.environment or "environment" not in message:
        return ""
    return f"; add a line `{facts.branch}=<environment>` to `environments`, or set `environment`"


def _images(given: InputReader, image: str, tags: dict[str, str]) -> dict[str, ImageReference]:
    if not image:
        return {}
    if (
        len(tags) > 1
        and "{component}" not in image
        and not names_component(given.text("template", "{component}"))
    ):
        given.mistake("image", "needs {component} here or in `template`, or all images are one")
    images: dict[str, ImageReference] = {}
    for component, tag in tags.items():
        try:
            images[component] = parse_image(image.replace("{component}", component)).with_tag(tag)
        except ValueError as error:
            given.mistake("image", str(error))
            return {}
    return images


def _is_full_sha(text: str) -> bool:
    return len(text) in (40, 64) and all(char in "0123456789abcdef" for char in text)


def _changed(inputs: Inputs, context: Context) -> list[str]:
    """All components unless some have paths and git knows both commits."""
    if not any(each.paths for each in inputs.components):
        return [each.name for each in inputs.components]
    from astrago_actions.clients.git import changed_files

    files = changed_files(context.run.workspace, inputs.base, inputs.sha)
    if files is None:
        context.step.info(
            "Every component counts as changed: the commit before this push is not in the "
            "checkout (set fetch-depth: 2 or 0 on actions/checkout to build only what changed)."
        )
    return list(changed_components(inputs.components, files))


def _outputs(inputs: Inputs, changed: list[str], run: WorkflowRun) -> Outputs:
    images = {name: str(reference) for name, reference in inputs.images.items()}
    only = inputs.components[0].name if len(inputs.components) == 1 else ""
    entries = [_matrix_entry(each, inputs) for each in inputs.components if each.name in changed]
    return Outputs(
        tags=inputs.tags,
        images=images,
        matrix={"include": entries},
        changed=changed,
        tag=inputs.tags[only] if only else "",
        image=images.get(only, ""),
        environment=inputs.environment,
        short_sha=inputs.sha[:SHORT_SHA],
        labels={name: _labels(inputs, name, run) for name in inputs.tags},
    )


def _matrix_entry(component: Component, inputs: Inputs) -> dict[str, str]:
    entry = {"component": component.name, "tag": inputs.tags[component.name]}
    reference = inputs.images.get(component.name)
    optional = {
        "image": str(reference) if reference else "",
        "context": component.context,
        "dockerfile": component.dockerfile,
    }
    return entry | {key: value for key, value in optional.items() if value}


def _labels(inputs: Inputs, component: str, run: WorkflowRun) -> dict[str, str]:
    """Source: OCI image specification, "Annotations", pre-defined keys."""
    labels = {
        "org.opencontainers.image.title": component,
        "org.opencontainers.image.version": inputs.tags[component],
        "org.opencontainers.image.revision": inputs.sha,
    }
    if run.repository:
        labels["org.opencontainers.image.source"] = f"{run.server_url}/{run.repository}"
    return labels


def _summary(inputs: Inputs, outputs: Outputs) -> str:
    rows = "\n".join(
        f"| {name} | `{tag}` | {'yes' if name in outputs.changed else 'no'} |"
        for name, tag in outputs.tags.items()
    )
    environment = f" for **{inputs.environment}**" if inputs.environment else ""
    return (
        f"### Tags{environment}\n\n"
        f"Commit `{outputs.short_sha}`\n\n| component | tag | changed |\n|---|---|---|\n{rows}\n"
    )
