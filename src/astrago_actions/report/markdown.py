"""Text from outside in GitHub's Markdown."""

from __future__ import annotations

import html

TEXT_LENGTH = 300
_SPECIAL = str.maketrans({char: f"&#{ord(char)};" for char in "\\`*_[]|~$#"})


def escaped(text: str) -> str:
    """Text from outside on one line, shown as it is by GitHub's Markdown."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    shortened = " ".join(printable.split())[:TEXT_LENGTH]
    return html.escape(shortened, quote=False).translate(_SPECIAL)
