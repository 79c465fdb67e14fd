"""Why a bump changes nothing: a newer build is there, or there is no bump to take back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from astrago_actions.domain.bump_commit import trailers
from astrago_actions.domain.bump_edit import Update
from astrago_actions.domain.bump_rollback import PREVIOUS
from astrago_actions.domain.references import ImageReference
from astrago_actions.errors import ActionError


def superseded_text(superseded: Mapping[Update, str]) -> str:
    """Which values stayed, because they are newer."""
    return " ".join(
        f"`{update.key}` stays at `{value}`: it was built from a commit that contains this one, "
        f"so `{update.value}` is older."
        for update, value in superseded.items()
    )


def unread_text(keys: Sequence[str]) -> str:
    """Which keys nothing reads, so that setting them deploys nothing."""
    named = ", ".join(f"`{key}`" for key in keys)
    return (
        f"{named}: no template in the searched folders reads it, so the cluster will not change. "
        "Check the key, or name the folders of the templates that read it in `templates`."
    )


def mode_text(path: str) -> str:
    """Which file's mode does not survive. Source: `createCommitOnBranch` writes 100644 only."""
    return (
        f"`{path}` had the mode 100755, and GitHub's commits through its API have 100644 only. "
        "Where it must be executable, set it again in a checkout (`git update-index --chmod=+x`)."
    )


def kept_text(keys: Sequence[str]) -> str:
    """Which keys a rollback leaves alone, because somebody has set them since."""
    named = ", ".join(f"`{key}`" for key in keys)
    return (
        f"{named}: the value is no longer the one that the bump set, so somebody has changed it "
        "since. To set it all the same, give it in `updates` with `if-older: apply`."
    )


def superseded_error(superseded: Mapping[Update, str], branch: str) -> ActionError:
    """The failure for `if-older: fail`."""
    return ActionError(
        f"A newer build is already on `{branch}`",
        superseded_text(superseded),
        "Nothing to do, unless you mean to go back: then run with `if-older: apply`.",
        outputs={"superseded": True, "changed": False},
    )


def images_absent(absent: Mapping[str, ImageReference]) -> ActionError:
    """The failure of a bump to tags that no registry has."""
    lines = "\n".join(f"{component}: {image} is not there" for component, image in absent.items())
    return ActionError(
        "The registry does not have the images, so the tags were not changed",
        lines,
        "Push the images first; if they went to another registry, give its `images` here.",
    )


def nothing_to_take_back(
    wanted: str, branch: str, commits: Sequence[tuple[str, str]]
) -> ActionError:
    """The failure of a rollback that finds no bump."""
    bumps = [
        f"{sha[:8]} {message.splitlines()[0]}"
        for sha, message in commits
        if "Bump-Id" in trailers(message)
    ]
    searched = f"`{wanted}` is not among the last {len(commits)} commits as a bump of these keys."
    if wanted == PREVIOUS:
        searched = (
            f"None of the last {len(commits)} commits is a bump of these keys that is not taken "
            "back already."
        )
    return ActionError(
        f"No bump to take back on `{branch}`",
        f"{searched} The newest bumps are:\n" + ("\n".join(bumps[:5]) or "none"),
        "Name the commit of one of these bumps in `rollback`, or set the tags by bump-image-tag.",
    )
