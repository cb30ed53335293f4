"""How well the ransomware alarm tells an attack from a busy day, on generated years.

    .venv/bin/python tests/benchmarks/plausibility.py [--years 6] [--attacks 60] [--seed 1]

Lives `--years` years of each of five firms, with ordinary bursts, and attacks each firm `--attacks` times for
every share and way. Prints false alarms per year, precision and recall. The promise: at most one false alarm a
year, and every encryption of 2 % and 20 files flagged at once.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from simulators.backup_years import ATTACKS, FIRMS, Year, live
from tocsin.backups.plausibility import Plausibility

SHARES = (0.02, 0.05, 0.2, 1.0)


def main() -> int:
    """Run the benchmark and say whether the promise holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--years", type=int, default=6)
    parser.add_argument("--attacks", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    false: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    tried = 0
    say(f"{'firm':10} {'false alarms a year':>20} {'attacks':>8} {'flagged':>8}")
    for kind in FIRMS:
        years = [live(kind, seed) for seed in range(chosen.seed, chosen.seed + chosen.years)]
        for _, burst, judged in (alarm for one in years for alarm in one.alarms):
            false[f"{kind}/{burst}: {', '.join(code for code, _ in judged.reasons)}"] += 1
        asleep = attack(years, chosen.attacks)
        missed += asleep
        attacks = chosen.attacks * len(ATTACKS) * len(SHARES)
        tried += attacks
        alarms = sum(len(one.alarms) for one in years) / chosen.years
        say(f"{kind:10} {alarms:20.2f} {attacks:8} {attacks - asleep.total():8}")
    for what, count in (*false.most_common(9), *missed.most_common(9)):
        say(f"  {count} times {what}")
    alarms, caught, plan_years = false.total(), tried - missed.total(), chosen.years * len(FIRMS)
    say(f"{plan_years} quiet years, {alarms} false alarms: {alarms / plan_years:.2f} a year and plan")
    say(f"precision {caught / max(caught + alarms, 1):.4f}, recall {caught / tried:.4f} of {tried} attacks")
    return 0 if alarms <= plan_years and caught == tried else 1


def attack(years: list[Year], count: int) -> Counter[str]:
    """Attack `count` times in every way and extent, each time another year's firm; return what was not flagged."""
    missed: Counter[str] = Counter()
    for number in range(count):
        victim = years[number % len(years)]
        for how in ATTACKS:
            for share in SHARES:
                if victim.attacked(how, share, number).state is not Plausibility.FLAGGED:
                    missed[f"{victim.firm.kind}/{how} {share:.0%}"] += 1
    return missed


def say(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
