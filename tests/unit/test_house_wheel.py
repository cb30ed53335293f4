"""The wheel holds everything an operator needs, and finds it where it is installed."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from repository_files import ROOT, repository_files
from tocsin.workspace.finding import STARTER_FOLDERS


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    said = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr[-2000:]
    (wheel,) = folder.glob("tocsin-*.whl")
    with ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_every_file_of_the_package(installed: Path) -> None:
    source = ROOT / "src"
    wanted = {path.relative_to(source) for path in repository_files() if path.is_relative_to(source / "tocsin")}
    assert [str(path) for path in sorted(wanted) if not (installed / path).is_file()] == []


@pytest.mark.parametrize("name", STARTER_FOLDERS)
def test_the_wheel_holds_the_starter_content(installed: Path, name: str) -> None:
    wanted = [path for path in repository_files() if path.is_relative_to(ROOT / name)]
    assert wanted
    starter = installed / "tocsin" / "starter"
    assert [str(path) for path in wanted if not (starter / path.relative_to(ROOT)).is_file()] == []


def test_an_installed_tocsin_makes_a_workspace_from_its_own_content(installed: Path, tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}

    def run(*arguments: str) -> str:
        said = subprocess.run(
            [sys.executable, *arguments], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert said.returncode == 0, said.stderr
        return said.stdout.strip()

    where = run("-c", "from tocsin.workspace import starter; print(starter())")
    assert Path(where) == (installed / "tocsin" / "starter").resolve()
    run("-m", "tocsin.cli", "init", str(tmp_path / "firm"))
    assert {path.name for path in (ROOT / "playbooks").iterdir()} <= {
        path.name for path in (tmp_path / "firm" / "playbooks").iterdir()
    }
    run("-m", "tocsin.cli", "check", "--workspace", str(tmp_path / "firm"))
