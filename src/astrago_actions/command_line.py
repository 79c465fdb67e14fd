"""The command line: every action with the inputs of its action.yml as flags, and our own commands.

To add a command, write a function like `_add_demo` and name it in `_COMMANDS`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path
from textwrap import fill
from types import ModuleType
from typing import Any

from astrago_actions import __version__
from astrago_actions.errors import ActionError
from astrago_actions.step import ShellStep

ACTION_NAMES = (
    "build-tag",
    "ghcr-push",
    "bump-image-tag",
    "argocd-wait",
    "pipeline-metrics",
    "rollback",
    "preflight",
    "pipeline",
)
# Inputs that make sense in a shell only.
SHELL_INPUTS = {
    "bump-image-tag": {
        "path": "a checkout of the deployment repository; the change is made there, not on GitHub"
    },
}
_SECRET_INPUT = re.compile(r"(?:.+-)?(?:token|password|webhook|secrets|headers)")
_REQUIRED = " (required)"


def run_command(arguments: list[str]) -> int:
    """Parse the command line and run what it names; returns the exit code."""
    parsed = vars(_parser(arguments).parse_args(arguments))
    run: Callable[..., int] = parsed.pop("run")
    return run(**parsed)


def interface(name: str) -> dict[str, Any]:
    """The parsed action.yml of an action, from the source tree or from the installed package."""
    from ruamel.yaml import YAML

    root = Path(__file__).parents[2]
    path = root / "action.yml" if name == "pipeline" else root / "actions" / name / "action.yml"
    if path.is_file():
        text = path.read_text(encoding="utf-8")
    else:
        package = resources.files("astrago_actions")
        text = (package / "interfaces" / f"{name}.yml").read_text(encoding="utf-8")
    parsed: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return parsed


def holds_secret(input_name: str) -> bool:
    """Whether an input is a secret, which no command line may show."""
    return _SECRET_INPUT.fullmatch(input_name) is not None


def secret_variable(input_name: str) -> str:
    """The environment variable that holds a secret input when an action runs from a shell."""
    return "ASTRAGO_" + input_name.upper().replace("-", "_")


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    """The parser; only the action that is asked for is described in full, the others cost time."""
    parser = argparse.ArgumentParser(
        prog="astrago-actions",
        description="From a push to a healthy rollout: the actions, from a shell. Outputs are "
        "printed as JSON on standard output, progress on standard error.",
        epilog="Use `astrago-actions <command> --help` for the flags of a command.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")
    asked_for = arguments[0] if arguments else ""
    for name in ACTION_NAMES:
        if asked_for in (name, "-h", "--help"):
            _add_action(commands, name)
        else:
            commands.add_parser(name)
    for add in _COMMANDS:
        add(commands)
    return parser


def _add_action(commands: Any, name: str) -> None:
    described = interface(name)
    inputs: dict[str, dict[str, Any]] = described["inputs"]
    secrets = [input_name for input_name in inputs if holds_secret(input_name)]
    parser = commands.add_parser(
        name,
        help=_help(described["description"]),
        description=described["description"],
        epilog=_about_secrets({each: inputs[each]["description"] for each in secrets}),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for input_name, about in inputs.items():
        if input_name in secrets:
            parser.add_argument(f"--{input_name}", action=_NeverAFlag, help=argparse.SUPPRESS)
        else:
            _add_flag(parser, input_name, about)
    for input_name, about_it in SHELL_INPUTS.get(name, {}).items():
        parser.add_argument(f"--{input_name}", default="", metavar="VALUE", help=about_it)
    parser.set_defaults(run=partial(_run_action, name, tuple(secrets)))


def _add_flag(parser: argparse.ArgumentParser, input_name: str, about: dict[str, Any]) -> None:
    default = _shell_default(about)
    note = f" (default: {default})" if default else _REQUIRED if about.get("required") else ""
    is_switch = default in ("true", "false")
    parser.add_argument(
        f"--{input_name}",
        default=default,
        metavar="VALUE",
        help=_help(about["description"] + note),
        nargs="?" if is_switch else None,
        const="true" if is_switch else None,
    )


def _shell_default(about: dict[str, Any]) -> str:
    """The default in a shell, where GitHub's expressions have no value."""
    default = str(about.get("default", ""))
    return "" if "${{" in default else default


def _help(text: str) -> str:
    return " ".join(text.split()).replace("%", "%%")


def _about_secrets(secrets: dict[str, str]) -> str:
    """What a person has to know about the secrets of an action (input -> description)."""
    if not secrets:
        return ""
    lines = ["secrets, from the environment and never as flags, since process lists show those:"]
    for input_name, description in secrets.items():
        text = " ".join(description.split())
        indent = " " * 24
        lines += [f"  {secret_variable(input_name)}"]
        lines += [fill(text, 100, initial_indent=indent, subsequent_indent=indent)]
    return "\n".join(lines)


class _NeverAFlag(argparse.Action):
    """Refuses a secret on the command line without repeating it."""

    def __init__(self, option_strings: list[str], dest: str, **_rest: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs="?", help=argparse.SUPPRESS)
        self._name = dest

    def __call__(self, parser: argparse.ArgumentParser, *_rest: Any) -> None:
        variable = secret_variable(self._name.replace("_", "-"))
        parser.error(f"{self.option_strings[0]} is no flag: put the secret into {variable}")


def _run_action(name: str, secrets: tuple[str, ...], **flags: str) -> int:
    from astrago_actions.__main__ import run_action

    given = {flag.replace("_", "-"): value for flag, value in flags.items()}
    for input_name in secrets:
        given[input_name] = os.environ.pop(secret_variable(input_name), "")
    variables = {input_name: secret_variable(input_name) for input_name in secrets}
    return run_action(name, given, ShellStep(variables))


def _lazily(module: str, function: str) -> Callable[..., int]:
    """A function that is imported when it is called."""

    def run(**flags: object) -> int:
        try:
            code: int = getattr(_imported(module), function)(**flags)
        except ActionError as error:
            ShellStep().failure(error)
            return error.exit_code
        return code

    return run


def _imported(module: str) -> ModuleType:
    """A module of a command; what runs the sandbox alone is not among the actions' packages."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ActionError(
            "The sandbox is not installed",
            f"It needs the package `{error.name}`, which the actions do without.",
            "Clone xiilab/astrago-actions and run `make demo` in it; after that the command is "
            "`.venv/bin/astrago-actions`.",
        ) from error


def _add_sandbox(commands: Any) -> None:
    parser = commands.add_parser("sandbox", help="GitHub, a registry and Argo CD on loopback")
    parser.add_argument("--folder", default="", help="where repositories are kept (default: new)")
    examples = "make the example repositories and their application"
    parser.add_argument("--examples", action="store_true", help=examples)
    parser.set_defaults(run=_lazily("astrago_actions.sandbox.command", "run_sandbox"))


def _add_demo(commands: Any) -> None:
    parser = commands.add_parser("demo", help="both example pipelines, from push to rollout")
    parser.add_argument("--output", default="", help="where the result page goes")
    parser.set_defaults(run=_lazily("astrago_actions.sandbox.demo", "run_demo"))


def _add_init(commands: Any) -> None:
    parser = commands.add_parser(
        "init",
        help="write the workflows of a service into its checkout",
        description="Writes ci-cd.yml, preflight.yml and rollback.yml into .github/workflows and "
        "says what is left to do. Sends nothing.",
        allow_abbrev=False,
    )
    for flag, about in _INIT_FLAGS.items():
        default = about[1] if len(about) > 1 else ""
        note = f" (default: {default})" if default else ""
        parser.add_argument(f"--{flag}", default=default, metavar="VALUE", help=about[0] + note)
    parser.add_argument(
        "--with",
        dest="more",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another input of the pipeline, such as build-args or mode; may be repeated",
    )
    parser.add_argument("--force", action="store_true", help="replace workflows that are there")
    parser.set_defaults(run=_lazily("astrago_actions.starter.command", "run_init"))


# Flag -> what it is, and its default.
_INIT_FLAGS: dict[str, tuple[str, ...]] = {
    "components": ("names of the components, parted by commas",),
    "image": ("the image without its tag, such as ghcr.io/xiilab/astrago-{component}",),
    "context": ("the build context; {component} stands for the component's name",),
    "deployment-repository": ("the deployment repository, as owner/name",),
    "deployment-branch": ("the branch of it that Argo CD follows",),
    "file": ("path of the values file in it",),
    "key": ("dot path of the tag, such as astrago.{component}.imageTag",),
    "argocd-server": ("the address of Argo CD; left out, nothing is waited for",),
    "application": ("the Argo CD application",),
    "branch": ("the branch of the service that deploys when it is pushed to", "stabilize/1.0"),
    "environment": ("the environment; needed where the branch is not stabilize/*",),
    "build": ("a command that builds what goes into the images, such as ./gradlew bootJar",),
    "ref": ("the version of astrago-actions, a tag or a commit SHA", "v1"),
    "folder": ("the service's checkout", "."),
}

_COMMANDS = (_add_sandbox, _add_demo, _add_init)
