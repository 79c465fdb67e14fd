"""Reading images from files: OCI layouts and archives, and what `docker save` writes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from astrago_actions.clients.docker_config import private_docker_config
from astrago_actions.clients.oci_archive import read_archive
from astrago_actions.clients.registry import Credentials
from astrago_actions.errors import ActionError, NotFound
from astrago_actions.inputs import Secret
from astrago_actions.sandbox.oci_archive import write_oci_archive
from tests.engine import Engine
from tests.images import Layout, attestation, for_platform, named
from tests.registries import CLASSIC_TOKEN, SandboxRegistry


@pytest.fixture
def layout() -> Layout:
    return Layout()


def contents(path: Path, *names: str) -> list[bytes]:
    """The bytes of all blobs of the image, in order."""
    image = read_archive(path, path.parent, names)
    found = []
    for blob in image.blobs:
        with blob.open() as file:
            found.append(file.read())
    return found


def save_tar(path: Path, entries: list[dict[str, object]], files: dict[str, bytes | str]) -> Path:
    """A `docker save` archive; a file whose content is text is a link to it."""
    listed = {"manifest.json": json.dumps(entries).encode(), **files}
    with tarfile.open(path, "w") as tar:
        for name, content in listed.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_every_blob_has_the_digest_and_size_that_the_manifest_names(
    layout: Layout, tmp_path: Path, form: str
) -> None:
    root = layout.add_image(labels={"a": "b"})
    written = layout.write_folder if form == "folder" else layout.write_tar
    path = written(tmp_path / "image", root)

    image = read_archive(path, tmp_path)

    assert image.manifest.digest == root["digest"]
    assert image.labels == {"a": "b"}
    for blob, content in zip(image.blobs, contents(path), strict=True):
        assert blob.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert blob.size == len(content)
    assert image.size.largest == sum(blob.size for blob in image.blobs)


def test_a_blob_can_be_read_again_and_in_parts(layout: Layout, tmp_path: Path) -> None:
    path = layout.write_tar(tmp_path / "image.tar", layout.add_image(b"x" * 10_000))
    blob = read_archive(path, tmp_path).blobs[-1]

    with blob.open() as first, blob.open() as second:
        parts = [first.read(7), second.read(), first.read(), first.read()]

    assert parts[0] + parts[2] == parts[1]
    assert parts[3] == b""


def test_what_the_sandbox_writes_can_be_read(tmp_path: Path) -> None:
    jar = tmp_path / "app.jar"
    jar.write_bytes(b"PK")

    digest = write_oci_archive(tmp_path / "core.tar", {"app/app.jar": jar}, {"Labels": {"a": "b"}})

    image = read_archive(tmp_path / "core.tar", tmp_path)
    assert image.manifest.digest == digest
    assert image.labels == {"a": "b"}


def test_an_index_brings_its_members_but_counts_no_attestation(
    layout: Layout, tmp_path: Path
) -> None:
    amd64 = for_platform(layout.add_image(b"1"), "linux/amd64")
    arm64 = for_platform(layout.add_image(b"2" * 9999), "linux/arm64")
    proof = attestation(layout.add_image(b"proof"))
    path = layout.write_tar(tmp_path / "multi.tar", layout.add_index([amd64, arm64, proof]))

    image = read_archive(path, tmp_path)

    assert [each.digest for each in image.members] == [
        each["digest"] for each in (amd64, arm64, proof)
    ]
    assert set(image.size.platforms) == {"linux/amd64", "linux/arm64"}


def test_one_of_several_images_is_found_by_name(layout: Layout, tmp_path: Path) -> None:
    core, batch = layout.add_image(b"core"), layout.add_image(b"batch")
    path = layout.write_tar(tmp_path / "all.tar", named(core, "core"), named(batch, "batch"))

    image = read_archive(path, tmp_path, ["batch-stage-1", "batch"])

    assert image.manifest.digest == batch["digest"]


def test_several_images_without_the_name_are_listed(layout: Layout, tmp_path: Path) -> None:
    core, batch = layout.add_image(b"core"), layout.add_image(b"batch")
    path = layout.write_tar(tmp_path / "all.tar", named(core, "core"), named(batch, "batch"))

    with pytest.raises(NotFound, match="holds core, batch; looked for web"):
        read_archive(path, tmp_path, ["web"])


def test_layers_with_an_address_of_their_own_are_not_pushed(layout: Layout, tmp_path: Path) -> None:
    config = layout.add(b"{}", "application/vnd.oci.image.config.v1+json")
    foreign = {
        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "digest": f"sha256:{'f' * 64}",
        "size": 5,
        "urls": ["https://example.com/layer"],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [foreign],
    }
    root = layout.add(json.dumps(manifest).encode(), str(manifest["mediaType"]))

    image = read_archive(layout.write_tar(tmp_path / "i.tar", root), tmp_path)

    assert [blob.digest for blob in image.blobs] == [config["digest"]]


class TestDockerSave:
    CONFIG = json.dumps({"config": {"Labels": {"a": "b"}}, "rootfs": {"type": "layers"}}).encode()

    def test_layers_are_compressed_the_same_way_each_time(self, tmp_path: Path) -> None:
        entries: list[dict[str, object]] = [
            {"Config": "c.json", "RepoTags": None, "Layers": ["1/layer.tar"]}
        ]
        files: dict[str, bytes | str] = {"c.json": self.CONFIG, "1/layer.tar": b"layer" * 100}
        path = save_tar(tmp_path / "saved.tar", entries, files)

        first, second = read_archive(path, tmp_path), read_archive(path, tmp_path)

        assert first.manifest.digest == second.manifest.digest
        assert first.labels == {"a": "b"}
        assert gzip.decompress(contents(path)[1]) == b"layer" * 100

    def test_layers_that_are_links_are_followed(self, tmp_path: Path) -> None:
        entries: list[dict[str, object]] = [
            {"Config": "c.json", "RepoTags": None, "Layers": ["1/layer.tar", "2/layer.tar"]}
        ]
        files: dict[str, bytes | str] = {
            "c.json": self.CONFIG,
            "1/layer.tar": b"layer",
            "2/layer.tar": "../1/layer.tar",
        }
        path = save_tar(tmp_path / "saved.tar", entries, files)

        assert [gzip.decompress(each) for each in contents(path)[1:]] == [b"layer", b"layer"]

    @pytest.mark.docker
    def test_what_an_engine_saves_is_pushed_and_pulled_again(
        self, docker_engine: Engine, tmp_path: Path, sandbox_registry: SandboxRegistry
    ) -> None:
        (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\nLABEL a=b\n")
        name = f"{sandbox_registry.host}/xiilab/saved:1"
        docker_engine.run("build", "--tag", name, str(tmp_path), DOCKER_BUILDKIT="0")
        docker_engine.run("save", "--output", str(tmp_path / "saved.tar"), name)
        docker_engine.forget(sandbox_registry.host)

        image = read_archive(tmp_path / "saved.tar", tmp_path, [name])
        sandbox_registry.client().push(image, "xiilab/saved", "1")

        assert image.labels == {"a": "b"}
        assert sandbox_registry.registry.digest_of("xiilab/saved", "1") == image.manifest.digest
        login = Credentials("octocat", Secret(CLASSIC_TOKEN))
        with private_docker_config({sandbox_registry.host: login}, None) as config:
            docker_engine.run("pull", name, DOCKER_CONFIG=str(config))
        docker_engine.forget(sandbox_registry.host)


@pytest.mark.parametrize(
    "content",
    [b"", b"not a tar", gzip.compress(b"x" * 2000)],
    ids=["empty", "text", "compressed"],
)
def test_a_file_that_is_no_archive_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.tar"
    path.write_bytes(content)

    with pytest.raises(ActionError, match=r"broken\.tar is not an image archive"):
        read_archive(path, tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("index.json", b"{"),
        ("index.json", b'{"manifests": []}'),
        ("index.json", b'{"manifests": [{"digest": "sha256:1"}]}'),
        ("manifest.json", b"[{}]"),
        ("other.json", b"{}"),
    ],
)
def test_a_layout_that_lacks_something_says_what(tmp_path: Path, name: str, content: bytes) -> None:
    folder = tmp_path / "layout"
    folder.mkdir()
    (folder / name).write_bytes(content)

    with pytest.raises(ActionError):
        read_archive(folder, tmp_path)


def test_a_cut_layer_is_found_before_it_is_pushed(layout: Layout, tmp_path: Path) -> None:
    root = layout.add_image(b"app" * 100)
    folder = layout.write_folder(tmp_path / "layout", root)
    largest = max((folder / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-1])

    with pytest.raises(ActionError, match=r"bytes, its manifest says|has another digest"):
        read_archive(folder, tmp_path)
