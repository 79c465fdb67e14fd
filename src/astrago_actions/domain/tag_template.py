"""Tags from a template such as `{component}-{environment}-{sha:8}`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_VERSION = re.compile(r"(?:^|[/-])v?([0-9]+(?:\.[0-9]+)*)\Z")
_KNOWN = "component, environment, sha:8, version, branch, date:%Y%m%d, run_number, pr"
_SHA_DIGITS = re.compile(r"[1-9][0-9]?")
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class TagFacts:
    """What a template may ask for.

    `sha` is the full commit SHA, `moment` the time of the run in seconds since the epoch;
    `pull_request` is 0 outside pull requests.
    """

    environment: str
    sha: str
    branch: str
    run_number: int
    pull_request: int
    moment: float


class TemplateError(ValueError):
    """The template asks for something that does not exist here; the text says what."""


def render(template: str, component: str, facts: TagFacts) -> str:
    """Fill the template for one component; raises TemplateError.

    Whether the result is a tag that registries take is for `references.tag_problem` to say.
    """
    return _PLACEHOLDER.sub(lambda match: _value(match[1], component, facts), template)


def names_component(template: str) -> bool:
    """Whether tags made from this template differ between components."""
    return "{component}" in template


def _value(placeholder: str, component: str, facts: TagFacts) -> str:
    name, colon, argument = placeholder.partition(":")
    if name == "sha":
        return _sha(facts.sha, argument)
    if name == "date":
        return _date(facts.moment, argument or "%Y%m%d")
    values = _values(component, facts)
    if colon or name not in values:
        raise TemplateError(f"`{{{placeholder}}}` is unknown; known placeholders are {_KNOWN}")
    value, why_empty = values[name]
    if not value:
        raise TemplateError(f"`{{{name}}}` has no value: {why_empty}")
    return value


def _values(component: str, facts: TagFacts) -> dict[str, tuple[str, str]]:
    """Each placeholder without an argument: its value, and why that may be empty."""
    branch = facts.branch
    return {
        "component": (component, "the component has no name"),
        "environment": (facts.environment, "no environment is known for this branch"),
        "version": (version_of(branch), f"`{branch}` does not end in a version"),
        "branch": (_NOT_IN_TAGS.sub("-", branch), "no branch is known here"),
        "run_number": (str(facts.run_number or ""), "there is no workflow run here"),
        "pr": (str(facts.pull_request or ""), "this is not a pull request"),
    }


def _sha(sha: str, argument: str) -> str:
    """A slice of the full SHA: `git rev-parse --short` may return more digits than asked for."""
    if argument and not (_SHA_DIGITS.fullmatch(argument) and 4 <= int(argument) <= 40):
        raise TemplateError(f"`{{sha:{argument}}}` must take 4 to 40 digits")
    return sha[: int(argument)] if argument else sha


def _date(moment: float, format: str) -> str:  # noqa: A002 - strftime's word
    """The moment in UTC, so that runners in different places agree."""
    from datetime import datetime, timezone

    try:
        return datetime.fromtimestamp(moment, timezone.utc).strftime(format)
    except ValueError as error:
        raise TemplateError(f"`{{date:{format}}}` is no date: {error}") from error


def version_of(branch: str) -> str:
    """The version that ends a branch's or tag's name (`1.0` of `stabilize/1.0`), or nothing."""
    match = _VERSION.search(branch)
    return match[1] if match else ""
