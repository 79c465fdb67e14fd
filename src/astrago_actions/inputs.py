"""Reading an action's inputs: types, choices and cross-checks, every mistake reported at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from astrago_actions.errors import InputErrors, Mistake

Choice = TypeVar("Choice", bound=str)

# Compiled where they are used, since each action uses few of them.
_DURATION = (
    r"(?:([0-9]{1,9})d\s*)?(?:([0-9]{1,9})h\s*)?(?:([0-9]{1,9})m\s*)?"
    r"(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)s?)?"
)
_SIZE = r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([KMGTkmgt]?i?[Bb]?)"
_REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9_-]*/(?!\.{1,2}$)[A-Za-z0-9._-]+"
_WHOLE_NUMBER = r"[0-9]{1,18}"
_LINE_BREAK = r"\r\n|[\r\n]"

_SIZE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE_UNITS_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SHOWN_LENGTH = 100


class Secret:
    """A value that never shows itself by accident: `reveal()` is the only way to read it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that sends it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

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
        noted = Mistake(self._aliases.get(name, name), message)
        if noted not in self.mistakes:
            self.mistakes.append(noted)

    def known_as(self, *names: str) -> list[str]:
        """What the user calls these inputs; those that the user's action lacks are left out."""
        return [
            self._aliases.get(name, name)
            for name in names
            if not self._aliases or name in self._aliases
        ]

    def check(self) -> None:
        """Raise `InputErrors` if any mistake was noted."""
        if self.mistakes:
            raise InputErrors(tuple(self.mistakes))

    def part(self, names: Mapping[str, str], known: Mapping[str, str]) -> InputReader:
        """The inputs of one part of a whole: `names` maps its names to ours.

        `known` holds values that are no inputs of ours. Mistakes are noted here, under our names.
        """
        given = {name: self.text(ours) for name, ours in names.items()}
        aliases = {name: self._aliases.get(ours, ours) for name, ours in names.items()}
        reader = InputReader({**given, **known}, aliases=aliases, mask=self._mask)
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
        self.mistake(name, f"must be one of {', '.join(choices)}; it is {_shown(value)}")
        return default

    def flag(self, name: str, *, default: bool = False) -> bool:
        """`true` or `false`."""
        value = self.text(name).lower()
        if value in {"", "true", "false"}:
            return default if not value else value == "true"
        self.mistake(name, f"must be true or false; it is {_shown(value)}")
        return default

    def whole_number(self, name: str, default: int, *, least: int = 0) -> int:
        """A whole number that is at least `least`."""
        value = self.text(name)
        if not value:
            return default
        if not re.fullmatch(_WHOLE_NUMBER, value) or int(value) < least:
            self.mistake(name, f"must be a whole number of at least {least}; it is {_shown(value)}")
            return default
        return int(value)

    def seconds(self, name: str, default: float) -> float:
        """A duration in seconds, given as plain seconds or as `90s`, `10m`, `1h30m`, `30d`."""
        value = self.text(name)
        if not value:
            return default
        parsed = parse_duration(value)
        if parsed is None:
            self.mistake(name, f"must be a duration like 90, 10m or 1h30m; it is {_shown(value)}")
            return default
        return parsed

    def size(self, name: str) -> int | None:
        """A number of bytes such as `250MB` or `1.5GiB`; None when it is empty."""
        value = self.text(name)
        if not value:
            return None
        parsed = parse_size(value)
        if parsed is None:
            self.mistake(name, f"must be a size such as 250MB or 1.5GiB; it is {_shown(value)}")
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
        elif not re.fullmatch(_REPOSITORY, value):
            self.mistake(name, f"must be owner/name; it is {_shown(value)}")
        return value

    def url(self, name: str) -> str:
        """An http or https address without a trailing slash, or an empty string."""
        value = self.text(name).rstrip("/")
        problem = _address_problem(value) if value else None
        if problem:
            self.mistake(name, problem)
        return value

    def items(self, name: str) -> tuple[str, ...]:
        """A list: JSON, or parted by commas or newlines; blanks and empty items are dropped."""
        value = self.text(name)
        parts: list[str] = re.split(r"[,\r\n]", value)
        if value.startswith("["):
            parts = self._json(name, value) or []
            if not all(isinstance(each, str) for each in parts):
                self.mistake(name, "must be a JSON list of strings")
                return ()
        return tuple(part.strip() for part in parts if part.strip())

    def lines(self, name: str) -> tuple[str, ...]:
        """The non-empty lines, without surrounding blanks."""
        lines = (line.strip() for line in re.split(_LINE_BREAK, self.text(name)))
        return tuple(line for line in lines if line)

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
                self.mistake(name, f"line {_shown(line)} is not name=value")
            elif key.strip() in found:
                self.mistake(name, f"names {_shown(key.strip())} twice")
            else:
                found[key.strip()] = rest.strip()
        return found

    def secret_mapping(self, name: str) -> dict[str, Secret]:
        """Secrets by name, given as a JSON object or as lines `name=value`; each is masked.

        Mistakes name a line by its number: its text may hold the secret.
        """
        value = self.text(name)
        if value.startswith("{"):
            return self._masked(self._secret_json(name, value))
        found: dict[str, str] = {}
        for number, line in enumerate(self.lines(name), start=1):
            key, separator, rest = line.partition("=")
            if not separator or not key.strip():
                self.mistake(name, f"line {number} is not name=value")
            else:
                found[key.strip()] = rest.strip()
        return self._masked(found)

    def _secret_json(self, name: str, value: str) -> dict[str, str]:
        parsed = self._json(name, value) or {}
        if all(isinstance(each, str) for each in parsed.values()):
            return dict(parsed)
        self.mistake(name, "must be a JSON object whose values are strings")
        return {}

    def _masked(self, found: Mapping[str, str]) -> dict[str, Secret]:
        for value in found.values():
            self._mask(value)
        return {key: Secret(value) for key, value in found.items()}

    def json_value(self, name: str) -> Any:
        """Any JSON value; None when the input is empty or broken (the latter is a mistake)."""
        value = self.text(name)
        return self._json(name, value) if value else None

    def _json(self, name: str, value: str) -> Any:
        try:
            return json.loads(value, object_pairs_hook=_without_repeats, parse_constant=_no_number)
        except RecursionError:
            self.mistake(name, "is JSON that is nested too deeply")
        except ValueError as error:
            self.mistake(name, f"is not valid JSON ({error})")
        return None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; a name given twice is nearly always a slip, and the first would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it names {_shown(max(names, key=names.count))} twice")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON number")


def _address_problem(value: str) -> str | None:
    """What keeps a text from being an http(s) address; never repeats credentials."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "must be an http(s) address; its host or port is broken"
    if usable and "@" in parts.netloc:
        return "must not hold credentials; give them in their own inputs"
    if usable and value.isprintable() and " " not in value:
        return None
    return "must be an http(s) address" + ("" if "@" in value else f"; it is {_shown(value)}")


def _shown(value: str) -> str:
    """A value as a message repeats it: in backquotes, on one line, not too long."""
    line = " ".join(value.split())
    return f"`{line}`" if len(line) <= _SHOWN_LENGTH else f"`{line[:_SHOWN_LENGTH]}…`"


def parse_duration(text: str) -> float | None:
    """Seconds in `600`, `90s`, `10m`, `1h30m` or `30d`; None when it is none of these."""
    match = re.fullmatch(_DURATION, text.strip())
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def parse_size(text: str) -> int | None:
    """Bytes in `123`, `250MB` (decimal) or `1.5GiB` (binary); None when it is none of these."""
    match = re.fullmatch(_SIZE, text)
    if match is None:
        return None
    unit = match[2].lower().removesuffix("b")
    factor = {**_SIZE_UNITS, **_SIZE_UNITS_BINARY}.get(unit)
    return None if factor is None else int(float(match[1]) * factor)
