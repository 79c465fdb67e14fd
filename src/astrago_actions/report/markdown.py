"""Text from outside in GitHub's Markdown."""

from __future__ import annotations

import html
import re

TEXT_LENGTH = 300
_SPECIAL = str.maketrans({char: f"&#{ord(char)};" for char in "\\`*_[]|~$#"})


def escaped(text: str) -> str:
    """Text from outside on one line, shown as it is by GitHub's Markdown."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    shortened = " ".join(printable.split())[:TEXT_LENGTH]
    return html.escape(shortened, quote=False).translate(_SPECIAL)


def code(text: str) -> str:
    """Text from outside as code on one line, also in a cell of a table."""
    plain = text.isprintable() and len(text) <= TEXT_LENGTH and not re.search(r"[`|]", text)
    return f"`{text}`" if plain else f"<code>{escaped(text)}</code>"


def fenced(text: str, language: str) -> str:
    """Lines of text from outside as a block of code, which none of them ends."""
    longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    lines = text.rstrip("\n")
    return f"{fence}{language}\n{lines}\n{fence}\n"
