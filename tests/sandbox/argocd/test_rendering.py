"""Manifests out of charts and folders, as far as the sandbox can make them."""

from __future__ import annotations

from typing import Any

import pytest

from astrago_actions.sandbox.argocd.memory import MemoryGit
from astrago_actions.sandbox.argocd.rendering import RenderError, render, substitute
from astrago_actions.sandbox.argocd.sources import full_name_of

VALUES: dict[str, Any] = {"Values": {"a": {"b": "x", "n": 0, "flag": True}, "text": 'say "hi"'}}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ .Values.a.b }}", "x"),
        ("{{- .Values.a.b -}}", "x"),
        ("{{.Values.a.n}}", "0"),
        ("{{ .Values.a.flag }}", "true"),
        ("{{ .Values.text | quote }}", '"say \\"hi\\""'),
        ('{{ .Values.a.none | default "y" }}', "y"),
        ('{{ .Values.a.b | default "y" }}', "x"),
        ('{{ .Values.a.none | default "y" | quote }}', '"y"'),
        ("{{ .Values.a.none }}", ""),
    ],
)
def test_substitution(template: str, expected: str) -> None:
    assert substitute(template, VALUES) == expected


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("{{ .Values.no.such }}", "nil pointer"),
        ("{{ if .Values.a }}", "does not know"),
        ("{{ .Values.a.b | upper }}", "does not know"),
    ],
)
def test_what_cannot_be_substituted_is_a_manifest_error(template: str, complaint: str) -> None:
    with pytest.raises(RenderError, match=complaint):
        substitute(template, VALUES)


def test_values_of_chart_and_files_are_merged_in_order() -> None:
    git = MemoryGit()
    template = (
        'kind: A\nmetadata: {name: a}\nx: "{{ .Values.x }}-{{ .Values.y }}-{{ .Values.z }}"\n'
    )
    sha = git.commit(
        "o/r",
        "main",
        {
            "charts/a/Chart.yaml": "name: a\n",
            "charts/a/values.yaml": "x: 1\ny: 1\nz: 1\n",
            "charts/a/templates/a.yaml": template,
            "env/one.yaml": "y: 2\nz: 2\n",
            "env/two.yaml": "z: 3\n",
        },
    )
    helm = {"valueFiles": ["../../env/one.yaml", "../../env/two.yaml"]}
    source = {"repoURL": "https://x/o/r.git", "path": "charts/a", "helm": helm}
    (manifest,) = render(git, {"source": source}, (sha,))
    assert manifest["x"] == "1-2-3"


def test_values_may_come_from_another_source() -> None:
    git = MemoryGit()
    template = "kind: A\nmetadata: {name: a}\nx: {{ .Values.x }}\n"
    chart = git.commit("o/c", "main", {"c/Chart.yaml": "name: c\n", "c/templates/a.yaml": template})
    values = git.commit("o/v", "main", {"stage.yaml": "x: 7\n"})
    spec = {
        "sources": [
            {
                "repoURL": "https://x/o/c",
                "path": "c",
                "helm": {"valueFiles": ["$values/stage.yaml"]},
            },
            {"repoURL": "https://x/o/v", "ref": "values"},
        ]
    }
    (manifest,) = render(git, spec, (chart, values))
    assert manifest["x"] == 7


def test_a_folder_of_plain_manifests() -> None:
    git = MemoryGit()
    text = "kind: A\nmetadata: {name: a}\nx: '{{ not a template }}'\n---\nkind: B\n"
    sha = git.commit("o/r", "main", {"plain/a.yaml": text, "plain/README.md": "no"})
    source = {"repoURL": "https://x/o/r", "path": "plain"}
    assert [each["kind"] for each in render(git, {"source": source}, (sha,))] == ["A", "B"]


@pytest.mark.parametrize(
    ("path", "value_file", "complaint"),
    [("no/such", "values.yaml", "app path does not exist"), ("c", "gone.yaml", "no such file")],
)
def test_missing_paths_and_files(path: str, value_file: str, complaint: str) -> None:
    git = MemoryGit()
    files = {"c/Chart.yaml": "name: c\n", "c/templates/a.yaml": "kind: A\nmetadata: {name: a}\n"}
    sha = git.commit("o/r", "main", files)
    helm = {"valueFiles": [value_file]}
    source = {"repoURL": "https://x/o/r", "path": path, "helm": helm}
    with pytest.raises(RenderError, match=complaint):
        render(git, {"source": source}, (sha,))


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/o/r.git",
        "https://user@github.com/o/r",
        "http://127.0.0.1:8080/o/r.git",
        "git@github.com:o/r.git",
        "ssh://git@github.com/o/r",
    ],
)
def test_the_repository_of_an_address(url: str) -> None:
    assert full_name_of(url) == "o/r"
