"""An exercise to be played in a test: a house, the room of one of the shipped scenarios, players who know the script.

with Exercise(house, "ransomware-friday") as played:
    played.to_the_end(answers)
    ended = played.end()
"""

from datetime import timedelta
from pathlib import Path
from shutil import copy
from typing import Self

from simulators.chance import CrashAt, SimulatedRandomness
from simulators.house import FIRM, House, lay_migrated_store
from tocsin.context import Context
from tocsin.exercises import Table, answer_inject, end, injects, room_at, scenario_of, start, tick
from tocsin.exercises.clock import ExerciseClock
from tocsin.exercises.ending import Ended
from tocsin.exercises.pretence import room_context
from tocsin.exercises.room import as_room
from tocsin.incidents import Declaration, confirm, declare, reach, take
from tocsin.model.document import Data
from tocsin.notices import approve_notice, notice_of, record_sent, shown
from tocsin.ports import Actor
from tocsin.runbook import decisions
from tocsin.runbook.engine import stand
from tocsin.runbook.ledger import load_runs
from tocsin.situation import state_fact
from tocsin.situation.discharging import Discharge, discharge
from tocsin.store.database import open_store
from tocsin.workspace import load

SHIPPED = Path(__file__).parents[1] / "drills"
PLAYERS = FIRM.replace(
    "  contact: {name: Priya",
    "  regulated_as: []\n  size: small\n"
    "  insurance: [{policy: CY-1, insurer: Meridian, notice_hours: 48}]\n  contact: {name: Priya",
)


def exercise_house(folder: Path, firm: str = PLAYERS) -> House:
    """Return a house that has the shipped exercises."""
    (folder / "drills").mkdir(parents=True)
    for path in SHIPPED.glob("exercise-*.yaml"):
        copy(path, folder / "drills")
    return House(folder, firm=firm)


class Exercise:
    """One exercise under way, on the house's simulated clock."""

    def __init__(self, house: House, name: str, *, speed: int | None = None, system: str | None = None) -> None:
        self.house = house
        self.name = name
        self.room = start(house.ctx, name, Table(("maya", "tom", "priya"), speed, system))
        self.scenario = scenario_of(self.room)
        workspace = as_room(load(self.room.folder), self.room)
        workspace.state_folder.mkdir(mode=0o700)
        lay_migrated_store(workspace.state_folder / "tocsin.db")
        self.clock = ExerciseClock(self.room.folder, house.clock)
        tools = (self.clock, SimulatedRandomness(), CrashAt())
        self.store = open_store(workspace.store_url, workspace.state_folder, *tools)
        self.ctx = room_context(workspace, self.store, Actor("maya", "cli"), tools)
        self.incident = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def acting(self, *people: str) -> Context:
        """Return the room in the hands of the first of these who can be reached."""
        away = (room_at(self.room.folder) or self.room).away
        return self.ctx.acting_as(Actor(next(person for person in people if person not in away), "cli"))

    def pass_time(self, span: timedelta) -> None:
        """Let the exercise's clock go on."""
        self.house.clock.advance(span / (self.room.hands.speed or 1))

    def declare(self) -> str:
        """Somebody declares, and is certain."""
        said = Declaration(
            self.scenario.title,
            (self.room.system,),
            cause=str(self.scenario.cause),
            playbook=self.scenario.playbook,
        )
        declared = declare(self.acting("maya", "tom"), said)
        self.incident = declared.incident
        confirm(self.acting("maya", "tom"), self.incident, self.clock.now(), "It holds personal data")
        return self.incident

    def to_the_end(self, answers: dict[str, Data], decided: dict[str, str]) -> None:
        """Play it well: every inject taken up and its facts stated, every question answered, until nothing waits."""
        self.pass_time(timedelta(minutes=5))
        self.declare()
        contained = False
        known = dict(answers)
        for _ in range(90):
            self.pass_time(timedelta(minutes=15))
            tick(self.ctx)
            for came in injects(self.ctx):
                if came.answered_at is None:
                    self._take_up(came.inject, known)
            idle = not self._answer_all(known, decided)
            if not contained and self.clock.now() - self.room.began_at >= timedelta(minutes=40):
                reach(self.acting("maya", "tom"), self.incident, "contained")
                contained = True
            if idle and len(injects(self.ctx)) == len(self.scenario.injects):
                break
        self._tell_the_insurer()

    def _take_up(self, name: str, known: dict[str, Data]) -> None:
        inject = next(each for each in self.scenario.injects if each.id == name)
        who = self.acting("tom", "maya")
        answer_inject(who, name, "Done as the playbook says")
        if inject.effect and inject.effect.away == "commander":
            take(who, self.incident, "commander", "Maya does not answer")
        for path, value in inject.fact.items():
            known[path] = value
            state_fact(who, self.incident, path, value, evidence="As it was read out")

    def _answer_all(self, answers: dict[str, Data], decided: dict[str, str]) -> bool:
        found = False
        for run in self.runs():
            for look in stand(self.ctx, run).waiting:
                self._answer(run, look.row.key, dict(look.row.asked or {}), answers, decided)
                found = True
        return found

    def runs(self) -> list[str]:
        with self.store.read() as connection:
            return [run.id for run in load_runs(connection, incident=self.incident, open_only=True)]

    def _answer(
        self, run: str, key: str, asks: dict[str, Data], answers: dict[str, Data], decided: dict[str, str]
    ) -> None:
        who = self.acting("maya", "tom")
        lead = self.acting("priya")
        match asks["kind"]:
            case "task":
                decisions.answer(who, run, key, "done")
            case "ask":
                fact = asks.get("fact")
                value = answers.get(str(fact), "unknown") if fact else answers.get(key, asks["choices"][-1])  # type: ignore[index]
                decisions.answer(who, run, key, value)
            case "decide":
                wanted = decided["regulator" if "regulator" in key else "people"]
                decisions.answer(lead, run, key, wanted, reason="The risk to people is what it is")
            case "notice":
                notice = notice_of(lead, str(asks["notice"]))
                if notice.state == "draft":
                    approve_notice(lead, notice.id, shown(lead, notice.id).sha256, reason="Read in full")
                else:
                    record_sent(lead, notice.id, reference="By hand, 4711")
            case other:
                raise AssertionError(f"{key} waits for {other}: {asks}")

    def _tell_the_insurer(self) -> None:
        said = Discharge(how="By telephone")
        if self.scenario.expects.duties.get("insurer") == "yes":
            discharge(self.acting("priya"), self.incident, "insurer", said)

    def end(self) -> Ended:
        """End it, judged and reported."""
        return end(self.house.ctx, self.ctx)
