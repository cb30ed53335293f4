"""The files of this checkout that a person commits, for the tests that look at all of them."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
_MADE = {".git", ".venv", ".tools", ".build", "dist", "demo", "node_modules"}


@cache
def repository_files() -> tuple[Path, ...]:
    """Return every file git knows or would add; without git, every file that no tool made."""
    try:
        said = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        found = (path for path in ROOT.rglob("*") if not _MADE & {*path.relative_to(ROOT).parts})
        return tuple(sorted(path for path in found if path.is_file() and "cache" not in str(path)))
    names = said.stdout.decode().split("\0")
    return tuple(sorted({ROOT / name for name in names if name and (ROOT / name).is_file()}))


def text_files() -> tuple[tuple[Path, str], ...]:
    """Return each of them that is text, with its content."""
    found = []
    for path in repository_files():
        try:
            found.append((path, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return tuple(found)
