"""The inputs of bump-image-tag that say which values to set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from astrago_actions.domain.bump_edit import Update
from astrago_actions.domain.references import ImageReference, parse_image, tag_problem
from astrago_actions.inputs import InputReader

_DIGEST_LENGTH = len("sha256:") + 64


def read_updates(given: InputReader) -> tuple[Update, ...]:
    """From `tags` with `file` and `key`, from lines `file:key=value`, or from both."""
    tags, lines = given.mapping("tags"), given.lines("updates")
    if not given.text("tags") and not lines:
        given.mistake("tags", "is empty, and so is `updates`: there is nothing to change")
    updates = [*_from_tags(given, tags), *_from_lines(given, lines)]
    targets = [(update.file, update.key) for update in updates]
    for file, key in sorted({target for target in targets if targets.count(target) > 1}):
        given.mistake(
            "key", f"`{key}` in `{file}` would be set twice; use {{component}} in the key"
        )
    named = [("tags", tag) for tag in tags.values()]
    named += [("updates", update.value) for update in updates if not update.component]
    for name, value in named:
        problem = _value_problem(value)
        if problem:
            given.mistake(name, problem)
    return tuple(updates)


def read_images(given: InputReader, updates: Sequence[Update]) -> dict[str, ImageReference]:
    """The images that must be in their registry, by component; each has the tag that is set."""
    tags = {update.component: update.value for update in updates if update.component}
    images: dict[str, ImageReference] = {}
    for component, text in given.mapping("images").items():
        try:
            images[component] = parse_image(text)
        except ValueError as error:
            given.mistake("images", str(error))
            continue
        wanted = tags.get(component)
        if wanted and not images[component].tag:
            images[component] = images[component].with_tag(wanted)
        if wanted and images[component].tag != wanted:
            given.mistake("images", f"`{text}` has another tag than `{wanted}` in `tags`")
    return images


def read_targets(given: InputReader) -> tuple[Update, ...]:
    """The keys that a rollback puts back, without values."""
    for name in ("tags", "updates"):
        if given.text(name):
            given.mistake(name, "cannot be given with `rollback`, which finds the values itself")
    components = given.items("components")
    if not components and "{component}" in given.text("key"):
        given.mistake("components", "is required with `rollback` and {component} in `key`")
    return tuple(_from_tags(given, dict.fromkeys(components or ("",), "")))


def _from_tags(given: InputReader, tags: Mapping[str, str]) -> list[Update]:
    if not tags:
        return []
    files, key = given.items("file"), given.text("key")
    if not files:
        given.mistake("file", "is required: the path of the values file")
    if not key:
        given.mistake("key", "is required, such as astrago.{component}.imageTag")
    return [
        Update(file, key.replace("{component}", component), tag, component)
        for file in files
        for component, tag in tags.items()
    ]


def _from_lines(given: InputReader, lines: Sequence[str]) -> list[Update]:
    updates = []
    for line in lines:
        file, colon, rest = line.partition(":")
        key, equals, value = rest.rpartition("=")
        if not (file and colon and key and equals and value):
            given.mistake("updates", f"line `{line}` is not file:key=value")
            continue
        updates.append(Update(file.strip(), key.strip(), value.strip()))
    return updates


def _value_problem(value: str) -> str | None:
    """A value is a tag, a digest, or a tag with a digest."""
    tag, at, digest = value.partition("@")
    if value.startswith("sha256:"):
        tag, digest = "", value
    if digest or at:
        well_formed = digest.startswith("sha256:") and len(digest) == _DIGEST_LENGTH
        if not well_formed:
            return f"`{digest}` is not a sha256 digest"
    return tag_problem(tag) if tag or not digest else None
