"""The house stays clean: style, types and layers, as `make lint` checks them."""

import subprocess
import sys
from pathlib import Path

import pytest

from repository_files import ROOT

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--quiet", "."],
        ["ruff", "format", "--quiet", "--check", "--diff", "."],
        ["mypy", "--no-error-summary"],
        ["lint-imports", "--no-cache"],
    ],
    ids=["style", "format", "types", "layers"],
)
def test_the_house_is_clean(command: list[str]) -> None:
    program, *arguments = command
    said = subprocess.run([BIN / program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, f"{said.stdout[-6000:]}\n{said.stderr[-2000:]}"
