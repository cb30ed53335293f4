"""Write the reference pages that come from the code and its data. `make docs` calls this.

docs/law.md           every rule of the assessment and every regime, with its basis and the cases that use it
docs/step-kinds.md    every step kind of a playbook: its parameters, how it behaves, and an example
"""

from collections.abc import Callable
from pathlib import Path

import yaml

from tocsin.law.facts import parse_facts
from tocsin.law.page import law_page
from tocsin.runbook.reference import step_kinds_page

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "golden" / "edpb-01-2021.yaml"


def law() -> str:
    """Return the page of the law, with the 18 cases of EDPB Guidelines 01/2021 beside the rules they exercise."""
    cases = yaml.safe_load(CASES.read_text(encoding="utf-8"))["cases"]
    return law_page({case["id"]: parse_facts(case["facts"]) for case in cases}).rstrip() + "\n"


def step_kinds() -> str:
    """Return the page of the step kinds."""
    return step_kinds_page().rstrip() + "\n"


PAGES: dict[str, Callable[[], str]] = {"docs/law.md": law, "docs/step-kinds.md": step_kinds}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")
        print(f"wrote {name}")


if __name__ == "__main__":
    main()
