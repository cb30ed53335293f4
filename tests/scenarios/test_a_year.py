"""A year in the life of a firm, on a clock that is turned by hand.

Every due date of ours is live: practices, prevention actions, drills, deadlines, alarms, readiness week by week. The
bell rings twice a day, from January to January, over both changes of the clock; for a week over the end of January
nothing rings at all. Three drills are held, two accounts are phished, and the second time somebody asks what became
of the first.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from review_ground import sign_a_review
from simulators.house import FIRM, House
from tocsin import actions, practices, reviews
from tocsin.alarms import Delivery, deliver
from tocsin.cli.action_words import promised
from tocsin.drills import watch_drills
from tocsin.errors import Refused
from tocsin.findings import Found, note, open_findings
from tocsin.incidents import Closing, Declaration, close, declare, raise_due_alarms, reach
from tocsin.readiness import keep_week_if_due, readiness, weeks
from tocsin.readiness.page import page_facts
from tocsin.runbook import decisions
from tocsin.runbook.ledger import load_runs
from tocsin.situation import duties_of
from tocsin.situation.discharging import Discharge, discharge
from tocsin.store.database import Transaction
from tocsin.store.journal import heads, lines
from tocsin.store.keys import trusted_keys
from tocsin.store.tables import alarm, operation, snapshot
from tocsin.store.verification import verify

LONDON = ZoneInfo("Europe/London")
NEW_YEAR = datetime(2027, 1, 1, 9, 30, tzinfo=LONDON).astimezone(UTC)
DOWN = (date(2027, 1, 28), date(2027, 2, 4))
PROFILE = "  regulated_as: []\n  size: small\n  insurance: []\n"
KEPT = """\
reminders: {hours: "09:00-17:00"}
practices:
  access-review: {owner: maya, deputy: tom, every: 6 months, grace: 14d, first_due: 2027-01-31}
  staff-training: {owner: priya, people: [tom, sam], topics: [phishing], every: 1 year, first_due: 2027-02-01}
  contact-test: {owner: tom, every: 3 months, first_due: 2027-03-31}
"""
DRILL = """\
drill: files
title: Files come back
backup_plan: file-share
owner: maya
schedule: "0 10 1 1,4,7,10 *"
"""


@dataclass
class Year:
    """The house, what was said to whom, and what people do when they are reminded."""

    house: House
    said: list[tuple[date, Delivery]] = field(default_factory=list)
    rung: int = 0

    @property
    def today(self) -> date:
        return self.house.clock.now().astimezone(LONDON).date()

    def ring(self) -> None:
        """Do what `serve` and `watch` do at each round, but for what needs a repository."""
        ctx = self.house.ctx
        raise_due_alarms(ctx)
        watch_drills(ctx)
        practices.go_practice_round(ctx)
        actions.go_action_round(ctx)
        keep_week_if_due(ctx)
        self.said += [(self.today, each) for each in deliver(ctx)]
        self.rung += 1

    def until(self, day: date) -> None:
        """Let the days go by, the bell at half past nine and half past four on the wall clock."""
        while self.today < day:
            for hour in (9, 16):
                self.house.clock.set(
                    datetime(
                        self.today.year, self.today.month, self.today.day, hour, 30, tzinfo=LONDON
                    ).astimezone(UTC)
                )
                if not DOWN[0] <= self.today < DOWN[1]:
                    self.ring()
            tomorrow = self.today + timedelta(days=1)
            self.house.clock.set(
                datetime(tomorrow.year, tomorrow.month, tomorrow.day, 8, tzinfo=LONDON).astimezone(UTC)
            )

    def backs_up(self) -> None:
        """Write down a good backup of the files."""
        with self.house.store.write(self.house.ctx.actor) as tx:
            identity = self._operation(tx, "backup", "plan:file-share", "ok")
            row = {"id": "a" * 64, "repository": "local", "backup_plan": "file-share", "tree": "b" * 64}
            counted = {"files": 1, "bytes": 1, "added_bytes": 1, "paths": []}
            tx.execute(
                insert(snapshot).values(**row, **counted, time=tx.now, verdict="ok", operation=identity, dump="")
            )

    def drills(self, verdict: str) -> None:
        """Write down a drill as one that ran to its end; what it found, if it failed."""
        with self.house.store.write(self.house.ctx.actor) as tx:
            identity = self._operation(tx, "drill", "drill:files", verdict)
            told = {"verdict": verdict, "participants": ["maya", "sam"]}
            tx.record("drill.finished", "drill:files", told)
            if verdict == "failed":
                note(tx, Found("drill", identity, "drill:files", "missing-file", "It was not restored.", "/srv/a"))

    def _operation(self, tx: Transaction, kind: str, subject: str, verdict: str) -> str:
        row = {"id": tx.new_id(), "kind": kind, "subject": subject, "state": "finished", "verdict": verdict}
        times = {"started_at": tx.now, "finished_at": tx.now}
        tx.execute(insert(operation).values(**row, **times, actor="maya", host="here", process="1", detail={}))
        return row["id"]

    def does(self, name: str, paper: Path, *people: str, by: str = "maya") -> None:
        """Complete a practice with a file as its evidence."""
        ctx = self.house.acting(by)
        practice = practices.practice_named(ctx.workspace, name)
        evidence = practices.kept_file(ctx, practice, paper)
        practices.complete(
            ctx, practice, practices.abouts_of(practice, people), evidence, by=by, participants=people
        )

    def phished(self, title: str) -> str:
        """Live through a phished account, from the declaration to the day it is over."""
        ctx = self.house.ctx
        incident = declare(ctx, Declaration(title, ("crm",), "phishing", aware_at=ctx.clock.now())).incident
        for moment in ("contained", "recovered"):
            self.house.clock.advance(timedelta(hours=3))
            reach(ctx, incident, moment)
        return incident

    def closes(self, incident: str) -> None:
        """Sign what is left of its review, settle what it still owes, and close it."""
        ctx = self.house.ctx
        sign_a_review(ctx, incident)
        with self.house.store.read() as connection:
            runs = load_runs(connection, incident=incident, open_only=True)
            owed = [each for each in duties_of(connection, incident) if each.must_be_settled]
        for run in runs:
            decisions.end(ctx, run.id, "Over")
        for each in owed:
            said = Discharge(how="By telephone", late_reasons="Found later", nothing_more="Nothing else is known")
            discharge(ctx, incident, each.key, said)
        close(ctx, incident, Closing("Nobody came to harm", "The password was changed"))

    def reminders(self, kind: str) -> list[tuple[date, str]]:
        """Return who was told what kind of thing on which day."""
        with self.house.store.read() as connection:
            kinds = {row.id: row.kind for row in connection.execute(select(alarm.c.id, alarm.c.kind))}
        return [
            (day, person)
            for day, each in self.said
            if each.what != "over" and any(kinds[one].startswith(kind) for one in each.alarms)
            for person in each.people
        ]


@pytest.fixture
def year(tmp_path):
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills/files.yaml").write_text(DRILL)
    house = House(tmp_path, firm=FIRM.replace("  registration:", f"{PROFILE}  registration:") + KEPT)
    house.clock.set(NEW_YEAR)
    yield Year(house)
    house.close()


def test_a_year(year: Year, tmp_path: Path) -> None:
    paper = tmp_path / "evidence.txt"
    paper.write_text("Signed by hand.\n")
    year.backs_up()

    # January: the drill passes. Then the server is down over the end of the month, when two practices fall due.
    year.until(date(2027, 1, 4))
    year.drills("passed")
    year.until(date(2027, 2, 4))
    before = len(year.said)
    year.until(date(2027, 2, 5))
    # What fell due while nothing rang is said once to each, on the first day that the bell rings again.
    assert {(day, person) for day, each in year.said[before:] for person in each.people} == {
        (date(2027, 2, 4), "maya"), (date(2027, 2, 4), "tom"), (date(2027, 2, 4), "sam"),
    }  # fmt: skip
    year.does("access-review", paper)
    year.does("staff-training", paper, "tom", by="priya")  # Sam never does.

    # March: a mailbox is phished. The review proposes; one action needs a drill, one everybody's training.
    year.until(date(2027, 3, 10))
    first = year.phished("A mailbox was phished")
    review = reviews.open_review(year.house.ctx, first)
    assert "Staff training" in str(reviews.look_back(year.house.ctx, first).overdue_then)
    by_proof = {(each.proof.kind, each.proof.name): each for each in review.proposals}
    train = reviews.accept(
        year.house.ctx,
        first,
        by_proof["practice", "staff-training"].number,
        reviews.Accepted("sam", date(2027, 4, 12), deputy="tom"),
    )
    # The spring drill fails; what it found is put right and proven by the next.
    year.until(date(2027, 4, 2))
    year.drills("failed")
    found = reviews.open_review(year.house.ctx, first)
    fault = next(each for each in found.proposals if each.source == "finding")
    mend = reviews.accept(year.house.ctx, first, fault.number, reviews.Accepted("maya", date(2027, 4, 30)))
    with pytest.raises(Refused, match="stays open"):
        actions.close(year.house.ctx, mend)
    year.closes(first)
    year.until(date(2027, 4, 20))
    year.drills("passed")
    assert actions.close(year.house.ctx, mend).state == "closed"
    year.does("contact-test", paper, by="tom")

    # Summer and autumn go by; the access review is done again in time, the training never.
    year.until(date(2027, 8, 2))
    year.does("access-review", paper)
    year.until(date(2027, 9, 15))

    # The second phished mailbox names what was to be fixed, and for which incident.
    second = year.phished("Another mailbox was phished")
    (named,) = promised(year.house.ctx, second, "phishing")
    assert (named["action"], named["incident"]) == (train, first)
    assert str(named["sentence"]).startswith(f"This was to be fixed by 2027-04-12 ({first}): ")
    year.closes(second)
    year.until(date(2028, 1, 1))

    _nothing_nagged(year)
    _the_books_agree(year, first, train, mend)


def _nothing_nagged(year: Year) -> None:
    """Nobody is told of anything twice on a day, and practices and actions of one day are one message."""
    said = {kind: year.reminders(kind) for kind in ("practice.", "action.", "drill.")}
    for told in said.values():
        assert len(told) == len(set(told))
    together = Counter(
        (day, person)
        for day, each in year.said
        if each.what == "raised" and each.text.startswith(("Good practice", "1 prevention"))
        for person in each.people
    )
    assert set(together.values()) == {1}
    # The one overdue action: Sam hears a week before its day, on it, the day after and each of 37 weeks, and from the
    # first of them on Tom hears of it too.
    assert Counter(person for _, person in said["action."]) == {"sam": 40, "tom": 37}
    assert Counter(person for _, person in said["practice."]) == {"sam": 51, "priya": 44, "tom": 40, "maya": 30}
    assert not [day for told in said.values() for day, _ in told if DOWN[0] <= day < DOWN[1]]


def _the_books_agree(year: Year, first: str, train: str, mend: str) -> None:
    house = year.house
    with house.store.read() as connection:
        states = {each.id: each.state for each in actions.actions(connection)}
        assert states == {train: "open", mend: "closed"}
        assert open_findings(connection) == ()
        done = Counter(
            each.practice for name in house.workspace.practices for each in practices.history_of(connection, name)
        )
        assert done == {"access-review": 2, "staff-training": 1, "contact-test": 1}
        assert verify(lines(connection), heads(connection), trusted_keys(house.store.keys_folder)).ok
        kept = weeks(connection)
    assert len(kept) == 53  # every week once; the one that began in the downtime on the day the bell rang again
    seen = readiness(house.ctx)
    told = {row.code: row for row in seen.rows}
    assert first in told["action-overdue"].sentence
    assert {"practice-overdue", "untested"} <= set(told)
    facts = page_facts(house.ctx, seen)
    assert facts["trend"]["bars"]
