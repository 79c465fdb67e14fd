"""`astrago-actions init`: write the workflows of a service into its checkout."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from astrago_actions.actions import preflight_inputs
from astrago_actions.command_line import holds_secret, interface
from astrago_actions.domain.components import EnvironmentRule, environment_of
from astrago_actions.errors import ActionError
from astrago_actions.inputs import InputReader
from astrago_actions.starter.workflows import Service, workflows
from astrago_actions.step import ShellStep
from astrago_actions.workflow_run import WorkflowRun

REQUIRED = ("components", "image", "deployment-repository", "deployment-branch", "file", "key")
_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SECRETS_PAGE = "Settings > Secrets and variables > Actions"


def run_init(*, folder: str, force: bool, more: Sequence[str], **flags: str) -> int:
    """Write the workflows below `folder` and say what is left to do; returns the exit code."""
    step = ShellStep()
    given = {name.replace("_", "-"): value for name, value in flags.items()}
    try:
        service = read_service(given, more)
        written = write(Path(folder or "."), workflows(service), force=force)
    except ActionError as error:
        step.failure(error)
        return error.exit_code
    for path in written:
        step.info(f"Written: {path}")
    step.info(next_steps(service))
    return 0


def read_service(given: Mapping[str, str], more: Sequence[str] = ()) -> Service:
    """The service that the flags describe; raises InputErrors naming every mistake.

    `more` are further inputs of the pipeline as `name=value`.
    """
    reader = InputReader({**given, "with": "\n".join(more), "argocd-token": "not known yet"})
    for name in REQUIRED:
        reader.required(name)
    inputs = {name: reader.text(name) for name in interface("pipeline")["inputs"]}
    inputs = {**inputs, "argocd-token": "", **_more(reader)}
    preflight_inputs.read(reader, WorkflowRun())
    service = Service(
        branch=reader.required("branch"),
        inputs={name: value for name, value in inputs.items() if value},
        build=reader.text("build"),
        ref=reader.text("ref", "v1"),
    )
    _check(reader, service)
    reader.check()
    return service


def _more(reader: InputReader) -> dict[str, str]:
    found = reader.mapping("with")
    known = interface("pipeline")["inputs"]
    for name in found:
        if name not in known:
            reader.mistake("with", f"`{name}` is no input of the pipeline")
        elif holds_secret(name):
            reader.mistake("with", f"`{name}` is a secret; store it in the repository instead")
    return {name: value for name, value in found.items() if name in known}


def _check(reader: InputReader, service: Service) -> None:
    if "${{" in service.build:
        reader.mistake("build", "must hold no expression; GitHub would run what stands in it")
    if not _REF.fullmatch(service.ref):
        reader.mistake("ref", f"must be a tag such as v1 or a commit SHA; it is `{service.ref}`")
    default = interface("pipeline")["inputs"]["environments"]["default"]
    lines = service.inputs.get("environments", default).splitlines()
    rules = (EnvironmentRule(*map(str.strip, line.split("=", 1))) for line in lines if "=" in line)
    known = service.inputs.get("environment") or environment_of(service.branch, rules)
    if service.branch and not known:
        reader.mistake("environment", f"is required: no environment belongs to `{service.branch}`")


def write(folder: Path, files: Mapping[str, str], *, force: bool) -> list[Path]:
    """Write all files or none; raises ActionError where one is there already, unless forced."""
    if not folder.is_dir():
        raise ActionError(
            "There is no such checkout",
            f"`{folder}` is not a folder.",
            "Give the root of the service's checkout in `--folder`.",
        )
    paths = {folder / name: text for name, text in files.items()}
    taken = [path for path in paths if path.exists()]
    if taken and not force:
        raise ActionError(
            "Workflows are there already",
            "\n".join(f"- {path}" for path in taken),
            "Look at them, and run again with `--force` to replace them. Nothing was written.",
        )
    for path, text in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(paths)


def next_steps(service: Service) -> str:
    """What a person does now, in order."""
    repository = service.inputs["deployment-repository"]
    direct = service.inputs.get("mode", "commit") == "commit"
    needed = "Contents: write" if direct else "Contents: write and Pull requests: write"
    secrets = [f"   DEPLOY_TOKEN  a fine-grained token with {needed} on {repository}"]
    if "argocd-server" in service.inputs:
        secrets.append("   ARGOCD_TOKEN  an Argo CD token with `applications, get`")
    return "\n".join(
        [
            "",
            f"1. Store these secrets in the service's repository ({_SECRETS_PAGE}):",
            *secrets,
            "2. Commit them; `Run workflow` appears when they are on the default branch.",
            "3. Run Preflight (Actions > Preflight > Run workflow), and mend what it names.",
            f"4. Push to {service.branch}: each push there deploys, the one of these files too.",
        ]
    )
