"""Drills and exercises as proof of a practice: all that are wanted have passed, and nothing less."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from practice_ground import practising
from simulators.house import House
from tocsin.practices import count_drills, history_of
from tocsin.store.database import JsonValue
from tocsin.store.operations import begin, finish
from tocsin.store.tables import exercise

DRILL = "drill: {name}\ntitle: A drill\nbackup_plan: file-share\nschedule: '0 9 1 */3 *'\n"


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[House]:
    (tmp_path / "drills").mkdir()
    for name in ("files", "crm"):
        (tmp_path / f"drills/{name}.yaml").write_text(DRILL.format(name=name))
    house = practising(tmp_path, "practices:\n  restore-drill:\n  exercise: {owner: priya}\n")
    yield house
    house.close()


def _drilled(firm: House, name: str, verdict: str = "passed", *, part: bool = False) -> None:
    operation = begin(firm.store, firm.ctx.actor, "drill", f"drill:{name}")
    said: dict[str, JsonValue] = {
        "report": "reports/r.html",
        "report_sha256": "ab" * 32,
        "part": part,
        "participants": ["maya", "sam"],
    }
    with firm.store.write(firm.ctx.actor) as tx:
        finish(tx, operation, verdict, said)


def test_the_quarter_is_settled_once_every_drill_has_passed(firm: House) -> None:
    _drilled(firm, "files")
    _drilled(firm, "crm", "failed")
    assert count_drills(firm.ctx) == ()
    _drilled(firm, "crm", part=True)
    assert count_drills(firm.ctx) == ()
    _drilled(firm, "crm")
    assert [one.practice for one in count_drills(firm.ctx)] == ["restore-drill"]
    assert count_drills(firm.ctx) == ()
    with firm.store.read() as connection:
        (done,) = history_of(connection, "restore-drill")
    assert (done.proof, done.path, done.participants) == ("drill", "reports/r.html", ("maya", "sam"))
    assert (done.sha256, done.signed_by) == ("ab" * 32, "maya")


def test_a_drill_of_an_earlier_round_proves_nothing_of_this_one(firm: House) -> None:
    _drilled(firm, "files")
    _drilled(firm, "crm")
    firm.clock.advance(timedelta(days=120))
    assert count_drills(firm.ctx) == ()


def test_an_exercise_counts_when_it_has_ended_and_its_report_is_there(firm: House) -> None:
    with firm.store.write(firm.ctx.actor) as tx:
        row: dict[str, object] = {
            "id": "EX-1",
            "scenario": "leak",
            "title": "A leak",
            "room": "rooms/1",
            "report": "reports/x.html",
        }
        row |= {"state": "ended", "started_by": "priya", "started_at": tx.now, "ended_at": tx.now, "lines": []}
        tx.execute(insert(exercise).values(**row, participants=["priya", "tom"], score=40))
    assert count_drills(firm.ctx) == ()
    (firm.folder / "reports").mkdir()
    (firm.folder / "reports/x.html").write_text("<p>It was held.</p>")
    assert [one.practice for one in count_drills(firm.ctx)] == ["exercise"]
    with firm.store.read() as connection:
        (done,) = history_of(connection, "exercise")
    assert (done.proof, done.participants, done.signed_by) == ("drill", ("priya", "tom"), "priya")
