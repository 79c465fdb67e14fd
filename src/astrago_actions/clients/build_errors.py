"""Why a build failed, from what the builder printed."""

from __future__ import annotations

import re

from astrago_actions.clients.builder_ladder import Builder
from astrago_actions.domain.push_plan import Part
from astrago_actions.errors import ActionError

LINES_SHOWN = 12

_REMEDIES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), remedy)
    for pattern, remedy in (
        (
            r"docker/dockerfile",
            "The Dockerfile begins with a `# syntax=` line, which fetches its reader from Docker "
            "Hub. Remove the line, or let the machine reach Docker Hub.",
        ),
        (
            r"failed to (calculate checksum|compute cache key)|COPY failed|ADD failed"
            r"|no source files were specified",
            "A file that the Dockerfile copies is not in the context `{context}`. Make it in an "
            "earlier step, and check `context` and the context's .dockerignore.",
        ),
        (
            r"pull access denied|failed to resolve source metadata|manifest (for .*)?unknown"
            r"|failed to do request|toomanyrequests|no such host|i/o timeout",
            "A base image could not be pulled. Check its name in the Dockerfile and in "
            "`build-args`, and that the machine may reach and read its registry.",
        ),
        (
            r"target stage .* could not be found|failed to reach build target",
            "The Dockerfile has no stage `{target}`; correct `target`.",
        ),
        (
            r"secret \S+( not found|: not found)|could not find secret",
            "The Dockerfile mounts a secret that `secrets` does not give.",
        ),
        (
            r"not supported for the docker driver|cannot .* with docker driver",
            "The engine's own builder cannot do that. Make another one with "
            "docker/setup-buildx-action and give its name as `builder`.",
        ),
        (r"no space left on device", "Free space (`docker system prune`), or use a larger runner."),
        (
            r"cannot connect to the docker daemon",
            "The Docker engine does not answer; check that it runs on this machine.",
        ),
        (
            r"dockerfile parse error|unknown instruction|failed to read dockerfile",
            "Correct the Dockerfile in the line named above.",
        ),
    )
)
_OTHERWISE = "Read the lines of [{component}] above for the command that failed."


def build_failure(part: Part, builder: Builder, lines: tuple[str, ...]) -> ActionError:
    """The error for a component whose image could not be built; `lines` are the builder's last."""
    text = "\n".join(lines)
    matching = (remedy for pattern, remedy in _REMEDIES if pattern.search(text))
    remedy = next(matching, _OTHERWISE)
    return ActionError(
        f"{part.component} could not be built",
        f"{builder} on `{part.context}` ended with:\n" + "\n".join(lines[-LINES_SHOWN:]),
        remedy.format(context=part.context, target=part.target, component=part.component),
    )
