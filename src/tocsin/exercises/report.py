"""The report of an exercise: a page, the same on paper where typst is installed, and as data.

reports/exercises/EX-2026-001/{report.html,report.json,report.pdf}
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import UsageError
from tocsin.exercises.history import PastExercise
from tocsin.exercises.playing import Came
from tocsin.exercises.room import Room
from tocsin.exercises.scoring import Observed, Score, Waited, spell
from tocsin.model.exercise import Exercise
from tocsin.pages import marked, render_page, render_pdf
from tocsin.store.columns import instant_text

HTML, JSON, PDF = "report.html", "report.json", "report.pdf"
FORM = "tocsin exercise report 1"
_LONGEST_WAITS = 12
_PAST = 10

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Paper:
    """The files of a report. `pdf` is None without typst."""

    folder: Path
    html: Path
    pdf: Path | None
    html_sha256: str
    json_sha256: str


def write_report(
    house: Context,
    room: Room,
    scenario: Exercise,
    played: tuple[Observed, Score, tuple[Came, ...]],
    before: Sequence[PastExercise],
) -> Paper:
    """Write the report durably below `reports/exercises/`; written again after a crash, it takes its own place.

    Raises OperationFailed when it cannot be written, ConfigurationError for a wrong template of the firm's own.
    """
    facts = report_facts(house, room, scenario, played, before)
    folder = private_folder(house.workspace.root / "reports" / "exercises" / room.exercise)
    data = (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
    page = marked(render_page(house.workspace, "reports/exercise.html.j2", facts), room.exercise).encode()
    write_durably(folder / JSON, data)
    paper = _on_paper(facts)
    if paper:
        write_durably(folder / PDF, paper)
    write_durably(folder / HTML, page)
    return Paper(folder, folder / HTML, folder / PDF if paper else None, _sha256(page), _sha256(data))


def _on_paper(facts: Facts) -> bytes | None:
    try:
        return render_pdf("reports/exercise.typ", facts)
    except UsageError:  # typst is optional: the page says the same, and any browser prints it
        return None


def report_facts(
    house: Context,
    room: Room,
    scenario: Exercise,
    played: tuple[Observed, Score, tuple[Came, ...]],
    before: Sequence[PastExercise],
) -> Facts:
    """Return the report as plain data; the players' times are the exercise's own, `held_at` is real."""
    seen, score, came = played
    people = house.workspace.people

    def named(person: str) -> str:
        return people[person].name if person in people else person

    def since(moment: datetime) -> str:
        return f"+{spell(moment - room.began_at)}"

    return {
        "form": FORM,
        "exercise": room.exercise,
        "organisation": house.workspace.organisation.name,
        "scenario": {"id": scenario.id, "title": scenario.title, "playbook": scenario.playbook},
        "held_at": instant_text(house.clock.now()),
        "began_at": instant_text(seen.began_at),
        "lasted": spell(seen.ended_at - seen.began_at),
        "speed": room.speed,
        "led_by": named(house.actor.person),
        "participants": [named(person) for person in room.participants],
        "incident": seen.incident,
        "score": score.percent,
        "met": score.met,
        "of": len(score.lines),
        "lines": [{**asdict(line), "points": line.points, "most": line.most} for line in score.lines],
        "injects": [
            {
                "number": each.number,
                "inject": each.inject,
                "to": each.to,
                "text": each.text,
                "asks": each.asks,
                "looks_for": each.looks_for,
                "came": since(each.came_at),
                "answered": since(each.answered_at) if each.answered_at else "",
                "answered_by": named(each.answered_by) if each.answered_by else "",
                "answer": each.answer or "",
            }
            for each in came
        ],
        "waited": [_waited(each, seen, since) for each in seen.waited[:_LONGEST_WAITS]],
        "acted": [named(person) for person in seen.acted],
        "silent": [named(person) for person in seen.silent],
        "unanswered_pages": list(seen.unanswered_pages),
        "away": [named(person) for person in room.away],
        "past": [
            {"exercise": one.id, "scenario": one.scenario, "on": f"{one.started_at:%Y-%m-%d}", "score": one.score}
            for one in before[:_PAST]
            if one.score is not None
        ],
    }


def _waited(each: Waited, seen: Observed, since: Callable[[datetime], str]) -> Facts:
    return {
        "step": each.title,
        "who": each.who,
        "since": since(each.since),
        "waited": spell((each.until or seen.ended_at) - each.since),
        "answered_by": each.answered_by or "",
        "handed_over": each.handed_over,
    }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
