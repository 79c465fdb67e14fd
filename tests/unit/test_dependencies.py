"""The packages of the lock file are there, once, whatever the runner is like.

No network is needed: the lock names one tiny wheel, which pip finds through PIP_FIND_LINKS.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from astrago_actions.dependencies import LOCK, DependenciesMissing, dependencies_folder
from tests.local_index import make_wheel


class Machine:
    """A runner: a checkout of the library with a lock file, a package index and a tool cache."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "library"
        self.tool_cache = folder / "tool cache"
        self.home = folder / "home"
        self.wheels = folder / "wheels"
        self.lock = self.root / LOCK
        self.lock.parent.mkdir(parents=True)
        self.lock.write_text(make_wheel(self.wheels, "tiny", {"tiny.py": b"ANSWER = 42\n"}))

    def kept(self) -> list[str]:
        """What the tool cache holds."""
        return sorted(path.name for path in self.tool_cache.glob("astrago-actions/*"))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A runner on which nothing was started yet."""
    machine = Machine(tmp_path)
    use(machine, monkeypatch)
    return machine


def use(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a step on this runner."""
    for name in ("XDG_CACHE_HOME", "RUNNER_TEMP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RUNNER_TOOL_CACHE", str(machine.tool_cache))
    monkeypatch.setenv("HOME", str(machine.home))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(machine.wheels))


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, Path]:
    """A runner after its first start, and the folder that it installed into."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    with pytest.MonkeyPatch.context() as patch:
        use(machine, patch)
        return machine, Path(dependencies_folder(str(machine.root)))


@pytest.fixture
def warm(first_start: tuple[Machine, Path], monkeypatch: pytest.MonkeyPatch) -> Machine:
    """That runner, where pip can no longer be started and no index be reached."""
    machine, _ = first_start
    use(machine, monkeypatch)
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    return machine


def test_a_first_start_installs_what_the_lock_names(first_start: tuple[Machine, Path]) -> None:
    machine, folder = first_start

    assert (folder / "tiny.py").read_text() == "ANSWER = 42\n"
    assert folder.parent == machine.tool_cache / "astrago-actions"
    assert machine.kept() == [folder.name, f"{folder.name}.lock"]


def test_a_warm_start_installs_nothing_and_needs_no_index(
    warm: Machine, first_start: tuple[Machine, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert dependencies_folder(str(warm.root)) == str(first_start[1])
    assert capsys.readouterr().out == ""


def test_another_lock_needs_a_folder_of_its_own(warm: Machine, tmp_path: Path) -> None:
    lock = tmp_path / LOCK
    lock.parent.mkdir()
    lock.write_text("# a newer release\n" + warm.lock.read_text())

    with pytest.raises(DependenciesMissing, match="/nowhere/python"):
        dependencies_folder(str(tmp_path))


def test_a_folder_is_named_for_what_compiled_packages_depend_on(
    first_start: tuple[Machine, Path],
) -> None:
    name = first_start[1].name

    assert f"{sys.version_info[0]}{sys.version_info[1]}" in name
    assert os.uname().machine in name


def test_two_starts_at_once_install_once(machine: Machine, repository_root: Path) -> None:
    program = (
        "import sys; from astrago_actions.dependencies import dependencies_folder; "
        "print(dependencies_folder(sys.argv[1]))"
    )
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(machine.root)],
            env={**os.environ, "PYTHONPATH": str(repository_root / "src")},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]

    printed = [start.communicate()[0].splitlines() for start in starts]

    assert [start.returncode for start in starts] == [0, 0]
    assert printed[0][-1] == printed[1][-1]
    assert sorted(len(lines) for lines in printed) == [1, 2]


def test_what_a_killed_start_left_behind_is_no_obstacle(
    machine: Machine, first_start: tuple[Machine, Path]
) -> None:
    folder = machine.tool_cache / "astrago-actions" / first_start[1].name
    half = Path(f"{folder}.partial")
    half.mkdir(parents=True)
    (half / "tiny.py").write_text("half\n")
    Path(f"{folder}.lock").touch()

    assert dependencies_folder(str(machine.root)) == str(folder)
    assert (folder / "tiny.py").read_text() == "ANSWER = 42\n"
    assert machine.kept() == [folder.name, f"{folder.name}.lock"]


def test_a_package_that_is_not_what_was_locked_is_refused_and_leaves_nothing(
    machine: Machine,
) -> None:
    make_wheel(machine.wheels, "tiny", {"tiny.py": b"ANSWER = 'evil'\n"})

    with pytest.raises(DependenciesMissing, match=r"(?i)hash"):
        dependencies_folder(str(machine.root))

    assert [name for name in machine.kept() if not name.endswith(".lock")] == []


def test_an_index_that_lacks_the_package_is_explained(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")

    with pytest.raises(DependenciesMissing) as caught:
        dependencies_folder(str(machine.root))

    assert "No matching distribution found for tiny" in str(caught.value)
    assert "PIP_INDEX_URL" in str(caught.value)


def test_settings_of_a_developers_machine_do_not_stand_in_the_way(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")

    assert dependencies_folder(str(machine.root))


def test_a_python_without_pip_is_told_apart(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare/bin/python"))

    with pytest.raises(DependenciesMissing, match=r"bare/bin/python has no pip.*python3-pip"):
        dependencies_folder(str(machine.root))


def test_caches_that_cannot_be_written_to_are_passed_over(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.tool_cache.write_text("a file, in which no user can make folders")
    machine.home.write_text("a file")
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path / "job"))

    folder = dependencies_folder(str(machine.root))

    assert folder.startswith(str(tmp_path / "job" / "astrago-actions"))


def test_nowhere_to_install_says_what_was_tried(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.tool_cache.write_text("a file")
    monkeypatch.setenv("HOME", "relative/path")

    with pytest.raises(DependenciesMissing, match=r"tool cache.*Set RUNNER_TOOL_CACHE"):
        dependencies_folder(str(machine.root))

    monkeypatch.delenv("RUNNER_TOOL_CACHE")
    with pytest.raises(DependenciesMissing, match="no variable names a folder"):
        dependencies_folder(str(machine.root))


def test_a_cache_that_breaks_midway_is_explained(
    machine: Machine, first_start: tuple[Machine, Path]
) -> None:
    folder = machine.tool_cache / "astrago-actions" / first_start[1].name
    Path(f"{folder}.lock").mkdir(parents=True)

    with pytest.raises(DependenciesMissing, match="cannot be kept in the runner's cache"):
        dependencies_folder(str(machine.root))
