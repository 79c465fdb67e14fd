"""An OCI registry on loopback that `docker push` and `docker pull` cannot tell from GHCR."""

from astrago_actions.sandbox.registry.application import Registry

__all__ = ["Registry"]
