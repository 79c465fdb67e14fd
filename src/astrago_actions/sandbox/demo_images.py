"""How the demo's images come to be: built by the engine that is there, or pushed as archives."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from astrago_actions.sandbox.base_images import has_node, node_image, plain_image
from astrago_actions.sandbox.prebuilt import prebuilt_archives
from astrago_actions.sandbox.scenario import BACKEND_SERVICE, Push, Service


def docker_engine() -> str:
    """The version of the Docker engine that answers here; empty when there is none."""
    if not shutil.which("docker"):
        return ""
    command = ["docker", "info", "--format", "{{.ServerVersion}}"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def image_story(engine: str) -> str:
    """How the images come to be, for people."""
    if not engine:
        return "There is no Docker engine here: prebuilt OCI archives are pushed instead."
    if not has_node():
        return (
            f"Docker {engine} builds and pushes the backend; there is no node and npm here to "
            "make the frontend's base image from, so an OCI archive of it is pushed instead."
        )
    return f"Images are built and pushed by Docker {engine}."


def image_variables(engine: str, push: Push, folder: Path, cache: Path) -> dict[str, str]:
    """The repository variables that tell the service's workflow what its images are made of.

    Archives go into `folder`; `cache` keeps Node packages from one demo to the next.
    """
    packages = cache / "npm"
    if not _is_built(engine, push.service):
        return {"IMAGE_ARCHIVE": prebuilt_archives(push, folder, packages)}
    if push.service == BACKEND_SERVICE:
        return {"JAVA_IMAGE": plain_image()}
    return {"NODE_IMAGE": node_image(push.checkout, packages), "WEB_IMAGE": plain_image()}


def forget_images(engine: str, images: Iterable[str]) -> None:
    """Leave no names behind in the engine that point to a registry which is gone."""
    if engine:
        subprocess.run(["docker", "image", "rm", *images], capture_output=True, check=False)


def _is_built(engine: str, service: Service) -> bool:
    return bool(engine) and (service == BACKEND_SERVICE or has_node())
