"""Compare what was said with what is on file in tests/golden; `UPDATE_GOLDEN=1` writes it anew."""

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def agrees_with_golden(name: str, text: str) -> None:
    """Assert that `text` is what the golden file holds."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
