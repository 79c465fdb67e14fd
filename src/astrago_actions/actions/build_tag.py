"""build-tag: decide environment, tags, image references and which components changed."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
from astrago_actions.domain.tag_template import TagFacts, TemplateError, render
from astrago_actions.inputs import InputReader
from astrago_actions.workflow_run import WorkflowRun

SHORT_SHA = 8
TEMPLATE = "{component}-{environment}-{sha:8}"

_FULL_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_COMMIT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@^~{}-]*")
_MAP_KEYS = ("context", "dockerfile", "paths")


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
    components = read_components(given)
    branch = given.text("branch", run.branch)
    sha = _commit(given, run)
    template = given.text("template", TEMPLATE)
    image = given.text("image")
    rules = _environment_rules(given)
    environment = given.text("environment") or environment_of(branch, rules)
    facts = TagFacts(
        environment=environment,
        sha=sha,
        branch=branch,
        run_number=run.run_number,
        pull_request=run.pull_request.number if run.pull_request else 0,
        moment=time.time(),
    )
    tags = _tags(given, components, template, facts)
    return Inputs(
        components=components,
        environment=environment,
        template=template,
        image=image,
        sha=sha,
        base=_base(given, run),
        branch=branch,
        tags=tags,
        images=_images(given, image, components, tags),
    )


def run(inputs: Inputs, context: Context) -> Outputs:
    """Report the tags and find the changed components; writes nothing anywhere."""
    with context.stage("tag"):
        changed = _changed(inputs, context)
        outputs = _outputs(inputs, changed, context.run)
    for name, tag in outputs.tags.items():
        context.step.info(f"{name}: {outputs.images.get(name, tag)}")
    context.step.summary(_summary(inputs, outputs))
    return outputs


def _commit(given: InputReader, run: WorkflowRun) -> str:
    sha = given.text("sha", run.source_commit)
    if not sha:
        given.mistake("sha", "is required outside a workflow run (`git rev-parse HEAD` prints it)")
    elif not _FULL_SHA.fullmatch(sha.lower()):
        given.mistake("sha", f"must be a full commit SHA of 40 hex digits; it is `{sha}`")
    return sha.lower()


def _base(given: InputReader, run: WorkflowRun) -> str:
    base = given.text("base", run.pull_request.base_sha if run.pull_request else run.before)
    if base and not _COMMIT_NAME.fullmatch(base):
        given.mistake("base", f"must name a commit; it is `{base}`")
    return base


def read_components(given: InputReader) -> tuple[Component, ...]:
    """The components of the input `components`: names, or a map that describes each."""
    before = len(given.mistakes)
    if given.text("components").startswith("{"):
        described = given.json_value("components") or {}
        components = tuple(_described(given, name, of) for name, of in described.items())
    else:
        components = tuple(Component(name) for name in given.items("components"))
    if not components and len(given.mistakes) == before:
        given.mistake("components", "must name at least one component")
    names = [each.name for each in components]
    for name in dict.fromkeys(names):
        problem = name_problem(name)
        if problem:
            given.mistake("components", problem)
        if names.count(name) > 1:
            given.mistake("components", f"names `{name}` twice")
    return tuple(each for each in components if not name_problem(each.name))


def _described(given: InputReader, name: str, description: Any) -> Component:
    if not isinstance(description, dict):
        given.mistake("components", f"`{name}` must be a map with {', '.join(_MAP_KEYS)}")
        return Component(name)
    for key in description.keys() - set(_MAP_KEYS):
        known = ", ".join(_MAP_KEYS)
        given.mistake("components", f"`{name}` has the unknown key `{key}`; known are {known}")
    paths = description.get("paths", [])
    return Component(
        name=name,
        context=_text(given, name, "context", description.get("context", "")),
        dockerfile=_text(given, name, "dockerfile", description.get("dockerfile", "")),
        paths=tuple(
            _text(given, name, "paths", path)
            for path in (paths if isinstance(paths, list) else [paths])
        ),
    )


def _text(given: InputReader, name: str, key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    given.mistake("components", f"`{key}` of `{name}` must be text")
    return ""


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
            given.mistake("template", f"{error}{_environment_hint(facts, str(error))}")
            return {}
        problem = tag_problem(tags[component.name])
        if problem:
            given.mistake("template", problem)
    return tags


def _environment_hint(facts: TagFacts, message: str) -> str:
    if not message.startswith("`{environment}`"):
        return ""
    if not facts.branch:
        return "; set `environment`, or `branch`"
    return f"; add a line `{facts.branch}=<environment>` to `environments`, or set `environment`"


def _images(
    given: InputReader, image: str, components: Sequence[Component], tags: dict[str, str]
) -> dict[str, ImageReference]:
    images: dict[str, ImageReference] = {}
    for component in components if image else ():
        try:
            reference = parse_image(image.lower().replace("{component}", component.name))
        except ValueError as error:
            given.mistake("image", str(error))
            return {}
        if reference.tag or reference.digest:
            given.mistake("image", "must not hold a tag or a digest; the tag comes from `template`")
        images[component.name] = reference.with_tag(tags.get(component.name, ""))
    if tags and len(set(images.values())) < len(images):
        given.mistake("image", "needs {component} here or in `template`, or all images are one")
    return images


def _changed(inputs: Inputs, context: Context) -> list[str]:
    """All components unless some have paths and git knows both commits."""
    if not any(each.paths for each in inputs.components):
        return [each.name for each in inputs.components]
    from astrago_actions.clients.git import changed_files

    files = changed_files(context.run.workspace, inputs.base, inputs.sha)
    if files is None:
        why = (
            f"git cannot compare {inputs.base[:SHORT_SHA]} with {inputs.sha[:SHORT_SHA]} here (set "
            "fetch-depth: 2 or 0 on actions/checkout to build only what changed)"
            if inputs.base.strip("0")
            else "there is no earlier commit to compare with"
        )
        context.step.info(f"Every component counts as changed: {why}.")
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
        labels=labels(inputs, run),
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


def labels(inputs: Inputs, run: WorkflowRun) -> dict[str, dict[str, str]]:
    """The OCI annotations of every component's image."""
    return {name: _labels(inputs, name, run) for name in inputs.tags}


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
