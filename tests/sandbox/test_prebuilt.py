from __future__ import annotations

from pathlib import Path

import pytest

from astrago_actions.clients.oci_archive import read_archive
from astrago_actions.sandbox.consumer_tree import source_root
from astrago_actions.sandbox.demo_images import image_story, image_variables
from astrago_actions.sandbox.prebuilt import prebuilt_archives
from astrago_actions.sandbox.scenario import (
    BACKEND_SERVICE,
    FRONTEND_SERVICE,
    Push,
    Service,
    push_change,
)
from astrago_actions.sandbox.world import World


def pushed(service: Service, folder: Path) -> Push:
    with World(folder / "world") as world:
        world.add_examples(source_root() / "examples")
        return push_change(world, service, folder / "checkout")


def test_every_component_of_a_push_gets_an_archive(tmp_path: Path) -> None:
    push = pushed(BACKEND_SERVICE, tmp_path)

    pattern = prebuilt_archives(push, tmp_path / "archives", tmp_path / "npm")

    for component in BACKEND_SERVICE.components:
        image = read_archive(Path(pattern.replace("{component}", component)), tmp_path)
        assert len(image.blobs) == 2


def test_a_machine_without_node_deploys_the_frontend_nevertheless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = pushed(FRONTEND_SERVICE, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    pattern = prebuilt_archives(push, tmp_path / "archives", tmp_path / "npm")

    assert image_variables("28.0", push, tmp_path, tmp_path).keys() == {"IMAGE_ARCHIVE"}
    assert "no node and npm here" in image_story("28.0")
    image = read_archive(Path(pattern.replace("{component}", "frontend")), tmp_path)
    assert len(image.blobs) == 2
