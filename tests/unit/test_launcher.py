"""Every way in which a runner starts an action, with what a runner gives and nothing more.

No network is needed: the lock of the library under test names one wheel, made from the package
that is installed here, and pip finds it through PIP_FIND_LINKS.
"""

from __future__ import annotations

import ast
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT
from tests.local_index import installed_package, make_wheel
from tests.runner import commands_in, read_outputs

SHA = "0123456789abcdef0123456789abcdef01234567"
INPUTS = {"components": "core", "environments": "stabilize/*=stage"}
PARTS = ("src/astrago_actions", "actions", "action.yml", "build-tag")


@dataclass(frozen=True)
class Runner:
    """A machine with the library as `uses:` brings it, a package index and a tool cache."""

    library: Path
    tool_cache: Path
    wheels: Path

    def start(
        self,
        job: Path,
        *,
        action: str = "build-tag",
        library: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run build-tag's step in a job's folder, started from `action` below the library."""
        return subprocess.run(
            COMMAND,
            cwd=workspace_of(job),
            env={
                **self.environment(job, (library or self.library) / action),
                **(environment or {}),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def environment(self, job: Path, action: Path) -> dict[str, str]:
        """What the runner gives the step."""
        (job / "output").touch()
        return {
            "PATH": f"{self.interpreter(job)}:/usr/bin:/bin",
            "HOME": str(job),
            "GITHUB_ACTION_PATH": str(action),
            "GITHUB_OUTPUT": str(job / "output"),
            "GITHUB_REF": "refs/heads/stabilize/1.0",
            "GITHUB_SHA": SHA,
            "INPUTS": json.dumps(INPUTS),
            "RUNNER_TOOL_CACHE": str(self.tool_cache),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
        }

    def interpreter(self, job: Path) -> Path:
        """A folder whose python3 is the one that runs these tests."""
        return program(job / "bin", "python3", f'exec {sys.executable} "$@"')


def script() -> str:
    """What build-tag's action.yml runs."""
    text = (ROOT / "actions/build-tag/action.yml").read_text(encoding="utf-8")
    return str(YAML(typ="safe").load(text)["runs"]["steps"][0]["run"])


COMMAND = ["/bin/bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script()]


def workspace_of(job: Path) -> Path:
    """The job's workspace, made when it is not there."""
    (job / "workspace").mkdir(exist_ok=True)
    return job / "workspace"


def program(folder: Path, name: str, body: str) -> Path:
    """Make a shell script; returns its folder, for PATH."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{body}\n")
    (folder / name).chmod(0o755)
    return folder


def tag_of(job: Path) -> str:
    """The tag that the step in this job's folder put out."""
    return read_outputs((job / "output").read_text(encoding="utf-8")).get("tag", "")


def only_error(done: subprocess.CompletedProcess[str]) -> str:
    """The one error that a failed start tells, with its title."""
    (error,) = [each for each in commands_in(done.stdout) if each.name == "error"]
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    return f"{error.properties['title']}: {error.data}"


def copy_of_library(folder: Path, wheels: Path) -> Path:
    """The library with its links, and with a lock that our index can serve."""
    for part in PARTS:
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_symlink():
            (folder / part).symlink_to((ROOT / part).readlink())
        elif (ROOT / part).is_dir():
            leave_out = shutil.ignore_patterns("__pycache__", "sandbox")
            shutil.copytree(ROOT / part, folder / part, ignore=leave_out)
        else:
            shutil.copy(ROOT / part, folder / part)
    lock = make_wheel(wheels, "actions_toolkit", installed_package("actions_toolkit"))
    (folder / "requirements").mkdir()
    (folder / "requirements/actions.txt").write_text(lock)
    return folder


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner whose path has blanks and Korean letters, on which nothing was started yet."""
    folder = tmp_path_factory.mktemp("runner")
    library = copy_of_library(folder / "_actions/xiilab/astrago actions 배포/v1", folder / "wheels")
    return Runner(library, folder / "tool cache", folder / "wheels")


@pytest.fixture(scope="module")
def warm(cold: Runner, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """The runner after a first start."""
    done = cold.start(tmp_path_factory.mktemp("first"))
    assert done.returncode == 0, done.stdout + done.stderr
    return cold


def test_a_first_start_installs_once_and_goes_on(
    cold: Runner, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    runner = Runner(cold.library, tmp_path / "empty tool cache", cold.wheels)

    first = runner.start(tmp_path)
    second = runner.start(tmp_path_factory.mktemp("second"), environment={"PIP_FIND_LINKS": ""})

    assert first.stdout.startswith("Installing the action's Python packages, once")
    assert second.stdout == "core: core-stage-01234567\n"
    assert tag_of(tmp_path) == "core-stage-01234567"


@pytest.mark.parametrize("address", ["build-tag", "actions/build-tag", "."])
@pytest.mark.parametrize("links", ["kept", "copied"])
def test_starts_from_every_address_whether_links_are_kept_or_copied(
    warm: Runner, tmp_path: Path, address: str, links: str
) -> None:
    library = warm.library
    if links == "copied":
        library = tmp_path / "v1"
        shutil.copytree(warm.library, library, symlinks=False)
    assert (library / "build-tag").is_symlink() is (links == "kept")

    done = warm.start(tmp_path, action=address, library=library)

    assert (done.returncode, done.stderr) == (0, "")
    assert tag_of(tmp_path) == "core-stage-01234567"


def test_starts_from_a_checkout_in_the_workspace(warm: Runner, tmp_path: Path) -> None:
    checkout = tmp_path / "workspace"
    shutil.copytree(warm.library, checkout, symlinks=True)

    done = warm.start(tmp_path, library=checkout)

    assert (done.returncode, tag_of(tmp_path)) == (0, "core-stage-01234567")


@pytest.mark.parametrize("path", ["/nowhere/at/all", "D:\\a\\_actions\\v1\\build-tag", ""])
def test_ends_where_the_library_cannot_be_found(warm: Runner, tmp_path: Path, path: str) -> None:
    done = warm.start(tmp_path, environment={"GITHUB_ACTION_PATH": path})

    assert done.returncode == 127
    assert "launch.sh: No such file or directory" in done.stderr


HOSTILE_NAMES = (
    *("requests", "json", "re", "dataclasses", "sitecustomize", "usercustomize", "startup"),
    *("actions_toolkit/__init__", "actions_toolkit/command", "astrago_actions/__init__", "pip"),
)


def test_nothing_in_the_workspace_is_ever_imported(warm: Runner, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    for name in HOSTILE_NAMES:
        path = workspace / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("print('the workspace was imported')\nraise SystemExit(99)\n")
    hostile = {
        "PYTHONPATH": str(workspace),
        "PYTHONSTARTUP": str(workspace / "startup.py"),
        "PYTHONHOME": str(workspace),
        "PYTHONUSERBASE": str(workspace),
        "PYTHONINSPECT": "1",
    }
    runner = Runner(warm.library, tmp_path / "empty tool cache", warm.wheels)

    for each in (runner, warm):  # a cold start runs pip, a warm one does not
        done = each.start(tmp_path, environment=hostile)

        assert (done.returncode, done.stderr) == (0, "")
        assert "the workspace was imported" not in done.stdout
        assert tag_of(tmp_path) == "core-stage-01234567"


def test_without_python_says_what_to_add(warm: Runner, tmp_path: Path) -> None:
    bin_folder = tmp_path / "only bash"
    bin_folder.mkdir()
    (bin_folder / "bash").symlink_to("/bin/bash")

    done = warm.start(tmp_path, environment={"PATH": str(bin_folder)})

    assert only_error(done).startswith("Python is missing: astrago-actions needs python3 3.10")


def test_with_an_old_python_says_which_and_what_to_add(warm: Runner, tmp_path: Path) -> None:
    pretend = (
        "import sys, runpy; sys.version_info = (3, 9, 2, 'final', 0); "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    old = program(
        tmp_path / "old", "python3", f'exec {sys.executable} -I -c "{pretend}" "${{@:5}}"'
    )

    done = warm.start(tmp_path, environment={"PATH": f"{old}:/usr/bin:/bin"})

    assert only_error(done).startswith("Python is too old: astrago-actions needs Python 3.10 or")
    assert "python3 is 3.9" in done.stdout


def test_old_pythons_can_read_the_launcher() -> None:
    source = (ROOT / "src/astrago_actions/launch.py").read_text(encoding="utf-8")

    ast.parse(source, feature_version=(3, 4))


def test_the_python_to_use_can_be_named(warm: Runner, tmp_path: Path) -> None:
    done = warm.start(
        tmp_path,
        environment={"ASTRAGO_ACTIONS_PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
    )

    assert (done.returncode, tag_of(tmp_path)) == (0, "core-stage-01234567")


def test_packages_that_cannot_be_installed_are_one_error(cold: Runner, tmp_path: Path) -> None:
    runner = Runner(cold.library, tmp_path / "empty tool cache", tmp_path / "no wheels")

    error = only_error(runner.start(tmp_path))

    assert error.startswith("The action's Python packages could not be installed: pip said:\n")
    assert "No matching distribution found for actions_toolkit==1.0" in error


def test_damaged_packages_name_the_folder_to_remove(warm: Runner, tmp_path: Path) -> None:
    (packages,) = (each for each in warm.tool_cache.glob("*/*") if each.is_dir())
    damaged = tmp_path / "tool cache/astrago-actions" / packages.name
    damaged.mkdir(parents=True)

    error = only_error(
        warm.start(tmp_path, environment={"RUNNER_TOOL_CACHE": f"{tmp_path}/tool cache"})
    )

    assert error.startswith("The action's Python packages are damaged: No module named")
    assert f"Remove {damaged} on the runner" in error


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1", "ko_KR.EUC-KR", "C.UTF-8"])
def test_text_arrives_as_it_is_in_every_locale(warm: Runner, tmp_path: Path, locale: str) -> None:
    components = {"core": {"context": "서버 🚀"}}
    inputs = {"components": json.dumps(components, ensure_ascii=False), "template": "{sha:8}"}

    done = warm.start(
        tmp_path,
        environment={"INPUTS": json.dumps(inputs, ensure_ascii=False), "LC_ALL": locale},
    )

    outputs = read_outputs((tmp_path / "output").read_text(encoding="utf-8"))
    assert done.returncode == 0
    assert json.loads(outputs["matrix"])["include"][0]["context"] == "서버 🚀"


def test_wrong_inputs_reach_the_user(warm: Runner, tmp_path: Path) -> None:
    inputs = json.dumps({"components": "", "environments": "x"})

    error = only_error(warm.start(tmp_path, environment={"INPUTS": inputs}))

    assert error.startswith("2 inputs are wrong: ")
    assert "- `components`: must name at least one component" in error
    assert "- `environments`: line `x` is not name=value" in error


def test_a_cancelled_job_is_not_held_up_by_a_thread_that_waits(
    warm: Runner, tmp_path: Path
) -> None:
    library = tmp_path / "v1"
    shutil.copytree(warm.library, library, symlinks=True)
    (library / "src/astrago_actions/actions/build_tag.py").write_text(
        "import threading, time\n"
        "def read(given, run): ...\n"
        "def run(inputs, context):\n"
        "    threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "    context.step.info('started')\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        COMMAND,
        cwd=workspace_of(tmp_path),
        env=warm.environment(tmp_path, library / "build-tag"),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"

    process.send_signal(signal.SIGINT)  # as the runner does, to the process that it started

    assert process.communicate(timeout=30)[0] == "build-tag was cancelled.\n"
    assert process.returncode == 130


def test_no_child_process_inherits_the_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spy = program(tmp_path / "spy", "python3", f"env > {tmp_path}/seen; exit 1")
    monkeypatch.setattr(sys, "executable", str(spy / "python3"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("RUNNER_TOOL_CACHE", str(tmp_path / "tool cache"))
    monkeypatch.setenv("INPUTS", json.dumps({"token": "hunter22"}))

    code = runpy.run_path(str(ROOT / "src/astrago_actions/launch.py"))["main"]()

    assert code == 1
    assert "could not be installed" in capsys.readouterr().out
    seen = (tmp_path / "seen").read_text()
    assert "hunter22" not in seen
    assert f"RUNNER_TOOL_CACHE={tmp_path}" in seen
    assert "INPUTS" not in os.environ
