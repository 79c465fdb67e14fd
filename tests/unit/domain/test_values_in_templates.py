"""Go templates are not YAML: their values are edited by line and indentation."""

from __future__ import annotations

import pytest

from astrago_actions.domain.edit_refused import EditRefused, FileRefused
from astrago_actions.domain.values import current, edit

HELMFILE = """\
{{- $env := .Environment.Name }}
# 공통 {{ $env }}
astrago:
  host: {{ .Values.host | quote }}
  "url": "https://{{ .Values.host }}:{{ .Values.port }}"
  core:
{{- if .Values.debug }}
    debug: true
{{- end }}
    repository: {{ .Values.registry }}/astrago-backend
    imageTag: core-stage-ca58a8c3   # {{ $env }}
    script: |
      {{- range .Values.lines }}
      imageTag: {{ . }}
      {{- end }}
  batch:
    {{- toYaml .Values.batch | nindent 4 }}
    {{- /* imageTag: no
         imageTag: neither */}}
    imageTag: "batch-stage-ca58a8c3"
    {{ .Values.name }}: x
  list:
  - imageTag: x
"""


def test_changes_the_value_on_the_only_line_with_the_key() -> None:
    changes = {"astrago.core.imageTag": "new-1", "astrago.batch.imageTag": "12345678"}

    assert edit(HELMFILE, changes) == HELMFILE.replace("core-stage-ca58a8c3", "new-1").replace(
        "batch-stage-ca58a8c3", "12345678"
    )


def test_reads_the_present_value() -> None:
    assert current(HELMFILE, ["astrago.core.imageTag"]) == {
        "astrago.core.imageTag": "core-stage-ca58a8c3"
    }


def test_yaml_with_templates_in_strings_only_is_yaml() -> None:
    text = "a: '{{ .x }}'\nb:\n- c: &t old\n- *t\n# {{ y }}\n"

    assert edit(text, {"b[0].c": "new"}) == text.replace("old", "new")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("astrago.host", "is a template (`{{ … }}`)"),
        ("astrago.url", "is a template (`{{ … }}`)"),
        ("astrago.core.repository", "is a template (`{{ … }}`)"),
        ("astrago.core.script", "is a block of text"),
        ("astrago.core", "is a map of"),
        ("astrago.list", "is a list"),
        ("astrago.list[0].imageTag", "passes through a list"),
        ("astrago.monitor.imageTag", "did you mean `astrago.core.imageTag` (line 11)"),
    ],
)
def test_refuses_what_a_line_cannot_tell(key: str, reason: str) -> None:
    with pytest.raises(EditRefused) as caught:
        edit(HELMFILE, {key: "new"}, name="values.yaml.gotmpl")

    assert reason in caught.value.detail


def test_refuses_a_key_that_two_branches_have() -> None:
    text = "a:\n{{- if .x }}\n  tag: 1\n{{- else }}\n  tag: 2\n{{- end }}\n"

    with pytest.raises(EditRefused, match="was not changed") as caught:
        edit(text, {"a.tag": "new"})

    assert "on lines 3 and 5" in caught.value.detail


def test_adds_no_keys() -> None:
    with pytest.raises(EditRefused) as caught:
        edit("a: {{ .x }}\nb: 1\n", {"c": "new"}, if_missing="create")

    assert caught.value.remedy == "Correct the key path; keys are not added to a Go template."


@pytest.mark.parametrize(
    "line",
    [
        "b: 'never closed",
        "b: [1, 2",
        "text",
        "{{ if .x }} b: 1 {{ end }}",
        "\tb: 1",
        "b: {{ .x",
        "? b",
        "   odd: 1",
        "<<: *x",
    ],
)
def test_refuses_a_template_with_a_line_that_does_not_explain_itself(line: str) -> None:
    text = f"first: &x {{{{ .x }}}}\na:\n  tag: old\n{line}\n"

    with pytest.raises(FileRefused) as caught:
        edit(text, {"a.tag": "new"}, name="values.yaml.gotmpl")

    assert caught.value.title == "values.yaml.gotmpl is a Go template that cannot be edited by line"
    assert caught.value.detail.startswith("Line 4 ")


def test_reading_such_a_template_is_refused_too() -> None:
    with pytest.raises(FileRefused):
        current("a: {{ .x }}\ntext\n", ["a"])


def test_keeps_windows_line_endings_of_a_template() -> None:
    text = "{{ if .x }}\r\na:\r\n  tag: old # x\r\n{{ end }}\r\n"

    assert edit(text, {"a.tag": "new"}) == text.replace("old", "new")


def test_a_long_action_costs_no_time() -> None:
    text = "{{ " + "x" * 100_000 + " }}: y\na:\n  tag: old\n"

    assert edit(text, {"a.tag": "new"}) == text.replace("old", "new")
