"""Revisions, repositories and messages as people read and compare them."""

from __future__ import annotations

import re

_FULL_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_HEXADECIMAL = re.compile(r"[0-9a-f]{8,64}")
# What Argo CD puts in front of what went wrong, outermost first, as v3.2 and v3.5 word it.
_WRAPPING = re.compile(
    r"(?:Failed to load target state: |failed to generate manifest for source \d+ of \d+: "
    r"|rpc error: code = \w+ desc = |Manifest generation error \(cached\): "
    r"|failed to execute helm template command: |failed running helm: "
    r"|failed to get command args to log: |`[^`]*` failed exit status \d+: |Error: )+"
)


def normal_repository(address: str) -> str:
    """`host/owner/name` of a git address, whatever its scheme, user, port, case or `.git`."""
    text = address.strip().lower()
    if "://" in text:
        text = text.split("://", 1)[1]
        host, _, path = text.partition("/")
        host = host.rpartition("@")[2].partition(":")[0]
    else:
        host, _, path = text.rpartition("@")[2].partition(":")
    host = "github.com" if host == "ssh.github.com" else host
    return f"{host}/{path.strip('/').removesuffix('.git')}"


def short(revision: str) -> str:
    """The first eight digits of a commit, as people read them; a tag or version as it is."""
    return revision[:8] if _HEXADECIMAL.fullmatch(revision) else revision


def is_commit(revision: str) -> bool:
    """Whether a revision names one commit by its full SHA, and not a branch or a version."""
    return _FULL_SHA.fullmatch(revision) is not None


def cause(text: str) -> str:
    """What went wrong in a comparison, for a headline: without the layers that passed it on."""
    return first_line(text[wrapping.end() :] if (wrapping := _WRAPPING.match(text)) else text)


def first_line(text: str) -> str:
    """The first line of a message, not too long for a headline."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line if len(line) <= 160 else f"{line[:159]}…"
