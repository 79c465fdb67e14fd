"""Manifests from a chart or a folder: substitution of values, nothing more of Helm."""

from __future__ import annotations

import io
import json
import posixpath
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from astrago_actions.sandbox.argocd.sources import GitSource, full_name_of

_EXPRESSION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_DEFAULT = re.compile(r'default\s+"([^"]*)"')

Manifest = dict[str, Any]


class RenderError(Exception):
    """The manifests cannot be made; the message is what Argo CD would show."""


def render(git: GitSource, spec: Mapping[str, Any], revisions: tuple[str, ...]) -> list[Manifest]:
    """All manifests of an application's sources at these revisions, one for each source."""
    sources = sources_of(spec)
    manifests: list[Manifest] = []
    for source, revision in zip(sources, revisions, strict=True):
        if source.get("path"):
            manifests += _render_source(git, spec, source, revision, revisions)
    return manifests


def sources_of(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The application's sources: one, many, or the dry one of the source hydrator."""
    if spec.get("sources"):
        return list(spec["sources"])
    hydrator = spec.get("sourceHydrator")
    return [hydrator["drySource"] if hydrator else spec["source"]]


def _render_source(
    git: GitSource,
    spec: Mapping[str, Any],
    source: Mapping[str, Any],
    revision: str,
    revisions: tuple[str, ...],
) -> list[Manifest]:
    name, folder = full_name_of(source["repoURL"]), source["path"].strip("/")
    files = [each for each in git.files(name, revision) if _is_below(each, folder)]
    if not files:
        raise RenderError(f"{folder}: app path does not exist")
    chart = posixpath.join(folder, "Chart.yaml") in files
    templates = [
        each
        for each in files
        if each.endswith((".yaml", ".yml")) and (not chart or "/templates/" in f"/{each}")
    ]
    values = _values(git, spec, source, revision, revisions) if chart else {}
    facts = {"Values": values, "Release": _release(spec), "Chart": {"Name": folder}}
    manifests = []
    for path in sorted(templates):
        text = git.read(name, revision, path).decode()
        manifests += _documents(substitute(text, facts) if chart else text, path)
    return manifests


def _release(spec: Mapping[str, Any]) -> dict[str, Any]:
    destination = spec.get("destination") or {}
    return {"Name": spec.get("releaseName", "release"), "Namespace": destination.get("namespace")}


def _values(
    git: GitSource,
    spec: Mapping[str, Any],
    source: Mapping[str, Any],
    revision: str,
    revisions: tuple[str, ...],
) -> dict[str, Any]:
    name, folder = full_name_of(source["repoURL"]), source["path"].strip("/")
    own = posixpath.join(folder, "values.yaml")
    values: dict[str, Any] = {}
    if own in git.files(name, revision):
        values = _loaded(git.read(name, revision, own), own)
    helm = source.get("helm") or {}
    for written in helm.get("valueFiles") or []:
        owner, at, path = name, revision, posixpath.normpath(posixpath.join(folder, written))
        if written.startswith("$"):
            reference, _, path = written[1:].partition("/")
            owner, at = _referenced(spec, reference, revisions)
        try:
            found = git.read(owner, at, path)
        except KeyError:
            raise RenderError(f"Error: open {path}: no such file or directory") from None
        _merge(values, _loaded(found, path))
    _merge(values, helm.get("valuesObject") or {})
    return values


def _referenced(
    spec: Mapping[str, Any], reference: str, revisions: tuple[str, ...]
) -> tuple[str, str]:
    for source, revision in zip(sources_of(spec), revisions, strict=True):
        if source.get("ref") == reference:
            return full_name_of(source["repoURL"]), revision
    raise RenderError(f"source referenced {reference!r}, but no such ref is defined")


def substitute(text: str, facts: Mapping[str, Any]) -> str:
    """The template with each `{{ .Values.a.b | quote }}` replaced by its value."""
    return _EXPRESSION.sub(lambda match: _evaluated(match[1], facts), text)


def _evaluated(expression: str, facts: Mapping[str, Any]) -> str:
    path, *filters = (part.strip() for part in expression.split("|"))
    if not re.fullmatch(r"\.[A-Za-z0-9_.]+", path):
        raise RenderError(f"this sandbox does not know the template expression {expression!r}")
    value = _at(path, facts)
    for each in filters:
        default = _DEFAULT.fullmatch(each)
        if default:
            value = default[1] if value in (None, "") else value
        elif each == "quote":
            value = json.dumps("" if value is None else str(value), ensure_ascii=False)
        else:
            raise RenderError(f"this sandbox does not know the template function {each!r}")
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _at(path: str, facts: Mapping[str, Any]) -> Any:
    value: Any = facts
    for key in path.strip(".").split("."):
        if not isinstance(value, Mapping):
            raise RenderError(f"nil pointer evaluating interface {{}}.{key} in {path}")
        value = value.get(key)
    return value


def _merge(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _documents(text: str, path: str) -> list[Manifest]:
    try:
        found = list(YAML(typ="safe", pure=True).load_all(io.StringIO(text)))
    except YAMLError as error:
        raise RenderError(f"error parsing {path}: {str(error).splitlines()[0]}") from None
    return [each for each in found if isinstance(each, dict) and each.get("kind")]


def _loaded(content: bytes, path: str) -> dict[str, Any]:
    try:
        found = YAML(typ="safe", pure=True).load(io.BytesIO(content))
    except YAMLError as error:
        raise RenderError(f"cannot parse {path}: {str(error).splitlines()[0]}") from None
    return found if isinstance(found, dict) else {}


def _is_below(path: str, folder: str) -> bool:
    return folder in {"", "."} or path.startswith(f"{folder}/")
