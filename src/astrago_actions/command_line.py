"""The command line: every action with the inputs of its action.yml as flags, and the sandbox."""

from __future__ import annotations

import argparse
from importlib import resources
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from astrago_actions import __version__
from astrago_actions.step import ShellStep

ACTION_NAMES = (
    "build-tag",
    "ghcr-push",
    "bump-image-tag",
    "argocd-wait",
    "pipeline-metrics",
    "pipeline",
)


def run_command(arguments: list[str]) -> int:
    """Parse the command line and run what it names; returns the exit code."""
    parsed = vars(_parser().parse_args(arguments))
    name = parsed.pop("command")
    if name == "sandbox":
        from astrago_actions.sandbox.command import run_sandbox

        return run_sandbox(**parsed)
    if name == "demo":
        from astrago_actions.sandbox.demo import run_demo

        return run_demo(**parsed)
    from astrago_actions.__main__ import run_action

    given = {key.replace("_", "-"): value for key, value in parsed.items()}
    return run_action(name, given, ShellStep())


def interface(name: str) -> dict[str, Any]:
    """The parsed action.yml of an action, from the source tree or from the installed package."""
    root = Path(__file__).parents[2]
    path = root / "action.yml" if name == "pipeline" else root / "actions" / name / "action.yml"
    if path.is_file():
        text = path.read_text(encoding="utf-8")
    else:
        package = resources.files("astrago_actions")
        text = (package / "interfaces" / f"{name}.yml").read_text(encoding="utf-8")
    parsed: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return parsed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="astrago-actions",
        description="From a push to a healthy rollout: the actions, from a shell.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name in ACTION_NAMES:
        _add_action(commands, name)
    _add_sandbox(commands)
    return parser


def _add_action(commands: Any, name: str) -> None:
    described = interface(name)
    parser = commands.add_parser(
        name,
        help=described["description"].replace("%", "%%"),
        description=described["description"],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for input_name, about in described["inputs"].items():
        default = str(about.get("default", ""))
        note = f" (default: {default})" if default else ""
        parser.add_argument(
            f"--{input_name}",
            default=default,
            metavar="VALUE",
            help=(" ".join(about["description"].split()) + note).replace("%", "%%"),
        )


def _add_sandbox(commands: Any) -> None:
    sandbox = commands.add_parser("sandbox", help="GitHub, a registry and Argo CD on loopback")
    sandbox.add_argument("--folder", default="", help="where repositories are kept (default: new)")
    demo = commands.add_parser("demo", help="both example pipelines, from push to healthy rollout")
    demo.add_argument("--output", default="", help="where the result page goes")
