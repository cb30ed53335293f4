"""A workspace of its own for each test of the flows."""

import shutil
from pathlib import Path


def copied(empty: Path, root: Path) -> Path:
    """Copy the empty workspace and give it a share of three files."""
    shutil.copytree(empty, root)
    (root / "share" / "letters").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "letters/c.txt"):
        (root / "share" / name).write_text(f"content of {name}\n" * 50)
    return root
