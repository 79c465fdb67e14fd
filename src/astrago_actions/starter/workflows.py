"""The three workflows of a service, written from a few names."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, StrictUndefined

from astrago_actions.command_line import interface
from astrago_actions.domain.editing.proof import is_string
from astrago_actions.domain.editing.tree import Mapping, Node, NotYaml, Scalar, read_documents
from astrago_actions.step import output_text

FOLDER = ".github/workflows"
# What the templates are made for; renewed with the library.
CHECKOUT = "de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2"
SECRETS = {
    "registry-token": "${{ secrets.GHCR_TOKEN || github.token }}",
    "deployment-token": "${{ secrets.DEPLOY_TOKEN }}",
    "argocd-token": "${{ secrets.ARGOCD_TOKEN }}",
}
# The inputs of the reusable rollback.yml that a service's pipeline knows too.
_ROLLBACK = (
    "components",
    "deployment-repository",
    "deployment-branch",
    "file",
    "key",
    "environment",
    "argocd-server",
    "application",
)


@dataclass(frozen=True)
class Service:
    """What the workflows are written from.

    `branch` deploys when it is pushed to; `build` is a command before the images are built, or
    empty; `inputs` are those of the pipeline, without secrets; `ref` is the library's version.
    """

    branch: str
    inputs: MappingOf[str, str]
    build: str = ""
    ref: str = "v1"


def workflows(service: Service) -> dict[str, str]:
    """The text of each workflow by its path in the service's repository."""
    pipeline = with_secrets(service.inputs)
    known = interface("preflight")["inputs"]
    environment = _environment()
    values = {
        "branch": service.branch,
        "build": service.build,
        "checkout": CHECKOUT,
        "ref": service.ref,
        "pipeline": pipeline,
        "preflight": {name: value for name, value in pipeline.items() if name in known},
        "rollback": {name: pipeline[name] for name in _ROLLBACK if name in pipeline},
    }
    return {
        f"{FOLDER}/{name}": environment.from_string(_template(name)).render(values)
        for name in ("ci-cd.yml", "preflight.yml", "rollback.yml")
    }


def with_secrets(inputs: MappingOf[str, str]) -> dict[str, str]:
    """The pipeline's inputs with the secrets that belong to them, each beside its like."""
    left_out = set() if inputs.get("argocd-server") else {"argocd-token"}
    every = {**SECRETS, **inputs}
    order = [name for name in interface("pipeline")["inputs"] if name not in left_out]
    return {name: every[name] for name in order if every.get(name)}


def as_yaml(value: str) -> str:
    """A value for `key: …`, plain where every reader takes it for that string, else in quotes."""
    try:
        roots = read_documents(f"key: {value}")
    except NotYaml:
        return _quoted(value)
    return value if len(roots) == 1 and _is_pair_of(roots[0], value) else _quoted(value)


def _is_pair_of(root: Node, value: str) -> bool:
    """Whether this is a map of one key, and its value this string without tag or anchor."""
    if not isinstance(root, Mapping) or len(root.pairs) != 1:
        return False
    node = root.pairs[0][1]
    return isinstance(node, Scalar) and node.value == value and not node.anchor and is_string(node)


def _quoted(value: str) -> str:
    """JSON's quoting of a string is YAML's too."""
    return output_text([value])[1:-1]


def _template(name: str) -> str:
    return (resources.files("astrago_actions.starter") / f"{name}.jinja").read_text("utf-8")


def _environment() -> Environment:
    """Delimiters of its own, since GitHub's expressions stand between Jinja's usual ones."""
    environment = Environment(  # noqa: S701 - what is written is YAML, escaped by `yaml`
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters["yaml"] = as_yaml
    return environment
