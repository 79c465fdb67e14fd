"""The same key paths in kustomizations, manifests and Argo CD applications."""

from __future__ import annotations

import pytest

from astrago_actions.domain.edit_refused import EditRefused
from astrago_actions.domain.image_string import tag_of
from astrago_actions.domain.values import apply, edit

DIGEST = "sha256:" + "0123456789abcdef" * 4
OTHER_DIGEST = "sha256:" + "fedcba9876543210" * 4

KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
images:
- name: core        # the API server
  newName: ghcr.io/xiilab/astrago-backend
  newTag: "12345678"
- name: ghcr.io/xiilab/frontend:old
  digest: sha256:abc
"""


def test_a_kustomization_takes_tags_and_digests() -> None:
    changes = {
        "images[name=core].newTag": "87654321",
        "images[name=ghcr.io/xiilab/frontend:old].digest": OTHER_DIGEST,
    }

    assert edit(KUSTOMIZATION, changes) == KUSTOMIZATION.replace("12345678", "87654321").replace(
        "sha256:abc", OTHER_DIGEST
    )


def test_a_digest_beside_new_tag_is_pointed_out() -> None:
    text = KUSTOMIZATION.replace('"12345678"\n', f'"12345678"\n  digest: {DIGEST}\n')

    (note,) = apply(text, {"images[name=core].newTag": "v2"}).notes

    assert note.startswith("`images[name=core].digest` (line 7) is set beside")


MANIFEST = """\
kind: Service
spec: {}
---
kind: Deployment
spec:
  template:
    spec:
      containers:
      - name: core
        image: PRESENT # pinned
      - name: sidecar
        image: envoy:v1
"""


@pytest.mark.parametrize(
    ("present", "value", "expected"),
    [
        ("r:5000/a/b:v1", "v2", "r:5000/a/b:v2"),
        (f"r:5000/a/b:v1@{DIGEST}", "v2", "r:5000/a/b:v2"),
        (f"r:5000/a/b:v1@{DIGEST}", f"v2@{OTHER_DIGEST}", f"r:5000/a/b:v2@{OTHER_DIGEST}"),
        (f"r:5000/a/b:v1@{DIGEST}", OTHER_DIGEST, f"r:5000/a/b@{OTHER_DIGEST}"),
        ("r:5000/a/b:v1", f"@{DIGEST}", f"r:5000/a/b@{DIGEST}"),
        ("r:5000/a/b", "v2", "r:5000/a/b:v2"),
        ("nginx:1.25", "1.26", "nginx:1.26"),
        ("ghcr.io/a/b:v1", "quay.io/c/d:v2", "quay.io/c/d:v2"),
        ("nginx", "docker.io/library/nginx:1", "docker.io/library/nginx:1"),
        ('"r:5000/a/b:v1"', "12345678", '"r:5000/a/b:12345678"'),
    ],
)
def test_an_image_keeps_its_repository(present: str, value: str, expected: str) -> None:
    text = MANIFEST.replace("PRESENT", present)
    key = "spec.template.spec.containers[name=core].image"

    assert edit(text, {key: value}) == MANIFEST.replace("PRESENT", expected)


def test_a_bare_word_may_be_a_name_or_a_tag_and_is_refused() -> None:
    with pytest.raises(EditRefused) as caught:
        edit("image: nginx\n", {"image": "v2"})

    assert caught.value.detail == (
        "`image` (line 1) is `nginx`, which may be an image's name or its tag"
    )


def test_an_empty_image_takes_the_value_as_it_is() -> None:
    assert edit("image:\n", {"image": "v2"}) == "image: v2\n"


def test_keys_whose_names_end_in_image_hold_references_too() -> None:
    assert edit("initImage: a/b:v1\n", {"initImage": "v2"}) == "initImage: a/b:v2\n"


def test_other_keys_take_the_value_as_it_is() -> None:
    assert edit("tag: a/b:v1\n", {"tag": "v2"}) == "tag: v2\n"


def test_an_argo_cd_application_takes_helm_parameters() -> None:
    text = """\
kind: Application
spec:
  source:
    helm:
      parameters:
      - {name: image.tag, value: 'core-stage-ca58a8c3'}
      - name: replicas
        value: "2"
"""

    after = edit(text, {"spec.source.helm.parameters[name=image.tag].value": "core-stage-1a2b3c4d"})

    assert after == text.replace("ca58a8c3", "1a2b3c4d")


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("core-stage-1a2b3c4d", "core-stage-1a2b3c4d"),
        ("r:5000/a/b:v1", "v1"),
        (f"r:5000/a/b:v1@{DIGEST}", "v1"),
        (f"a/b@{DIGEST}", ""),
        ("a/b", ""),
        ("", ""),
    ],
)
def test_the_tag_of_a_value(value: str, tag: str) -> None:
    assert tag_of(value) == tag
