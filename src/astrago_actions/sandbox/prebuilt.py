"""OCI archives of the example services, for machines without a Docker engine."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from astrago_actions.sandbox.base_images import has_node, install_packages
from astrago_actions.sandbox.oci_archive import write_oci_archive
from astrago_actions.sandbox.scenario import BACKEND_SERVICE, Push


def prebuilt_archives(push: Push, folder: Path, packages: Path) -> str:
    """Build the service and write one archive per component into `folder`.

    Returns the path of the archives with `{component}` in it, as `ghcr-push` takes it. The images
    hold what the Dockerfiles copy, without a base image, so they can be deployed but not started.
    """
    if push.service == BACKEND_SERVICE:
        _archive_backend(push, folder)
    else:
        _archive_frontend(push, folder, packages)
    return str(folder / "{component}.tar")


def _archive_backend(push: Push, folder: Path) -> None:
    build = ["./build.sh", *push.service.components]
    subprocess.run(build, cwd=push.checkout, stdout=subprocess.DEVNULL, check=True)
    settings = {"Entrypoint": ["java", "-jar", "/app/app.jar"], "User": "10001:10001"}
    for component in push.service.components:
        jar = push.checkout / f"server-{component}/build/libs/server-{component}-1.0.jar"
        write_oci_archive(folder / f"{component}.tar", {"app/app.jar": jar}, settings)


def _archive_frontend(push: Push, folder: Path, packages: Path) -> None:
    """The built site; on a machine without npm its sources, which deploy just as well."""
    site = push.checkout / "src"
    if has_node():
        install_packages(push.checkout, packages)
        build = ["npm", "run", "--silent", "build"]
        subprocess.run(build, cwd=push.checkout, stdout=subprocess.DEVNULL, check=True)
        site = push.checkout / "dist"
    settings: dict[str, Any] = {"User": "101:101"}
    files = {"usr/share/nginx/html": site}
    write_oci_archive(folder / "frontend.tar", files, settings)
