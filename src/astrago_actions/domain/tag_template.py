"""Tags from a template such as `{component}-{environment}-{sha:8}`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_VERSION = re.compile(r"(?:^|[/-])v?(\d+(?:\.\d+)*)$")
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class TagFacts:
    """What a template may ask for.

    `sha` is the full commit SHA, `moment` the time of the run in UTC; `pull_request` is 0 outside
    pull requests.
    """

    environment: str
    sha: str
    branch: str
    run_number: int
    pull_request: int
    moment: datetime


class TemplateError(ValueError):
    """The template asks for something that does not exist here; the text says what."""


def render(template: str, component: str, facts: TagFacts) -> str:
    """Fill the template for one component; raises TemplateError."""
    return _PLACEHOLDER.sub(lambda match: _value(match[1], component, facts), template)


def names_component(template: str) -> bool:
    """Whether tags made from this template differ between components."""
    return "{component}" in template


def _value(placeholder: str, component: str, facts: TagFacts) -> str:
    name, _, argument = placeholder.partition(":")
    if name == "component":
        return component
    if name == "environment":
        return _present(facts.environment, "environment", "no environment is known for this branch")
    if name == "sha":
        return _sha(facts.sha, argument)
    if name == "version":
        return version_of(facts.branch)
    if name == "branch":
        return _NOT_IN_TAGS.sub("-", facts.branch)
    if name == "date":
        return facts.moment.strftime(argument or "%Y%m%d")
    if name == "run_number":
        return _present(str(facts.run_number or ""), name, "there is no workflow run here")
    if name == "pr":
        return _present(str(facts.pull_request or ""), name, "this is not a pull request")
    known = "component, environment, sha, version, branch, date, run_number, pr"
    raise TemplateError(f"`{{{placeholder}}}` is unknown; known placeholders are {known}")


def _present(value: str, name: str, otherwise: str) -> str:
    if not value:
        raise TemplateError(f"`{{{name}}}` has no value: {otherwise}")
    return value


def _sha(sha: str, argument: str) -> str:
    """A slice of the full SHA: `git rev-parse --short` may return more digits than asked for."""
    if argument and not (argument.isascii() and argument.isdigit() and 4 <= int(argument) <= 40):
        raise TemplateError(f"`{{sha:{argument}}}` must take 4 to 40 digits")
    return sha[: int(argument)] if argument else sha


def version_of(branch: str) -> str:
    """The version at the end of a branch or tag name, such as `1.0` of `stabilize/1.0`."""
    match = _VERSION.search(branch)
    if match is None:
        raise TemplateError(f"`{{version}}` has no value: `{branch}` does not end in a version")
    return match[1]
