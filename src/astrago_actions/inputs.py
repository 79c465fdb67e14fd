"""Reading an action's inputs: types, choices and cross-checks, every mistake reported at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from astrago_actions.errors import InputErrors, Mistake

Choice = TypeVar("Choice", bound=str)

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")
_DAYS = re.compile(r"(\d+)d")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?i?B?)", re.IGNORECASE)
_SIZE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE_UNITS_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*)/[A-Za-z0-9._-]+")


class Secret:
    """A value that never shows itself by accident: `reveal()` is the only way to read it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


class InputReader:
    """Turns the inputs as they were given (all strings) into typed values.

    A wrong value is noted as a mistake and a harmless stand-in returned, so that one pass finds
    everything; `check()` then raises `InputErrors`. `aliases` maps the names used here to the
    names the user knows them by; `mask` is told every secret before anyone can print it.
    """

    def __init__(
        self,
        given: Mapping[str, str],
        *,
        aliases: Mapping[str, str] | None = None,
        mask: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._given = {name.lower(): value for name, value in given.items()}
        self._aliases = aliases or {}
        self._mask = mask
        self.mistakes: list[Mistake] = []

    def mistake(self, name: str, message: str) -> None:
        """Note that the input `name` is wrong, and why, in words that say how to put it right."""
        self.mistakes.append(Mistake(self._aliases.get(name, name), message))

    def check(self) -> None:
        """Raise `InputErrors` if any mistake was noted."""
        if self.mistakes:
            raise InputErrors(tuple(self.mistakes))

    def part(self, names: Mapping[str, str], known: Mapping[str, str]) -> InputReader:
        """The inputs of one part of a whole: `names` maps its names to ours.

        `known` holds values that are no inputs of ours. Mistakes are noted here, under our names.
        """
        given = {name: self.text(ours) for name, ours in names.items()}
        reader = InputReader({**given, **known}, aliases=names, mask=self._mask)
        reader.mistakes = self.mistakes
        return reader

    def text(self, name: str, default: str = "") -> str:
        """The value without surrounding blanks, or `default` when it is empty."""
        return self._given.get(name, "").strip() or default

    def required(self, name: str) -> str:
        """The value, which must not be empty."""
        value = self.text(name)
        if not value:
            self.mistake(name, "is required and was not given")
        return value

    def choice(self, name: str, choices: Sequence[Choice], default: Choice) -> Choice:
        """One of `choices`."""
        value = self.text(name)
        if not value:
            return default
        for each in choices:
            if value == each:
                return each
        self.mistake(name, f"must be one of {', '.join(choices)}; it is `{value}`")
        return default

    def flag(self, name: str, *, default: bool = False) -> bool:
        """`true` or `false`."""
        value = self.text(name).lower()
        if value in {"", "true", "false"}:
            return default if not value else value == "true"
        self.mistake(name, f"must be true or false; it is `{value}`")
        return default

    def whole_number(self, name: str, default: int, *, least: int = 0) -> int:
        """A whole number that is at least `least`."""
        value = self.text(name)
        if not value:
            return default
        if not (value.isascii() and value.isdigit()) or int(value) < least:
            self.mistake(name, f"must be a whole number of at least {least}; it is `{value}`")
            return default
        return int(value)

    def seconds(self, name: str, default: float) -> float:
        """A duration: plain seconds, or `90s`, `10m`, `1h30m`, `30d`."""
        value = self.text(name)
        if not value:
            return default
        parsed = parse_duration(value)
        if parsed is None:
            self.mistake(name, f"must be a duration such as 90, 10m or 1h30m; it is `{value}`")
            return default
        return parsed

    def size(self, name: str) -> int | None:
        """A number of bytes such as `250MB` or `1.5GiB`; None when it is empty."""
        value = self.text(name)
        if not value:
            return None
        parsed = parse_size(value)
        if parsed is None:
            self.mistake(name, f"must be a size such as 250MB or 1.5GiB; it is `{value}`")
        return parsed

    def secret(self, name: str) -> Secret | None:
        """A secret, masked in the log from now on; None when it is empty."""
        value = self.text(name)
        if not value:
            return None
        self._mask(value)
        return Secret(value)

    def required_secret(self, name: str, hint: str = "") -> Secret:
        """A secret that must be there; `hint` says which one is meant."""
        found = self.secret(name)
        if found is None:
            because = f": {hint}" if hint else ""
            self.mistake(name, f"is required and is empty (is the secret set here?){because}")
        return found or Secret("")

    def repository(self, name: str, default: str = "") -> str:
        """A GitHub repository as `owner/name`; required when there is no default."""
        value = self.text(name, default)
        if not value:
            self.mistake(name, "is required and was not given")
        elif not _REPOSITORY.fullmatch(value):
            self.mistake(name, f"must be owner/name; it is `{value}`")
        return value

    def url(self, name: str) -> str:
        """An http or https address without a trailing slash, or an empty string."""
        value = self.text(name).rstrip("/")
        if not value:
            return ""
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            self.mistake(name, f"must be an http(s) address; it is `{value}`")
        elif parts.username or parts.password:
            self.mistake(name, "must not hold credentials; give them in their own inputs")
        return value

    def items(self, name: str) -> tuple[str, ...]:
        """A list: JSON, or parted by commas or newlines; blanks and empty items are dropped."""
        value = self.text(name)
        if not value.startswith("["):
            return tuple(part.strip() for part in re.split(r"[,\n]", value) if part.strip())
        parsed = self._json(name, value)
        if parsed is None:
            return ()
        if not all(isinstance(each, str) for each in parsed):
            self.mistake(name, "must be a JSON list of strings")
            return ()
        return tuple(parsed)

    def lines(self, name: str) -> tuple[str, ...]:
        """The non-empty lines, without surrounding blanks."""
        return tuple(line.strip() for line in self.text(name).splitlines() if line.strip())

    def mapping(self, name: str) -> dict[str, str]:
        """A map of strings: a JSON object, or lines `name=value`."""
        value = self.text(name)
        if value.startswith("{"):
            parsed = self._json(name, value)
            if parsed is None:
                return {}
            if not all(isinstance(each, str) for each in parsed.values()):
                self.mistake(name, "must be a JSON object whose values are strings")
                return {}
            return dict(parsed)
        found: dict[str, str] = {}
        for line in self.lines(name):
            key, separator, rest = line.partition("=")
            if not separator or not key.strip():
                self.mistake(name, f"line `{line}` is not name=value")
            elif key.strip() in found:
                self.mistake(name, f"names `{key.strip()}` twice")
            else:
                found[key.strip()] = rest.strip()
        return found

    def json_value(self, name: str) -> Any:
        """Any JSON value; None when the input is empty or broken (the latter is a mistake)."""
        value = self.text(name)
        return self._json(name, value) if value else None

    def _json(self, name: str, value: str) -> Any:
        try:
            return json.loads(value)
        except ValueError as error:
            self.mistake(name, f"is not valid JSON ({error})")
            return None


def parse_duration(text: str) -> float | None:
    """Seconds in `600`, `90s`, `10m`, `1h30m` or `30d`; None when it is none of these."""
    compact = text.replace(" ", "")
    days = _DAYS.fullmatch(compact)
    if days:
        return float(days[1]) * 86400
    match = _DURATION.fullmatch(compact)
    if not compact or match is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def parse_size(text: str) -> int | None:
    """Bytes in `123`, `250MB` (decimal) or `1.5GiB` (binary); None when it is none of these."""
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    unit = match[2].lower().removesuffix("b")
    factor = {**_SIZE_UNITS, **_SIZE_UNITS_BINARY}.get(unit)
    return None if factor is None else int(float(match[1]) * factor)
