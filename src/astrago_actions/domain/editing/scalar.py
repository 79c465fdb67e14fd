"""Writing a string as a YAML scalar that every reader takes for that same string."""

from __future__ import annotations

import re

# The union of what YAML 1.1 (yaml.org/type), the YAML 1.2 core schema and go-yaml v2 and v3
# (resolve.go; Helm's parser) take for something other than a string.
_WORDS = frozenset(
    form
    for word in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
    for form in (word, word.capitalize(), word.upper())
)
_NUMBER = re.compile(
    r"""[-+]?(?:
        [0-9][0-9_]*                                                # 12345678, 1_000, 08, 017
      | 0b[01_]+ | 0o[0-7_]+ | 0x[0-9a-f_]+                         # 0x1f
      | (?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:e[-+]?[0-9_]+)?      # 1.5, 1234e567
      | [0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?                 # 12:30:45 in base 60
      | \.(?:inf|nan)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_TIME = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?")

# Written without quotes only in this grammar, which has no indicator of YAML in it.
_PLAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_./@+-]|:(?=[A-Za-z0-9_./@+-]))*")

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NOT_PRINTABLE = re.compile(
    "[^ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def is_misread(plain: str) -> bool:
    """Whether some reader takes this, written without quotes, for something but a string.

    That is null, a boolean, a number, a date or time, or the merge key.
    """
    return bool(
        plain in ("", "~", "=", "<<")
        or plain in _WORDS
        or _NUMBER.fullmatch(plain)
        or _TIME.fullmatch(plain)
    )


def needs_quotes(value: str) -> bool:
    """Whether YAML 1.1, YAML 1.2 and Go may not all read this as the same string unquoted."""
    return not _PLAIN.fullmatch(value) or is_misread(value)


def written(value: str, style: str = "", *, in_flow: bool = False) -> str:
    """The scalar's text in `style` (`"`, `'` or none), quoted where none would be misread.

    Single quotes cannot hold line breaks and control characters: those get double quotes.
    """
    if style == "'" and not _NOT_PRINTABLE.search(value):
        return "'" + value.replace("'", "''") + "'"
    if not style and not needs_quotes(value) and not (in_flow and ":" in value):
        return value
    escaped = re.sub(r'["\\]', lambda match: _ESCAPES[match[0]], value)
    return '"' + _NOT_PRINTABLE.sub(_escape, escaped) + '"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
