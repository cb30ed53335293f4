"""How long one assessment takes, open questions included.

Run: .venv/bin/python tests/benchmarks/assess.py
Prints the median and the slowest of the 18 guideline cases, of a document of which nothing is known, and of
the cases with every second fact taken away; each once with an empty memory (cold) and then warm.
"""

import gc
import statistics
import sys
import time
from pathlib import Path

import yaml

from tocsin.law import assess, bounds, continuity, disclosure, exposure, harm, pivots
from tocsin.law.facts import Facts, parse_facts

CASES = Path(__file__).parent.parent / "golden" / "edpb-01-2021.yaml"
REPEATS = 20


def main() -> None:
    """Measure and print."""
    gc.set_threshold(100_000, 20, 20)  # as the command line sets it
    cases = [case["facts"] for case in yaml.safe_load(CASES.read_text(encoding="utf-8"))["cases"]]
    halved = [dict(list(case.items())[::2]) for case in cases]
    assess(parse_facts(cases[0]))
    for name, documents in (("18 cases", cases), ("every second fact", halved), ("nothing known", [{}])):
        parsed = [parse_facts(document) for document in documents]
        cold = [seconds(facts, forget=True) for facts in parsed for _ in range(REPEATS)]
        warm = [seconds(facts) for facts in parsed for _ in range(REPEATS)]
        sys.stdout.write(f"{name:18} cold {spell(cold)}   warm {spell(warm)}\n")


def seconds(facts: Facts, *, forget: bool = False) -> float:
    """Return how long one assessment took."""
    if forget:
        for module in (exposure, harm, disclosure, continuity, bounds, pivots):
            for remembered in vars(module).values():
                if hasattr(remembered, "cache_clear"):
                    remembered.cache_clear()
    start = time.perf_counter()
    assess(facts)
    return time.perf_counter() - start


def spell(found: list[float]) -> str:
    """Return the median and the slowest in milliseconds."""
    return f"median {1000 * statistics.median(found):5.1f} ms, slowest {1000 * max(found):5.1f} ms"


if __name__ == "__main__":
    main()
