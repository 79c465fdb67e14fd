"""Long YAML files of every kind that an edit has to find its way through.

Each is made of parts with a number, as many as it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from bench.values_files import chart


@dataclass(frozen=True)
class LongFile:
    """`kind` says what is special about the text; `key` is the path of a tag in it."""

    kind: str
    text: str
    key: str


@dataclass(frozen=True)
class _Kind:
    name: str
    key: str
    part: Callable[[int], str]
    head: str = ""
    separator: str = ""


def of_lines(lines: int) -> Iterator[LongFile]:
    """One file of each kind with at least so many lines."""
    return (_made(kind, lambda part: part.count("\n"), lines) for kind in _KINDS)


def of_size(size: int) -> Iterator[LongFile]:
    """One file of each kind with at least so many bytes."""
    return (_made(kind, lambda part: len(part.encode()), size) for kind in _KINDS)


def _made(kind: _Kind, measure: Callable[[str], int], least: int) -> LongFile:
    parts = [kind.head]
    have = measure(kind.head)
    for number in count():
        part = (kind.separator if number else "") + kind.part(number)
        parts.append(part)
        have += measure(part)
        if have >= least:
            return LongFile(kind.name, "".join(parts), kind.key)
    raise AssertionError


def _chart(number: int) -> str:
    return chart(Random(number), number)


def _dense(number: int) -> str:
    return f"""\
service{number}:
  image:
    repository: ghcr.io/example/service{number}
    tag: v1.2.3
  replicas: 2
  enabled: true
"""


def _items(number: int) -> str:
    return f"""\
  - name: service{number}
    image:
      repository: ghcr.io/example/service{number}
      tag: "v1.2.3"
    hosts:
    - a.example.com
    - b.example.com
"""


def _flow_items(number: int) -> str:
    return f'  - {{name: service{number}, tag: v1.2.3, args: ["--a", "b c"]}}\n'


def _tabs(number: int) -> str:
    return f"""\
service{number}:\t# 서비스
  image:
    repository: ghcr.io/example/service{number}\t# where
    tag:\tv1.2.3
  pullPolicy: Always\t
"""


def _blocks(number: int) -> str:
    return f"""\
service{number}:
  image: {{repository: ghcr.io/example/service{number}, tag: v1.2.3}}
  script: |2
      echo {number}
    exit 0
  note: >-

    a long text: of
    some lines
  resources: {{limits: {{cpu: 500m, memory: 1Gi}},
    requests: {{cpu: 100m}}}}
  args: [
    --first, "second",
    'third: x',
  ]
"""


def _quotes(number: int) -> str:
    return f"""\
service{number}:
  tag: v1.2.3
  first: "goes on
    in the next line \\
    and the next"
  second: 'goes on

    later'
  third: words that go on
    in the next line
  fourth:
    stands below its key
"""


def _manifest(number: int) -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: service{number}
  labels: {{app: service{number}}}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: service{number}
          image: ghcr.io/example/service{number}:v1.2.3
          command: ["sh", "-c", "exec server --port 8080 && exit 1"]
          env:
            - name: HOME
              value: /
            - name: PASSWORD
              valueFrom: {{secretKeyRef: {{name: secret, key: password}}}}
          ports:
            - containerPort: 8080
"""


def _kustomization(number: int) -> str:
    return f"""\
  - name: service{number}
    newName: ghcr.io/example/service{number}
    newTag: v1.2.3
"""


def _odd_keys(number: int) -> str:
    return f"""\
service{number}:
  image:
    tag: v1.2.3
  "on\\ttwo" : x
  ? complex
  : y
  replicas: 2
  url: http://example.com:80/
  enabled: true
  verbose: off
  port: 80
  path: /
"""


_KINDS = (
    _Kind("values with comments", "service3.image.tag", _chart),
    _Kind("dense, no comments", "service3.image.tag", _dense),
    _Kind("lists of maps", "services[name=service3].image.tag", _items, "services:\n"),
    _Kind("lists of maps, by position", "services[3].image.tag", _items, "services:\n"),
    _Kind("lists of maps in brackets", "services[name=service3].tag", _flow_items, "services:\n"),
    _Kind("tabs behind colons and values", "service3.image.tag", _tabs),
    _Kind("blocks of text, brackets on several lines", "service3.image.tag", _blocks),
    _Kind("strings on several lines", "service3.tag", _quotes),
    _Kind("many documents", "service3.image.tag", _dense, separator="---\n"),
    _Kind(
        "manifests",
        "spec.template.spec.containers[name=service3].image",
        _manifest,
        separator="---\n",
    ),
    _Kind("kustomization.yaml", "images[name=service3].newTag", _kustomization, "images:\n"),
    _Kind("keys that only a full reader knows", "service3.image.tag", _odd_keys),
)
