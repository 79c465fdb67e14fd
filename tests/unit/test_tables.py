from __future__ import annotations

from pathlib import Path

import pytest

from docs.tables import main

ACTION = """\
inputs:
  image:
    description: >-
      The image,
      such as `a|b`.
    required: true
  token:
    description: A token.
    default: ${{ github.token }}
  extra:
    description: More.
    default: ""
outputs:
  tag:
    description: The tag.
"""
README = """\
# Build tag

<!-- inputs -->
old
<!-- /inputs -->

Between.

<!-- outputs -->
<!-- /outputs -->
The end.
"""
RENEWED = """\
# Build tag

<!-- inputs -->
| input | default | what it is |
| --- | --- | --- |
| **`image`** | required | The image, such as `a\\|b`. |
| `token` | `${{ github.token }}` | A token. |
| `extra` | | More. |
<!-- /inputs -->

Between.

<!-- outputs -->
| output | what it is |
| --- | --- |
| `tag` | The tag. |
<!-- /outputs -->
The end.
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "actions/build-tag").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "actions/build-tag"):
        (folder / "action.yml").write_text(ACTION)
        (folder / "README.md").write_text(README)
    return tmp_path


def test_tables_are_written_between_their_markers(project: Path) -> None:
    assert main([], project) == 0

    assert (project / "README.md").read_text() == RENEWED
    assert (project / "actions/build-tag/README.md").read_text() == RENEWED


def test_writing_twice_changes_nothing(project: Path) -> None:
    main([], project)
    main([], project)

    assert (project / "README.md").read_text() == RENEWED
    assert main(["--check"], project) == 0


def test_checking_names_what_is_out_of_date_and_changes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], project) == 1

    assert (project / "README.md").read_text() == README
    told = capsys.readouterr().err
    assert "README.md: its tables are not those of action.yml" in told
    assert "actions/build-tag/README.md: " in told


@pytest.mark.parametrize("text", ["", README.replace("<!-- /inputs -->", ""), README + README])
def test_a_missing_or_repeated_marker_is_named(
    project: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "README.md").write_text(text)

    assert main([], project) == 1
    assert "README.md: needs <!-- inputs --> and <!-- /inputs --> once" in capsys.readouterr().err


def test_a_missing_readme_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "actions/build-tag/README.md").unlink()

    assert main([], project) == 1
    assert "actions/build-tag/README.md: " in capsys.readouterr().err
