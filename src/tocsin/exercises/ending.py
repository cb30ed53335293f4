"""End an exercise: judge it, write the report, keep what was found wrong, shut the room.

1. In the room: what happened is read and judged; nothing of it changes any more.
2. In the house: the report, then the row, the findings and the journal's entry in one transaction.
3. The room is shut: its commands refuse from then on. Cut off before that, `end` is simply said again.
"""

from dataclasses import asdict, dataclass, replace

from sqlalchemy import update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.exercises.history import PastExercise, exercise_history
from tocsin.exercises.observing import expected_facts, observe
from tocsin.exercises.playing import Came, injects, room_of, scenario_of, tick
from tocsin.exercises.report import Paper, write_report
from tocsin.exercises.room import Room, keep_room
from tocsin.exercises.scoring import Observed, Score, ScoreLine, judge
from tocsin.findings import Found, note
from tocsin.model.exercise import Exercise
from tocsin.store.database import Transaction
from tocsin.store.tables import exercise as exercises

_LACKING = {"late": "late", "missed": "missed", "wrong": "wrong"}


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of an exercise."""

    room: Room
    scenario: Exercise
    seen: Observed
    score: Score
    injects: tuple[Came, ...]
    paper: Paper
    findings: tuple[str, ...]


def standing(inside: Context) -> tuple[Observed, Score]:
    """Return what an exercise would come to if it ended now; nothing is changed."""
    scenario = scenario_of(room_of(inside))
    seen = observe(inside)
    return seen, judge(scenario, seen, expected_facts(scenario, seen))


def end(house: Context, inside: Context) -> Ended:
    """End the exercise of a room. Raises Refused when it has ended, OperationFailed if no report can be kept."""
    room = room_of(inside)
    past = _must_be_open(house, room)
    tick(inside)
    scenario = scenario_of(room)
    seen, score = standing(inside)
    came = injects(inside)
    with house.store.read() as connection:
        before = exercise_history(connection)
    paper = write_report(house, room, scenario, (seen, score, came), [one for one in before if one.id != past.id])
    house.crash.reach("exercise:reported")
    with house.store.write(house.actor) as tx:
        tx.execute(
            update(exercises)
            .where(exercises.c.id == room.exercise)
            .values(
                state="ended",
                ended_at=tx.now,
                score=score.percent,
                lines=[asdict(line) for line in score.lines],
                report=str(paper.html.relative_to(house.workspace.root)),
            )
        )
        kept = tuple(_note(tx, room, line) for line in score.lines if line.verdict in _LACKING)
        kept += tuple(_silent(tx, room, person) for person in seen.silent)
        tx.record(
            "exercise.finished",
            f"exercise:{room.exercise}",
            {
                "scenario": scenario.id,
                "score": score.percent,
                "lines": {line.key: line.verdict for line in score.lines},
                "participants": list(room.participants),
                "findings": len(kept),
                "report_sha256": paper.html_sha256,
                "data_sha256": paper.json_sha256,
            },
        )
    house.store.sign_head(house.actor)
    house.crash.reach("exercise:kept")
    keep_room(replace(room, ended=True))
    return Ended(room, scenario, seen, score, came, paper, kept)


def give_up(house: Context, identity: str, reason: str) -> PastExercise:
    """Give an exercise up, unscored. Raises UsageError for none and without a reason, Refused when it is over."""
    if not reason.strip():
        raise UsageError("Say why it is given up (--reason TEXT). Nothing was changed.")
    with house.store.read() as connection:
        past = next((one for one in exercise_history(connection) if one.id == identity), None)
    if past is None:
        raise UsageError(f"There is no exercise {identity!r}. 'tocsin drill exercise list' shows them.")
    if past.state != "open":
        raise Refused(f"{identity} is {past.state} already. Nothing was changed.")
    with house.store.write(house.actor) as tx:
        gone = update(exercises).where(exercises.c.id == identity)
        tx.execute(gone.values(state="abandoned", ended_at=tx.now))
        tx.record("exercise.abandoned", f"exercise:{identity}", {}, {"reason": reason.strip()})
    return past


def _must_be_open(house: Context, room: Room) -> PastExercise:
    with house.store.read() as connection:
        past = next((one for one in exercise_history(connection) if one.id == room.exercise), None)
    if past is None:
        raise Refused(f"The house knows of no exercise {room.exercise}. Nothing was changed.")
    if past.state == "ended":
        keep_room(replace(room, ended=True))
        raise Refused(f"{room.exercise} has ended already; it scored {past.score} of 100. Nothing was changed.")
    if past.state != "open":
        raise Refused(f"{room.exercise} was given up. Nothing was changed.")
    return past


def _note(tx: Transaction, room: Room, line: ScoreLine) -> str:
    sentence = f"EXERCISE {room.title}: {line.what}: {line.reached}, expected {line.target}. {line.why}"
    code = f"{line.kind}-{_LACKING[line.verdict]}"
    return note(tx, Found("exercise", room.exercise, f"exercise:{room.scenario}", code, sentence, line.key))


def _silent(tx: Transaction, room: Room, person: str) -> str:
    sentence = f"EXERCISE {room.title}: {person} had a part and was never heard of."
    return note(
        tx, Found("exercise", room.exercise, f"exercise:{room.scenario}", "never-reached", sentence, person)
    )
