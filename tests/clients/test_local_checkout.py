"""Editing a checkout on this machine: all files or none, and nothing outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from astrago_actions.clients.local_checkout import read_files, write_files
from astrago_actions.errors import ActionError, NotFound


def test_bytes_are_replaced_and_modes_stay(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_bytes(b"tag: a\r\n")
    file.chmod(0o640)

    write_files(tmp_path, {"values.yaml": b"tag: b\r\n"})

    assert file.read_bytes() == b"tag: b\r\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["values.yaml"]


def test_when_the_second_file_cannot_be_written_the_first_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_bytes(b"tag: a\n")
    (tmp_path / "second.yaml").mkdir()

    with pytest.raises(ActionError, match="none was changed") as caught:
        write_files(tmp_path, {"first.yaml": b"tag: b\n", "second.yaml": b"tag: b\n"})

    assert "second.yaml" in caught.value.detail
    assert (tmp_path / "first.yaml").read_bytes() == b"tag: a\n"
    assert {each.name for each in tmp_path.iterdir()} == {"first.yaml", "second.yaml"}


def test_a_folder_that_vanished_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_bytes(b"tag: a\n")

    with pytest.raises(ActionError, match="none was changed"):
        write_files(tmp_path, {"first.yaml": b"tag: b\n", "gone/second.yaml": b"tag: b\n"})

    assert (tmp_path / "first.yaml").read_bytes() == b"tag: a\n"


def test_a_path_out_of_the_checkout_is_refused(tmp_path: Path) -> None:
    (tmp_path / "checkout").mkdir()
    (tmp_path / "outside.yaml").write_bytes(b"")

    with pytest.raises(ActionError, match="lies outside"):
        read_files(tmp_path / "checkout", ["../outside.yaml"])


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_bytes(b"")
    (tmp_path / "link.yaml").symlink_to("values.yaml")

    with pytest.raises(NotFound, match="is not a file"):
        read_files(tmp_path, ["link.yaml"])
