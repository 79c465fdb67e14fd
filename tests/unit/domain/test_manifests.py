from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.domain.manifests import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    BrokenManifest,
    ImageIndex,
    ImageManifest,
    labels_of,
    parse_manifest,
)

LAYER = {"mediaType": "application/octet-stream", "digest": "sha256:1", "size": 100}
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:2", "size": 7}


def image(**members: object) -> bytes:
    return json.dumps(
        {"schemaVersion": 2, "config": CONFIG, "layers": [LAYER, LAYER], **members}
    ).encode()


def index(*manifests: dict[str, object], **members: object) -> bytes:
    return json.dumps({"schemaVersion": 2, "manifests": manifests, **members}).encode()


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
def test_size_is_configuration_and_layers(media_type: str) -> None:
    parsed = parse_manifest(image(mediaType=media_type))

    assert isinstance(parsed, ImageManifest)
    assert parsed.media_type == media_type
    assert parsed.size == 207


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_INDEX])
def test_attestations_are_no_images(media_type: str) -> None:
    amd64 = {**LAYER, "platform": {"os": "linux", "architecture": "amd64"}}
    arm = {**LAYER, "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}
    proof = {
        **LAYER,
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    }

    parsed = parse_manifest(index(amd64, arm, proof), media_type)

    assert isinstance(parsed, ImageIndex)
    assert [each.platform for each in parsed.images] == ["linux/amd64", "linux/arm/v7"]
    assert len(parsed.manifests) == 3


def test_the_kind_is_found_without_a_media_type() -> None:
    assert isinstance(parse_manifest(image()), ImageManifest)
    assert isinstance(parse_manifest(index()), ImageIndex)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'{"layers": []}',
        b'{"manifests": [{}]}',
        b'{"manifests": [{"mediaType": "a", "digest": "b", "size": Infinity}]}',
        b'{"mediaType": "application/vnd.docker.distribution.manifest.v1+prettyjws"}',
    ],
)
def test_what_is_no_manifest_is_said_to_be_broken(content: bytes) -> None:
    with pytest.raises(BrokenManifest):
        parse_manifest(content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["mediaType", "config", "layers", "manifests", "digest", "size"]), inner
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_any_json_is_either_a_manifest_or_broken(value: object) -> None:
    with suppress(BrokenManifest):
        parse_manifest(json.dumps(value).encode())


@given(json_values)
def test_any_configuration_has_labels_or_none(value: object) -> None:
    assert isinstance(labels_of(json.dumps({"config": value}).encode()), dict)


def test_labels_are_read() -> None:
    assert labels_of(b'{"config": {"Labels": {"a": "b"}}}') == {"a": "b"}
    assert labels_of(b"nonsense") == {}
