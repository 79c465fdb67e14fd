from __future__ import annotations

import pytest

from astrago_actions.domain.chart_readers import ReadingLine, reading_lines
from astrago_actions.domain.key_path import parse_key_path


def lines(template: str, key: str) -> list[int]:
    return [each.line for each in reading_lines({"t.yaml": template}, parse_key_path(key))]


@pytest.mark.parametrize(
    "template",
    [
        "tag: {{ .Values.astrago.core.imageTag }}",
        "tag: {{- $.Values.astrago.core.imageTag | quote -}}",
        '{{ printf "%s:%s" .Values.astrago.core.repository .Values.astrago.core.imageTag }}',
        '{{ index .Values "astrago" "core" "imageTag" }}',
        '{{ (index .Values.astrago "core").imageTag }}',
        '{{ get .Values.astrago.core "imageTag" }}',
        '{{ dig "astrago" "core" "imageTag" "none" .Values }}',
        '{{ .Values | get "astrago.core.imageTag" "none" }}',
        '{{ .Values.astrago | get "core.imageTag" }}',
        "{{ toYaml .Values.astrago.core | nindent 2 }}",
        '{{ include "image" .Values.astrago }}',
        "{{ tpl (toYaml .Values) . }}",
        "{{ .astrago.core.imageTag }}",
        "{{ $values.core.imageTag }}",
    ],
)
def test_finds_the_ways_to_read_a_key(template: str) -> None:
    assert lines(f"# first\n{template}\n", "astrago.core.imageTag") == [2]


def test_follows_with_and_variables() -> None:
    template = """\
{{- with .Values.astrago.core }}
image: {{ .repository }}:{{ .imageTag }}
{{- end }}
{{- $batch := .Values.astrago.batch }}
image: {{ $batch.imageTag }}
"""

    assert lines(template, "astrago.core.imageTag") == [2, 5]
    assert lines(template, "astrago.batch.imageTag") == [2, 5]
    assert lines(template, "astrago.core.repository") == [2]


@pytest.mark.parametrize(
    "template",
    [
        "tag: {{ .Values.astrago.core.imageTag }}",
        "tag: {{ .Values.astrago.components }}",
        "{{/* .Values.astrago.components.core.tag */}}",
        ".Values.astrago.components.core.tag",
        "{{ .Values.tag }}{{ .Chart.tag }}",
        '{{ include "labels" . }}',
        "{{ .Values.astrago.components.batch.tag }}",
    ],
)
def test_a_key_that_nothing_reads_has_no_lines(template: str) -> None:
    assert lines(template, "astrago.components.core.tag") == []


def test_a_list_counts_as_a_whole() -> None:
    assert lines("{{ range .Values.images }}{{ .tag }}{{ end }}", "images[name=core].tag") == [1]


def test_says_file_line_and_text() -> None:
    templates = {"a.yaml": "x: 1\n", "b.yaml": "\n  tag: {{ .Values.tag }}\n"}

    assert reading_lines(templates, parse_key_path("tag")) == [
        ReadingLine("b.yaml", 2, "tag: {{ .Values.tag }}")
    ]


@pytest.mark.parametrize(
    "template",
    [
        "{{ (index .Values.astrago .component).imageTag }}",
        "{{ $c := index .Values.astrago .name }}{{ $c.imageTag }}",
        "{{ with index $.Values.astrago . }}{{ .imageTag }}{{ end }}",
        "{{ (get .Values.astrago .component).imageTag }}",
    ],
)
def test_a_map_that_is_asked_by_a_name_found_elsewhere_may_be_read_at_any_key(
    template: str,
) -> None:
    assert reading_lines({"deployment.yaml": template}, parse_key_path("astrago.core.imageTag"))
