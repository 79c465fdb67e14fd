"""What the inputs of a part are called in the whole that it belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping

# An input by itself, as in `branch`, or with a value, as in `mode: pull-request`.
_NAMED = re.compile(r"`([a-z][a-z-]*)(?=`|: )")


def renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with each input in backticks under its name in `names` (part's -> whole's)."""
    return _NAMED.sub(lambda match: f"`{names.get(match[1], match[1])}", text)
