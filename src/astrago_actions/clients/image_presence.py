"""Whether the images that a bump names can be pulled at all."""

from __future__ import annotations

from collections.abc import Mapping

from astrago_actions.clients.registry import RegistryClient
from astrago_actions.clients.registry_session import Credentials
from astrago_actions.clock import Clock
from astrago_actions.domain.references import ImageReference
from astrago_actions.inputs import Secret


def absent_images(
    images: Mapping[str, ImageReference],
    *,
    username: str,
    token: Secret,
    source_repository: str,
    clock: Clock,
) -> dict[str, ImageReference]:
    """The images, by component, that their registry does not have.

    Raises AccessDenied when the credentials may not look, Unreachable when nobody answers.
    """
    clients: dict[str, RegistryClient] = {}
    absent: dict[str, ImageReference] = {}
    try:
        for component, image in images.items():
            client = clients.setdefault(
                image.registry,
                RegistryClient(
                    image.registry,
                    Credentials(username, token),
                    clock=clock,
                    source=source_repository,
                ),
            )
            if client.digest(image.repository, image.digest or image.tag) is None:
                absent[component] = image
    finally:
        for client in clients.values():
            client.close()
    return absent
