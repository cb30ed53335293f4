"""What somebody sees at three in the morning."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from sqlalchemy import insert

from simulators.house import FIRM, House
from tocsin.alarms import mark_compromised
from tocsin.cli import carry_out
from tocsin.cli.status_data import data_of
from tocsin.cli.status_page import Page, spell
from tocsin.ports import Actor
from tocsin.store import tables
from tocsin.store.operations import begin, finish, give_up
from tocsin.tonight import Picture, look

HOUR = timedelta(hours=1)
NOW = datetime(2026, 10, 24, 3, 0, tzinfo=UTC)
MAYA = Actor("maya", "cli")
HEAVY = (
    "prefect",
    "slack_sdk",
    "fastapi",
    "httpx",
    "sqlalchemy.orm",
    "sqlalchemy.dialects.postgresql",
    "cryptography",
    "celpy",
    "jinja2",
    "rich",
    "tocsin.adapters.restic",
    "tocsin.backups.running",
    "tocsin.drills.running",
    "tocsin.law.assessment",
)


@pytest.fixture
def put(house: House) -> Callable[..., None]:
    """Put one row into a table."""

    def row(table: str, **values: object) -> None:
        with house.store.write(MAYA) as tx:
            tx.execute(insert(tables.metadata.tables[table]).values(**values))

    return row


def _picture(house: House, now: datetime = NOW) -> Picture:
    with house.store.read() as connection:
        return look(connection, house.workspace, now)


def _page(house: House, now: datetime = NOW) -> str:
    return click.unstyle(Page("Larkfield Studio Ltd", "Europe/London", _picture(house, now)).text())


def _incident(put: Callable[..., None], **values: object) -> None:
    put(
        "incident",
        **{
            "id": "INC-2026-001",
            "title": "The file share is encrypted",
            "cause": "ransomware",
            "state": "suspected",
            "declared_by": "maya",
            "declared_at": NOW - HOUR,
            "first_alert_at": NOW - 2 * HOUR,
            **values,
        },
    )
    put("incident_system", incident="INC-2026-001", system="file-share", added_at=NOW)


def _run(put: Callable[..., None], steps: Mapping[str, Mapping[str, object]]) -> None:
    put(
        "run",
        id="r1",
        playbook="ransomware",
        title="Ransomware",
        text="playbook: p\nsteps:\n  - {id: logs, uses: human.ask, assign: technical}\n",
        sha256="",
        mode="live",
        incident="INC-2026-001",
        inputs={},
        state="open",
        started_by="maya",
        started_at=NOW,
    )
    for position, (key, values) in enumerate(steps.items()):
        put("step", run="r1", key=key, step=key, position=position, **values)


def test_until_it_is_certain_the_clocks_run_from_the_first_alert(house: House, put: Callable[..., None]) -> None:
    _incident(put)
    page = _page(house)
    assert "1 open incident" in page
    assert "INC-2026-001  The file share is encrypted" in page
    assert "Nobody said yet that it is certain" in page
    assert "regulator (72 h)                    70 h left\n" in page
    assert "due Tue 27 Oct 2026 01:00 GMT (01:00 UTC)" in page
    regulator, harbour, northgate = _picture(house).incidents[0].clocks
    assert (regulator.legal, regulator.left) == (False, 70 * HOUR)
    assert (harbour.who, harbour.left) == ("harbour-dental", 22 * HOUR)
    assert (northgate.who, northgate.left) == ("northgate-homes", 46 * HOUR)


def test_once_it_is_certain_the_legal_clock_runs_from_then_and_shows_when_it_is_over(
    house: House, put: Callable[..., None]
) -> None:
    _incident(put, aware_at=NOW - 25 * HOUR, state="confirmed")
    page = _page(house)
    assert "certain since   Fri 23 Oct 2026 03:00 BST (02:00 UTC)" in page
    assert "due Mon 26 Oct 2026 02:00 GMT (02:00 UTC)" in page
    assert "Harbour View Dental Practic (24 h)  OVERDUE by 1 h\n" in page
    assert "due Sat 24 Oct 2026 03:00 BST (02:00 UTC)" in page
    assert "1 clock overdue" in page


def test_a_clock_stops_when_the_notice_is_sent_or_somebody_decided_that_it_is_not_owed(
    house: House, put: Callable[..., None]
) -> None:
    _incident(put, aware_at=NOW - 100 * HOUR)
    put(
        "notice",
        id="n1",
        incident="INC-2026-001",
        template="client/initial",
        duty="controllers",
        addressee="harbour-dental",
        state="sent",
        made_by="step",
        drafted_at=NOW,
    )
    put(
        "decision",
        id="d1",
        incident="INC-2026-001",
        duty="regulator",
        proposed="no",
        decided="no",
        decided_by="priya",
        decided_at=NOW,
        reason="as proposed",
    )
    settled = {clock.who: clock.settled for clock in _picture(house).incidents[0].clocks}
    assert settled == {"regulator": "decided: not owed", "harbour-dental": "told", "northgate-homes": None}
    assert _picture(house).troubles()[0] == "1 clock overdue"


def test_a_decision_that_was_taken_back_starts_the_clock_again(house: House, put: Callable[..., None]) -> None:
    _incident(put)
    for number, decided in enumerate(("no", "yes")):
        put(
            "decision",
            id=f"d{number}",
            incident="INC-2026-001",
            duty="regulator",
            proposed="yes",
            decided=decided,
            decided_by="priya",
            decided_at=NOW + number * HOUR,
            reason="",
        )
    assert _picture(house).incidents[0].clocks[0].settled is None


def test_a_closed_incident_is_not_shown(house: House, put: Callable[..., None]) -> None:
    _incident(put, state="closed", closed_at=NOW)
    assert _picture(house).incidents == ()


def test_what_waits_for_a_person_is_shown_with_its_question_and_failed_steps_first(
    house: House, put: Callable[..., None]
) -> None:
    _incident(put)
    ask = {"kind": "ask", "question": "Do the firewall logs show data leaving?"}
    _run(
        put,
        {
            "logs": {"state": "waiting", "asked": ask},
            "hold": {"state": "failed", "error": "The repository is locked."},
            "isolate": {"state": "unknown", "claimed_at": NOW},
            "later": {"state": "pending"},
        },
    )
    picture = _picture(house)
    assert [(step.step, step.kind) for step in picture.waiting] == [("hold", "failed"), ("logs", "ask")]
    assert [(one.what, one.subject) for one in picture.unknown] == [("step", "isolate of run r1")]
    page = _page(house)
    assert page.index("OUTCOME UNKNOWN") < page.index("WAITING FOR A PERSON") < page.index("BACKUPS")
    assert "FAILED   hold" in page
    assert (
        "answer   logs, for Maya Lind (deputy: Tom Reed)\n             Do the firewall logs show data leaving?"
        in page
    )


def test_an_unknown_operation_is_shown_until_the_same_thing_was_done_again(house: House) -> None:
    cut_off = begin(house.store, MAYA, "backup", "plan:file-share")
    assert [one.subject for one in _picture(house).running] == ["plan:file-share"]
    assert give_up(house.store, MAYA, cut_off.id)
    assert [(one.what, one.subject) for one in _picture(house).unknown] == [("backup", "plan:file-share")]
    house.clock.advance(HOUR)
    again = begin(house.store, MAYA, "backup", "plan:file-share")
    with house.store.write(MAYA) as tx:
        finish(tx, again, "ok")
    assert _picture(house).unknown == ()


def test_an_operation_whose_process_is_gone_is_unknown_before_anybody_swept(
    house: House, put: Callable[..., None]
) -> None:
    put(
        "operation",
        id="o1",
        kind="drill",
        subject="drill:quarterly",
        state="started",
        actor="maya",
        started_at=NOW,
        host=socket.gethostname(),
        process="1:never:was",
    )
    assert [one.what for one in _picture(house).unknown] == ["drill"]


def test_backups_tell_how_much_would_be_lost_and_what_is_paused_and_held(
    house: House, put: Callable[..., None]
) -> None:
    assert "file-share  never    no good snapshot yet" in _page(house)
    done = begin(house.store, MAYA, "backup", "plan:file-share")
    put(
        "snapshot",
        id="a" * 64,
        repository="local",
        backup_plan="file-share",
        tree="",
        time=NOW - 30 * HOUR,
        verdict="ok",
        files=1,
        bytes=1,
        added_bytes=1,
        paths=[],
        operation=done.id,
    )
    put("pause", id="p1", what="backups", reason="Ransomware", placed_by="maya", placed_at=NOW)
    for number in (1, 2):
        put(
            "hold",
            id=f"h{number}",
            snapshot="a" * 64,
            repository="local",
            incident="INC-2026-001",
            reason="",
            placed_by="maya",
            placed_at=NOW,
        )
    page = _page(house)
    assert "file-share  late     30 h old, promised 26 h; aaaaaaaa of 22 Oct 22:00 BST" in page
    assert "PAUSED since Sat 24 Oct 04:00 BST by maya: Ransomware" in " ".join(page.split())
    assert "1 snapshot held for INC-2026-001" in page
    assert "fresh" in _page(house, NOW - 10 * HOUR)


DRILL = "drill: quarterly\ntitle: Bring it back\nbackup_plan: file-share\nschedule: '0 9 1 1,4,7,10 *'\n"


@pytest.fixture
def drilled(tmp_path: Path) -> House:
    folder = tmp_path / "drilled"
    (folder / "drills").mkdir(parents=True)
    (folder / "drills/quarterly.yaml").write_text(DRILL)
    return House(folder)


def _drill(house: House, verdict: str) -> None:
    done = begin(house.store, MAYA, "drill", "drill:quarterly")
    with house.store.write(MAYA) as tx:
        finish(tx, done, verdict)


def test_a_drill_that_could_not_run_is_neither_passed_nor_failed_and_stays_owed(drilled: House) -> None:
    try:
        now = drilled.clock.now()
        assert _picture(drilled, now).drills[0].last is None
        _drill(drilled, "passed")
        assert not _picture(drilled, now + HOUR).drills[0].in_trouble
        assert "passed" in _page(drilled, now)
        drilled.clock.advance(timedelta(days=100))
        _drill(drilled, "could-not-run")
        later = drilled.clock.now() + HOUR
        state = _picture(drilled, later).drills[0]
        assert (state.last and state.last.verdict, state.proved and state.proved.verdict) == (
            "could-not-run",
            "passed",
        )
        assert state.overdue_since is not None
        assert "could not run" in _page(drilled, later)
        assert "OVERDUE" in _page(drilled, later)
    finally:
        drilled.close()


def test_a_standing_alarm_is_shown_until_it_is_cleared(house: House, put: Callable[..., None]) -> None:
    put(
        "alarm",
        id="a1",
        kind="snapshot.missing",
        subject="s",
        text="Snapshot aa is gone from local.",
        raised_at=NOW,
    )
    put("alarm", id="a2", kind="snapshot.foreign", subject="t", text="Over.", raised_at=NOW, cleared_at=NOW)
    assert [alarm.text for alarm in _picture(house).alarms] == ["Snapshot aa is gone from local."]
    assert "1 standing alarm" in _page(house)


def test_a_doubted_plan_says_since_when_for_what_and_that_nothing_is_pruned(
    house: House, put: Callable[..., None]
) -> None:
    flagged = {"backup_plan": "file-share", "state": "flagged", "score": 90, "signs": {}}
    put(
        "observation",
        id="o1",
        at=NOW - HOUR,
        reasons=[["encrypted", "212 files"], ["names", ".locked"]],
        **flagged,
    )
    put("observation", id="o2", at=NOW, reasons=[["churn", "many"]], **flagged)
    put("pause", id="p1", what="retention:file-share", reason="r", placed_by="maya", placed_at=NOW - HOUR)
    (doubt,) = _picture(house).doubted
    assert (doubt.plan, doubt.since, doubt.signs, doubt.retention_stopped) == (
        "file-share",
        NOW - HOUR,
        ("encrypted", "names"),
        True,
    )
    page = " ".join(_page(house).split())
    assert "file-share is DOUBTED since" in page
    assert "(encrypted, names); nothing of it is pruned" in page
    assert data_of(_picture(house))["doubted"][0]["retention_stopped"] is True


def test_a_repository_that_must_be_append_only_owes_a_proof_each_quarter(tmp_path: Path) -> None:
    firm = FIRM.replace('local.password"}', 'local.password", append_only: true}')
    folder = tmp_path / "append-only"
    folder.mkdir()
    marked = House(folder, firm=firm)
    try:
        assert [proof.verdict for proof in _picture(marked).append_only] == ["never"]
        assert "1 proof of append-only owed" in _picture(marked).troubles()
        proof = begin(marked.store, MAYA, "append-only-proof", "repository:local")
        with marked.store.write(MAYA) as tx:
            finish(tx, proof, "proven")
        tried = marked.clock.now()
        assert "append-only, tried" in _page(marked, tried)
        assert "1 proof of append-only owed" not in _picture(marked, tried).troubles()
        later = tried + timedelta(days=93)
        assert "1 proof of append-only owed" in _picture(marked, later).troubles()
        assert "try it again" in _page(marked, later)
        refuted = begin(marked.store, MAYA, "append-only-proof", "repository:local")
        with marked.store.write(MAYA) as tx:
            finish(tx, refuted, "refuted")
        assert "local is NOT append-only" in _page(marked, tried)
    finally:
        marked.close()


def test_a_compromised_channel_is_named_with_who_says_so(house: House) -> None:
    assert "CHANNELS" not in _page(house)
    mark_compromised(house.ctx, "slack", "The intruder reads along")
    assert "slack is COMPROMISED, says maya since" in _page(house)
    assert data_of(_picture(house))["distrusted_channels"][0]["channel"] == "slack"


def test_a_title_cannot_steer_the_terminal_and_no_line_is_too_wide(house: House, put: Callable[..., None]) -> None:
    _incident(put, title="\x1b[2J" + "wide " * 60)
    long = {"kind": "ask", "question": "word " * 200}
    _run(put, {"a-step": {"state": "waiting", "asked": long}})
    page = _page(house)
    assert "\x1b" not in page
    assert max(len(line) for line in page.splitlines()) < 80


def test_the_journal_end_and_its_signature_are_told(house: House) -> None:
    assert _page(house).endswith("Journal: empty.")
    done = begin(house.store, MAYA, "backup", "plan:file-share")
    assert "the last 2 not signed yet" in _page(house)
    house.store.sign_head(MAYA)
    assert "signed to the end" in _page(house)
    assert done.kind == "backup"


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=59), "0 min"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(hours=71, minutes=59), "71 h 59 min"),
        (timedelta(days=5, hours=4), "5 d 4 h"),
    ],
)
def test_a_span_is_said_as_a_person_says_it(span: timedelta, said: str) -> None:
    assert spell(span) == said


def test_status_ends_with_0_and_with_check_it_ends_with_1_when_something_is_late(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["status", "--workspace", str(house.folder)]
    assert carry_out(words) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert carry_out([*words, "--check", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["troubles"] == ["1 plan never backed up"]
    assert told["backups"][0]["state"] == "never"


def test_nothing_heavy_is_imported_to_show_the_status(house: House) -> None:
    code = (
        "import sys; from tocsin.cli import main\n"
        "try: main(['status'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=house.folder, capture_output=True, text=True, check=True
    )
    assert said.stderr.strip() == "[]"
    assert "BACKUPS" in said.stdout
