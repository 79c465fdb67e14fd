"""Revisions, repositories and messages as people read and compare them."""

from __future__ import annotations


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
    """The first eight digits, as people read them."""
    return revision[:8]


def first_line(text: str) -> str:
    """The first line of a message, not too long for a headline."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line if len(line) <= 160 else f"{line[:159]}…"
