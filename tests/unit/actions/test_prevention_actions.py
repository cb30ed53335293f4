"""Prevention actions: no door closes one without its proof, and one whose check fails is open again."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from simulators.house import FIRM, House
from tocsin import actions
from tocsin.actions import Proof, Wanted
from tocsin.actions.reminding import KIND
from tocsin.alarms import deliver, standing
from tocsin.errors import Refused, Temporary, TocsinError, UsageError
from tocsin.findings import Found, note, open_findings
from tocsin.ports import Command, HttpAnswer, HttpRequest, Said
from tocsin.store.tables import action, operation, practice_done

DAY = date(2026, 11, 20)
KEPT = "practices:\n  access-review: {owner: maya}\n  staff-training: {owner: priya, people: [tom, sam]}\n"
DRILL = "drill: files\ntitle: Files come back\nbackup_plan: file-share\n"


@dataclass
class Machine:
    """Implements `ports.Shell` and `ports.Http`: answers as it was told to."""

    code: int | None = 0
    status: int = 200
    away: bool = False
    asked: list[object] = field(default_factory=list)

    def run(self, command: Command) -> Said:
        self.asked.append(command.argv)
        return Said(self.code, "secret words", "")

    def request(self, request: HttpRequest) -> HttpAnswer:
        self.asked.append(request.url)
        if self.away:
            raise Temporary("The server is out of reach.")
        return HttpAnswer(self.status, "secret words")


@pytest.fixture
def house(tmp_path):
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills/files.yaml").write_text(DRILL)
    house = House(tmp_path, firm=FIRM + KEPT)
    yield house
    house.close()


def wanted(proof: Proof, **others) -> Wanted:
    known = {"title": "Second factor everywhere", "risk": "A password is enough", "owner": "sam"}
    return Wanted(**{**known, "due_on": DAY + timedelta(days=30), "proof": proof, **others})


def opened(house: House, proof: Proof, **others) -> str:
    return actions.open_action(house.ctx, wanted(proof, **others))


def on(house: House, machine: Machine):
    return replace(house.ctx, shell=machine, http=machine)


def state(house: House, identity: str) -> str:
    with house.store.read() as connection:
        return actions.action_named(connection, identity).state


def practised(house: House, name: str, about: str = "", proof: str = "sheet") -> None:
    with house.store.write(house.ctx.actor) as tx:
        row = {"id": tx.new_id(), "practice": name, "about": about, "due_on": "2026-12-01", "done_at": tx.now}
        tx.execute(insert(practice_done).values(**row, signed_by="maya", proof=proof, participants=[]))


def drilled(house: House, verdict: str) -> None:
    with house.store.write(house.ctx.actor) as tx:
        row = {
            "id": tx.new_id(),
            "kind": "drill",
            "subject": "drill:files",
            "state": "finished",
            "verdict": verdict,
        }
        times = {"started_at": tx.now, "finished_at": tx.now}
        tx.execute(insert(operation).values(**row, **times, actor="maya", host="here", process="1", detail={}))


def test_a_practice_proves_it_once_it_is_really_done_for_everybody(house):
    practised(house, "access-review")
    house.clock.advance(timedelta(hours=1))
    review, training = (
        opened(house, Proof("practice", name=name)) for name in ("access-review", "staff-training")
    )
    with pytest.raises(Refused, match=r"stays open: access-review was not completed"):
        actions.close(house.ctx, review)
    practised(house, "access-review", proof="skipped")
    with pytest.raises(Refused):
        actions.close(house.ctx, review)
    practised(house, "access-review")
    assert actions.close(house.ctx, review).closed_by == "maya"
    practised(house, "staff-training", about="tom/phishing")
    with pytest.raises(Refused, match="not completed for sam"):
        actions.close(house.ctx, training)
    practised(house, "staff-training", about="sam")
    assert actions.close(house.ctx, training).state == "closed"


def test_a_drill_that_fails_later_opens_it_again_and_says_where_it_came_from(house):
    drilled(house, "passed")
    house.clock.advance(timedelta(hours=1))
    one = opened(house, Proof("drill", name="files"))
    with pytest.raises(Refused, match="has not been run to its end since then"):
        actions.close(house.ctx, one)
    drilled(house, "passed")
    actions.close(house.ctx, one)
    house.clock.advance(timedelta(days=90))
    drilled(house, "failed")
    assert actions.go_action_round(house.ctx).reopened == (one,)
    with house.store.read() as connection:
        found = actions.action_named(connection, one)
    assert (found.state, found.reopened, found.last.verdict) == ("open", 1, "failed")
    assert house.journal_kinds().count("action.reopened") == 1


def test_a_program_and_a_page_are_asked_once_a_day_and_what_nobody_saw_changes_nothing(house):
    machine = Machine(code=1, away=True)
    program = opened(house, Proof("command", argv=("/bin/mfa-report", "--all")))
    page = opened(house, Proof("http", url="https://www.example.org/", status=403))
    for identity in (program, page):
        with pytest.raises(Refused, match="stays open"):
            actions.close(on(house, machine), identity)
    machine.code, machine.away, machine.status = 0, False, 403
    for identity in (program, page):
        assert actions.close(on(house, machine), identity).state == "closed"
    machine.asked.clear()
    for _ in range(48):
        house.clock.advance(timedelta(hours=1))
        actions.go_action_round(on(house, machine))
    assert len(machine.asked) == 4
    machine.code, machine.away = None, True
    house.clock.advance(timedelta(days=1))
    assert actions.go_action_round(on(house, machine)).reopened == ()
    machine.code = 1
    house.clock.advance(timedelta(days=1))
    assert actions.go_action_round(on(house, machine)).reopened == (program,)
    with house.store.read() as connection:
        assert "secret" not in str([actions.checks_of(connection, each) for each in (program, page)])


def test_a_document_needs_another_person_and_stays_as_it_was_approved(house, tmp_path):
    one = opened(house, Proof("document", shows="The shredding contract"))
    paper = tmp_path / "contract.pdf"
    paper.write_bytes(b"")
    with pytest.raises(UsageError, match="is empty"):
        actions.attach(house.ctx, one, paper)
    paper.write_bytes(b"signed")
    sha256 = actions.attach(house.ctx, one, paper)
    with pytest.raises(Refused, match=r"attached to .* already"):
        actions.attach(house.ctx, one, paper)
    with pytest.raises(Refused, match="waits for another person"):
        actions.close(house.ctx, one)
    with pytest.raises(Refused, match="You attached it yourself"):
        actions.approve(house.ctx, one, sha256[:12])
    with pytest.raises(UsageError, match="no one document"):
        actions.approve(house.acting("tom"), one, "")
    actions.approve(house.acting("tom"), one, sha256[:12])
    actions.close(house.ctx, one)
    kept = house.workspace.state_folder / "actions" / one / sha256
    kept.write_bytes(b"changed afterwards")
    assert actions.check(house.ctx, one).reopened


def test_the_table_itself_refuses_one_closed_without_proof_or_dropped_alone(house):
    one = opened(house, Proof("drill", name="files"))
    for values in ({"state": "closed"}, {"state": "dropped", "drop_by": "maya", "drop_second": "maya"}):
        with pytest.raises((IntegrityError, TocsinError)), house.store.write(house.ctx.actor) as tx:
            tx.execute(update(action).where(action.c.id == one).values(**values))
    assert state(house, one) == "open"


def test_dropping_one_takes_a_reason_and_a_second_person(house):
    one = opened(house, Proof("drill", name="files"))
    with pytest.raises(UsageError, match="Say why"):
        actions.drop(house.ctx, one, " ")
    with pytest.raises(UsageError, match="Nobody has asked"):
        actions.agree_to_drop(house.acting("tom"), one)
    actions.drop(house.ctx, one, "The server is switched off")
    with pytest.raises(Refused, match="somebody else has to agree"):
        actions.agree_to_drop(house.ctx, one)
    assert state(house, one) == "open"
    with pytest.raises(Refused, match="nobody in the workspace"):
        actions.agree_to_drop(house.acting("user:stranger"), one)
    assert actions.agree_to_drop(house.acting("tom"), one).state == "dropped"
    with pytest.raises(Refused, match="is dropped"):
        actions.close(house.ctx, one)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"owner": "sma"}, "Did you mean 'sam'"),
        ({"due_on": DAY - timedelta(days=1)}, "has passed"),
        ({"risk": " "}, "the risk it lowers"),
        ({"deputy": "sam"}, "own deputy"),
        ({"causes": ("phising",)}, "Did you mean 'phishing'"),
        ({"incident": "INC-2026-009"}, "There is no incident"),
        ({"proof": Proof("practice", name="data-audit")}, "is not kept here"),
        ({"proof": Proof("practice", name="acess-review")}, "Did you mean 'access-review'"),
        ({"proof": Proof("drill", name="flies")}, "Did you mean 'files'"),
        ({"proof": Proof("command")}, "Say which program"),
        ({"proof": Proof("http", url="www.example.org")}, "no address"),
        ({"proof": Proof("http", url="https://me:word@example.org/")}, "password in it"),
        ({"proof": Proof("document")}, "must show"),
    ],
)
def test_it_refuses_what_can_never_be_done_or_proven(house, wrong, says):
    with pytest.raises(UsageError, match=says):
        opened(house, **{"proof": Proof("drill", name="files"), **wrong})
    with house.store.read() as connection:
        assert actions.actions(connection) == ()


def test_a_finding_is_settled_when_its_action_closes(house):
    with house.store.write(house.ctx.actor) as tx:
        found = note(tx, Found("drill", "1" * 32, "drill:files", "missing-file", "One is missing.", "/srv/a"))
    one = opened(house, Proof("drill", name="files"), source="finding", source_id=found[:8])
    drilled(house, "passed")
    actions.close(house.ctx, one)
    with house.store.read() as connection:
        assert open_findings(connection) == ()


def test_reminders_climb_to_the_deputy_and_reach_nobody_twice_on_a_day(house):
    one = opened(house, Proof("drill", name="files"), deputy="tom")
    told = []
    for _ in range(6 * 60):
        house.clock.advance(timedelta(hours=4))
        told += [(person, house.clock.now().date()) for person, _ in actions.go_action_round(house.ctx).reminded]
        deliver(house.ctx)
    assert len(told) == len(set(told))
    # A week before, on the day (a Sunday, so with the next working day), and each week: Sam. From a week on Tom too.
    assert [day.isoformat() for person, day in told if person == "sam"] == [
        "2026-12-14", "2026-12-21", "2026-12-28", "2027-01-04", "2027-01-11", "2027-01-18",
    ]  # fmt: skip
    assert [day.isoformat() for person, day in told if person == "tom"] == [
        "2026-12-28", "2027-01-04", "2027-01-11", "2027-01-18",
    ]  # fmt: skip
    assert len(house.postbox.sent) == len(told)
    drilled(house, "passed")
    actions.close(house.ctx, one)
    actions.go_action_round(house.ctx)
    with house.store.read() as connection:
        assert standing(connection, (KIND,)) == ()
