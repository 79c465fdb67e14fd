from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from astrago_actions.sandbox.oci_archive import write_oci_archive


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    path = tmp_path / "server-core-1.0.jar"
    path.write_bytes(b"PK jar")
    return path


def blobs(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {each.name: (tar.extractfile(each) or io.BytesIO()).read() for each in tar}


def blob(contents: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    content = contents[f"blobs/{descriptor['digest'].replace(':', '/')}"]
    assert len(content) == descriptor["size"]
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == descriptor["digest"]
    return content


def test_every_descriptor_names_the_size_and_digest_of_its_blob(jar: Path, tmp_path: Path) -> None:
    archive = tmp_path / "core.tar"

    digest = write_oci_archive(archive, {"app/app.jar": jar}, {"User": "10001:10001"})

    contents = blobs(archive)
    index = json.loads(contents["index.json"])
    assert [each["digest"] for each in index["manifests"]] == [digest]
    manifest = json.loads(blob(contents, index["manifests"][0]))
    configuration = json.loads(blob(contents, manifest["config"]))
    layer = gzip.decompress(blob(contents, manifest["layers"][0]))
    assert configuration["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert configuration["config"] == {"User": "10001:10001"}
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert tar.getnames() == ["app/app.jar"]


def test_the_same_files_make_the_same_image(jar: Path, tmp_path: Path) -> None:
    first = write_oci_archive(tmp_path / "a.tar", {"app/app.jar": jar}, {})
    jar.touch()

    assert write_oci_archive(tmp_path / "b.tar", {"app/app.jar": jar}, {}) == first
