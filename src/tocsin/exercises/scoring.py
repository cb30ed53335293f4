"""What an exercise came to, judged against what was expected. Pure: nothing here looks anything up.

A line is `met` (all its points), `late` (half of them), or `missed` or `wrong` (none).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from tocsin.model.document import Data
from tocsin.model.exercise import DECIDED, Exercise

Verdict = Literal["met", "late", "missed", "wrong"]
_POINTS = {"met": 2, "late": 1, "missed": 0, "wrong": 0}
WEIGHTS = {"time": 2, "playbook": 1, "duty": 3, "fact": 1, "inject": 1}
HOURLY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TakenUp:
    """One inject: when it came, and when somebody took it up."""

    inject: str
    to: str
    within: timedelta
    came_at: datetime
    answered_at: datetime | None
    answered_by: str | None


@dataclass(frozen=True, slots=True)
class Waited:
    """One step that waited for people: for whom, since when, until when, and whether a deputy was asked too."""

    run: str
    step: str
    title: str
    who: str
    since: datetime
    until: datetime | None
    answered_by: str | None
    handed_over: bool


@dataclass(frozen=True, slots=True)
class Owed:
    """One duty as it stood at the end. `decided` is empty where nobody decided."""

    key: str
    toward: str
    required: str
    decided: str
    decided_at: datetime | None
    told_at: datetime | None
    drafted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Observed:
    """What happened in the room, in the exercise's own time."""

    began_at: datetime
    ended_at: datetime
    incident: str | None = None
    declared_at: datetime | None = None
    contained_at: datetime | None = None
    playbooks: tuple[str, ...] = ()
    duties: tuple[Owed, ...] = ()
    facts: Mapping[str, tuple[Data, ...]] = field(default_factory=dict)
    injects: tuple[TakenUp, ...] = ()
    waited: tuple[Waited, ...] = ()
    acted: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    unanswered_pages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One thing that was expected: what, by when or which, what was reached, and why it counts so."""

    key: str
    kind: str
    what: str
    target: str
    reached: str
    verdict: Verdict
    why: str

    @property
    def points(self) -> int:
        """What it earned, of `most`."""
        return _POINTS[self.verdict] * WEIGHTS[self.kind]

    @property
    def most(self) -> int:
        """What it could have earned."""
        return _POINTS["met"] * WEIGHTS[self.kind]


@dataclass(frozen=True, slots=True)
class Score:
    """The whole of it; `percent` of what could be earned."""

    lines: tuple[ScoreLine, ...]

    @property
    def percent(self) -> int:
        """How much of what could be earned was earned, in hundredths."""
        most = sum(line.most for line in self.lines)
        return round(100 * sum(line.points for line in self.lines) / most) if most else 0

    @property
    def met(self) -> int:
        """How many lines were met."""
        return sum(line.verdict == "met" for line in self.lines)


def judge(scenario: Exercise, seen: Observed, expected_facts: Mapping[str, Data]) -> Score:
    """Judge what was seen. `expected_facts` are the scenario's, in the law's own words."""
    return Score(
        (
            *_times(scenario, seen),
            _playbook(scenario, seen),
            *_duties(scenario, seen),
            *_facts(seen, expected_facts),
            *_injects(scenario, seen),
        )
    )


def _times(scenario: Exercise, seen: Observed) -> Iterator[ScoreLine]:
    wanted = {toward for toward, answer in scenario.expects.duties.items() if answer == "yes"}
    expected = [owed for owed in seen.duties if owed.toward in wanted and owed.required != "unclear"]
    decisions = [owed for owed in seen.duties if owed.toward in DECIDED and owed.toward in scenario.expects.duties]
    complete = seen.incident is not None
    reached = {
        "declare": ("Declared", seen.declared_at),
        "contain": ("Contained", seen.contained_at),
        "decide": ("Decided whom to tell", _last([owed.decided_at for owed in decisions]) if complete else None),
        "draft": ("Drafted for everybody", _last([owed.drafted_at for owed in expected]) if complete else None),
        "notify": ("Told everybody", _last([owed.told_at for owed in expected]) if complete else None),
    }
    for name, (what, at) in reached.items():
        if name == "decide" and not any(toward in DECIDED for toward in scenario.expects.duties):
            continue
        if name in ("draft", "notify") and "yes" not in scenario.expects.duties.values():
            continue
        target: timedelta = getattr(scenario.targets, name)
        yield _time(name, what, target, None if at is None else at - seen.began_at)


def _last(moments: list[datetime | None]) -> datetime | None:
    """Return the last of the moments, None when one is missing or there is none."""
    known = [moment for moment in moments if moment is not None]
    return max(known) if known and len(known) == len(moments) else None


def _time(name: str, what: str, target: timedelta, took: timedelta | None) -> ScoreLine:
    allowed = spell(target)
    if took is None:
        return ScoreLine(name, "time", what, f"within {allowed}", "never", "missed", "It did not happen.")
    verdict: Verdict = "met" if took <= target else "late"
    why = "In time." if verdict == "met" else f"{spell(took - target)} too late."
    return ScoreLine(name, "time", what, f"within {allowed}", spell(took), verdict, why)


def _playbook(scenario: Exercise, seen: Observed) -> ScoreLine:
    wanted = scenario.expects.playbook or scenario.playbook
    reached = ", ".join(seen.playbooks) or "none"
    if wanted in seen.playbooks:
        return ScoreLine("playbook", "playbook", "The right playbook", wanted, reached, "met", "It was opened.")
    verdict: Verdict = "wrong" if seen.playbooks else "missed"
    return ScoreLine("playbook", "playbook", "The right playbook", wanted, reached, verdict, "It was not opened.")


_WHOM = {
    "regulator": "The ICO is told",
    "people": "The people concerned are told",
    "controllers": "Every client is told",
    "insurer": "The insurer is told",
    "police": "The police are told",
}


def _duties(scenario: Exercise, seen: Observed) -> Iterator[ScoreLine]:
    for toward, wanted in scenario.expects.duties.items():
        mine = [owed for owed in seen.duties if owed.toward == toward]
        if toward in DECIDED:
            yield _decided(toward, wanted, mine)
        else:
            yield _told(toward, wanted, mine)


def _decided(toward: str, wanted: str, mine: list[Owed]) -> ScoreLine:
    found = sorted({owed.decided for owed in mine if owed.decided})
    line = (toward, "duty", _WHOM[toward], wanted, ", ".join(found) or "not decided")
    if not found:
        return ScoreLine(*line, "missed", "Nobody decided.")
    if found != [wanted]:
        return ScoreLine(*line, "wrong", f"What was known asks for {wanted!r}.")
    return ScoreLine(*line, "met", "A named person decided so.")


def _told(toward: str, wanted: str, mine: list[Owed]) -> ScoreLine:
    if wanted == "yes":
        mine = [owed for owed in mine if owed.required != "unclear"]
    told = [owed for owed in mine if owed.told_at]
    line = (toward, "duty", _WHOM[toward], wanted, f"{len(told)} of {len(mine)}" if mine else "nobody")
    if wanted == "no":
        return ScoreLine(*line, "wrong" if told else "met", "Nobody need be told." if told else "Nobody was told.")
    if mine and len(told) == len(mine):
        return ScoreLine(*line, "met", "All of them were.")
    left = ", ".join(owed.key for owed in mine if not owed.told_at)
    return ScoreLine(*line, "missed", f"Never told: {left}." if left else "It was never owed to anybody.")


def _facts(seen: Observed, expected: Mapping[str, Data]) -> Iterator[ScoreLine]:
    for path, wanted in expected.items():
        stated = seen.facts.get(path, ())
        said = "; ".join(dict.fromkeys(_said(value) for value in stated)) or "not stated"
        line = (f"fact-{path}", "fact", f"The fact {path}", _said(wanted), said)
        if any(_same(value, wanted) for value in stated):
            yield ScoreLine(*line, "met", "It was stated.")
        elif stated:
            yield ScoreLine(*line, "wrong", "Something else was stated last.")
        else:
            yield ScoreLine(*line, "missed", "Nobody stated it.")


def _same(stated: Data, wanted: Data) -> bool:
    if isinstance(stated, list) and isinstance(wanted, list):
        return {str(each) for each in wanted} <= {str(each) for each in stated}
    return stated == wanted


def _said(value: Data) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _injects(scenario: Exercise, seen: Observed) -> Iterator[ScoreLine]:
    came = {each.inject: each for each in seen.injects}
    for inject in scenario.in_order:
        taken = came.get(inject.id)
        if taken is None:
            continue  # the exercise ended before it came: nobody could take it up
        target = f"within {spell(taken.within)}"
        what = f"{inject.id.replace('-', ' ').capitalize()}"
        if taken.answered_at is None:
            why = f"Nobody took it up; it was for {taken.to}."
            yield ScoreLine(f"inject-{inject.id}", "inject", what, target, "never", "missed", why)
            continue
        took = taken.answered_at - taken.came_at
        in_time = took <= taken.within
        why = f"{taken.answered_by} took it up{'' if in_time else ', too late'}."
        verdict: Verdict = "met" if in_time else "late"
        yield ScoreLine(f"inject-{inject.id}", "inject", what, target, spell(took), verdict, why)


def spell(span: timedelta) -> str:
    """Return a span as people say it: `25 min`, `1 h 30 min`; pure."""
    minutes = round(span.total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    return " ".join(
        part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else "") if part
    )
