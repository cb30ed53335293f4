"""Everything below the doors works where Prefect cannot even be imported: the incident does not wait for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]

BLOCKER = """\
import sys
sys.modules["prefect"] = None
def pytest_sessionfinish():
    loaded = [name for name in sys.modules if name.startswith("prefect.")]
    assert not loaded, loaded
"""


def _plain_environment() -> dict[str, str]:
    """A run of pytest inside another one must not take itself for one of that one's workers."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}


def run_blocked(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "prefect_blocker.py").write_text(BLOCKER)
    paths = os.pathsep.join([str(folder), str(TESTS)])
    return subprocess.run(
        [sys.executable, *words],
        # The random histories of the model test are as good with Prefect or without: a few will do.
        env={**_plain_environment(), "PYTHONPATH": paths, "TOCSIN_MODEL_EXAMPLES": "5"},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_engines_whole_suite_passes_with_prefect_blocked_from_import(tmp_path):
    done = run_blocked(tmp_path, "-m", "pytest", "-q", "-p", "prefect_blocker", "tests/unit/runbook")
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


@pytest.mark.parametrize("words", ["serve --help", "run --help", "backup --help"])
def test_a_command_shows_its_help_with_prefect_blocked(tmp_path, words):
    program = (
        f"import prefect_blocker, sys\nfrom tocsin.cli import carry_out\nsys.exit(carry_out({words.split()!r}))"
    )
    done = run_blocked(tmp_path, "-c", program)
    assert done.returncode == 0, done.stderr


def test_naming_the_serving_package_imports_no_prefect():
    program = "import sys, tocsin.serve, tocsin.cli.serve\nsys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
