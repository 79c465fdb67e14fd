from __future__ import annotations

from pathlib import Path

from astrago_actions.clients.oci_archive import read_archive
from astrago_actions.sandbox.consumer_tree import source_root
from astrago_actions.sandbox.prebuilt import prebuilt_archives
from astrago_actions.sandbox.scenario import BACKEND_SERVICE, push_change
from astrago_actions.sandbox.world import World


def test_every_component_of_a_push_gets_an_archive(tmp_path: Path) -> None:
    with World(tmp_path / "world") as world:
        world.add_examples(source_root() / "examples")
        push = push_change(world, BACKEND_SERVICE, tmp_path / "checkout")

        pattern = prebuilt_archives(push, tmp_path / "archives", tmp_path / "npm")

    for component in BACKEND_SERVICE.components:
        image = read_archive(Path(pattern.replace("{component}", component)), tmp_path)
        assert len(image.blobs) == 2
