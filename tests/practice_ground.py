"""A house that keeps practices, and a shell that answers as machines do."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from simulators.house import FIRM, House
from tocsin.alarms import deliver
from tocsin.context import Context
from tocsin.ports import Command, Said
from tocsin.practices import go_practice_round

BEHIND = (Path(__file__).parent / "unit/practices/debian-12-behind.txt").read_text()
BEHIND_AT = datetime(2026, 11, 23, 19, 23, 55, tzinfo=UTC)
KEPT = """\
practices:
  software-updates: {owner: maya, this_machine: crm, first_due: 2026-12-01}
  access-review: {owner: maya, deputy: tom, first_due: 2026-12-31}
  data-audit: {owner: priya}
  staff-training: {people: [tom, sam], topics: [phishing, passwords]}
  restore-drill:
"""


def up_to_date(now: datetime) -> str:
    """Return what a machine says that has nothing waiting."""
    return (
        f"--- tocsin system\ndebian 12\n--- tocsin now\n{now:%s}\n--- tocsin lists\n{now - timedelta(hours=3):%s}\n"
        '--- tocsin apt\n--- tocsin apt-done\n--- tocsin unattended\nAPT::Periodic::Unattended-Upgrade "1";\n'
        "--- tocsin reboot\n--- tocsin end\n"
    )


@dataclass
class Answering:
    """Implements `ports.Shell`: says what it was told to, or that nobody is there."""

    said: Said
    asked: list[Command] = field(default_factory=list)

    def run(self, command: Command) -> Said:
        self.asked.append(command)
        return self.said


def practising(folder: Path, kept: str = KEPT) -> House:
    return House(folder, firm=FIRM + kept)


def answered_by(ctx: Context, text: str, code: int | None = 0) -> Context:
    return replace(ctx, shell=Answering(Said(code, text, "")))


def live_through(house: House, until: datetime, step: timedelta = timedelta(hours=1)) -> list[tuple[str, str]]:
    """Ring the bell each `step` until then; return who was told on which day."""
    heard = []
    while house.clock.now() < until:
        house.clock.advance(step)
        done = go_practice_round(house.ctx)
        deliver(house.ctx)
        heard += [(one.person, f"{house.clock.now():%Y-%m-%d}") for one in done.told]
    return heard
