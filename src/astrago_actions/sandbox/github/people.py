"""Who a commit is by, when the request names somebody."""

from __future__ import annotations

from typing import Any

from astrago_actions.sandbox.github.calls import Call
from astrago_actions.sandbox.github.git_objects import (
    Signature,
)
from astrago_actions.sandbox.github.records import Person, seconds
from astrago_actions.sandbox.github.repository import GITHUB


def signatures(call: Call, body: dict[str, Any]) -> tuple[Signature, Signature]:
    """Without a given person the token's owner is the author and GitHub commits and signs."""
    own = Signature(Person.of(call.login), int(call.now))
    given = person(call, body, "committer")
    author = person(call, body, "author") or given or own
    if given is None and author is own:
        return own, Signature(GITHUB, own.at)
    return author, given or own


def person(call: Call, body: dict[str, Any], name: str) -> Signature | None:
    """The person that the request names as `author` or `committer`, if any."""
    given = body.get(name)
    if given is None:
        return None
    if not isinstance(given, dict) or not {"name", "email"} <= given.keys():
        raise call.invalid(f'"name" and "email" of {name} weren\'t supplied.')
    try:
        at = int(seconds(given["date"])) if given.get("date") else int(call.now)
    except (TypeError, ValueError) as error:
        raise call.invalid(f"{given['date']} is not a time.") from error
    return Signature(Person(str(given["name"]), str(given["email"])), at)
