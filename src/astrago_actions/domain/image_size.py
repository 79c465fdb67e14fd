"""How large an image is, in compressed bytes: what a registry keeps and a node has to pull."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class ImageSize:
    """Compressed bytes by platform; an image for one platform has one entry, under any name."""

    platforms: Mapping[str, int]

    @property
    def largest(self) -> int:
        """The bytes of the largest platform: no node pulls more than that."""
        return max(self.platforms.values(), default=0)


def in_megabytes(size: int) -> str:
    """Decimal megabytes with one digit, such as `24.1 MB`; small images in kilobytes."""
    if size < MEGABYTE:
        return f"{size / 1000:.1f} kB"
    return f"{size / MEGABYTE:.1f} MB"


def over_budget(sizes: Mapping[str, ImageSize], most: int | None) -> dict[str, int]:
    """The components whose image is larger than `most` bytes, and by how many bytes."""
    if most is None:
        return {}
    return {name: size.largest - most for name, size in sizes.items() if size.largest > most}
