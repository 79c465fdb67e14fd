"""Reading fields of JSON that comes from Go: absent, null and empty are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


def loaded(body: bytes) -> Json:
    """A JSON object; empty when it is something else."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, Mapping) else {}


def object_at(value: Json, key: str) -> Json:
    """An object in an object."""
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def objects_at(value: Json, key: str) -> list[Json]:
    """The objects of a list; whatever else is in it is left out."""
    found = value.get(key)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def text_at(value: Json, key: str) -> str:
    """A string; other values as text."""
    found = value.get(key)
    return found if isinstance(found, str) else "" if found is None else str(found)


def number_of(value: object) -> int:
    """A whole number, also where it comes as text; 0 for anything else."""
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() else 0
