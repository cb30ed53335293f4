"""The room of an exercise: the same commands, its own store and clock, and nothing that reaches out."""

import json
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exercise_ground import Exercise, exercise_house
from simulators.house import House
from tocsin import alarms
from tocsin.errors import Refused, UsageError
from tocsin.exercises import (
    Table,
    answer_inject,
    end,
    exercise_history,
    give_up,
    injects,
    jump,
    overdue_since,
    room_at,
    set_speed,
    start,
    take_seat,
    tick,
    watch_exercises,
)
from tocsin.exercises.alarming import OVERDUE
from tocsin.findings import open_findings
from tocsin.incidents import all_incidents, page
from tocsin.notices import notices, shown
from tocsin.runbook.ledger import load_runs
from tocsin.wiring import open_context, open_room

OUTSIDE = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system",
           "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn")  # fmt: skip
HEARD: list[str] = []
WATCHING = [False]


def _hear(event: str, _arguments: Any) -> None:
    if WATCHING[0] and event in OUTSIDE:
        HEARD.append(event)


sys.addaudithook(_hear)  # can never be removed: switched on for one test only


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = exercise_house(tmp_path / "firm")
    yield house
    house.close()


@pytest.fixture
def watched() -> Iterator[list[str]]:
    HEARD.clear()
    WATCHING[0] = True
    yield HEARD
    WATCHING[0] = False


def test_a_whole_exercise_reaches_nothing_outside_and_leaves_the_house_as_it_was(
    house: House, watched: list[str]
) -> None:
    answers = {"kinds": ["confidentiality"], "protection.state": "none"}
    with Exercise(house, "misdirected-spreadsheet") as played:
        played.to_the_end(answers, {"regulator": "yes", "people": "yes"})
        assert watched == []
        kept = [path.read_text() for path in (played.room.folder / "not-sent" / "mail").glob("*.eml")]
        assert len(kept) == 2, "a mail to each client, laid down"
        assert all("Subject: EXERCISE" in mail for mail in kept)
        assert all("EXERCISE" in shown(played.ctx, each.id).notice.draft.subject for each in notices(played.ctx))
    assert house.postbox.sent == []
    assert all_incidents(house.ctx) == ()
    assert notices(house.ctx) == ()
    with house.store.read() as connection:
        assert load_runs(connection) == ()
        assert alarms.standing(connection) == ()
    assert house.journal_kinds() == ["journal.opened", "exercise.started"]


def test_every_tool_of_the_room_but_the_mailer_refuses_and_the_mailer_sends_nothing(house: House) -> None:
    room = start(house.ctx, "ransomware-friday", Table())
    with open_room(room) as inside:
        for name, method in (("restic", "snapshots"), ("secrets", "read"), ("shell", "run"), ("http", "request"),
                             ("sql", "change"), ("messenger", "post")):  # fmt: skip
            with pytest.raises(Refused, match="out of reach"):
                getattr(getattr(inside, name), method)("anything")
        assert inside.chat is None
        assert getattr(type(inside.mailer), "never_sends", False)
        tools = {field.name for field in fields(inside)}
        assert tools == {"workspace", "store", "restic", "mailer", "secrets", "clock", "randomness", "crash", "actor",
                         "shell", "http", "sql", "messenger", "chat"}, "a new tool must be taken from a room too"  # fmt: skip
        workspace = inside.workspace
        assert (workspace.channels.slack, workspace.channels.webhook, workspace.webhooks) == (None, None, {})
        assert workspace.outbox.is_relative_to(room.folder)
        assert workspace.state_folder.is_relative_to(room.folder)
        assert str(room.folder) in workspace.store_url


def test_a_page_in_an_exercise_rings_nobody(house: House) -> None:
    with Exercise(house, "ransomware-friday") as played:
        played.declare()
        page(played.acting("tom"), played.incident, "technical")
        assert alarms.deliver(replace(played.ctx, mailer=house.postbox)) == ()
    assert house.postbox.sent == []


def test_names_in_a_room_cannot_be_taken_for_real_ones(house: House) -> None:
    with Exercise(house, "ransomware-friday") as played:
        assert played.declare() == "EXERCISE-2026-001"
        assert played.runs() == ["EXERCISE-RUN-0001"]


def test_the_clock_runs_at_its_speed_stands_still_and_jumps_and_never_goes_back(house: House) -> None:
    with Exercise(house, "ransomware-friday", speed=12) as played:
        house.clock.advance(timedelta(minutes=5))
        assert played.clock.now() - played.room.began_at == timedelta(hours=1)
        set_speed(played.ctx, house.clock, 0)
        house.clock.advance(timedelta(hours=5))
        assert played.clock.now() - played.room.began_at == timedelta(hours=1)
        tick(played.ctx)
        came = jump(played.ctx, house.clock)
        assert [one.inject for one in came] == ["client-calls"]
        assert played.clock.now() - played.room.began_at == timedelta(minutes=75)
        jump(played.ctx, house.clock, played.room.began_at)
        assert played.clock.now() - played.room.began_at == timedelta(minutes=75)


def test_an_inject_comes_once_and_is_taken_up_once(house: House) -> None:
    with Exercise(house, "ransomware-friday") as played:
        played.pass_time(timedelta(minutes=26))
        assert [one.inject for one in tick(played.ctx)] == ["data-left"]
        assert tick(played.ctx) == ()
        assert "{" not in injects(played.ctx)[0].text
        with pytest.raises(UsageError, match="has come yet"):
            answer_inject(played.ctx, "journalist", "No comment")
        answer_inject(played.ctx, "1", "Kept")
        with pytest.raises(Refused, match="taken up by maya"):
            answer_inject(played.ctx, "data-left", "Again")


def test_who_cannot_be_reached_cannot_act_and_the_deputy_sits_down(house: House) -> None:
    with Exercise(house, "ransomware-friday") as played:
        played.pass_time(timedelta(minutes=41))
        tick(played.ctx)
        assert list(room_at(played.room.folder).away) == ["maya"]  # type: ignore[union-attr]
        with pytest.raises(Refused, match="cannot be reached"):
            take_seat(played.ctx, "maya")
        with pytest.raises(Refused, match="cannot be reached"), open_context(played.room.folder, person="maya"):
            pass
        take_seat(played.ctx, "tom")
        with open_context(played.room.folder) as inside:
            assert inside.actor.person == "tom"


def test_a_table_that_does_nothing_scores_nothing_and_its_findings_stay(house: House) -> None:
    with Exercise(house, "phished-mailbox") as played:
        played.pass_time(timedelta(hours=6))
        ended = played.end()
        assert ended.score.percent == 0
        assert set(ended.seen.silent) == {"maya", "tom", "priya"}
        report = json.loads((ended.paper.folder / "report.json").read_text())
        assert report["score"] == 0
        assert "EXERCISE" in ended.paper.html.read_text()
        with pytest.raises(Refused, match="ended already"):
            end(house.ctx, played.ctx)
    with house.store.read() as connection:
        codes = {one.code for one in open_findings(connection, source="exercise")}
        assert {"time-missed", "duty-missed", "inject-missed", "never-reached"} <= codes
        assert exercise_history(connection)[0].score == 0
    with pytest.raises(Refused, match="its room is shut"), open_context(played.room.folder):
        pass


def test_one_exercise_at_a_time_and_one_that_is_given_up_has_no_score(house: House) -> None:
    room = start(house.ctx, "phished-mailbox", Table())
    with pytest.raises(Refused, match="is under way"):
        start(house.ctx, "ransomware-friday", Table())
    with pytest.raises(UsageError, match="Say why"):
        give_up(house.ctx, room.exercise, " ")
    give_up(house.ctx, room.exercise, "The fire alarm went")
    with house.store.read() as connection:
        assert [(one.state, one.score) for one in exercise_history(connection)] == [("abandoned", None)]


def test_an_exercise_is_overdue_two_weeks_after_its_day_and_no_longer_once_it_was_played(house: House) -> None:
    exercise = house.workspace.exercises["ransomware-friday"]
    now, long_ago = house.clock.now(), house.clock.now() - timedelta(days=400)
    assert overdue_since(exercise, (), long_ago, now) is not None
    assert overdue_since(exercise, (), now, now) is None, "a new house owes nothing yet"
    start(house.ctx, "phished-mailbox", Table())
    house.clock.advance(timedelta(days=400))
    assert len(watch_exercises(house.ctx)) == 1
    with house.store.read() as connection:
        assert [row.kind for row in alarms.standing(connection)] == [OVERDUE]


def test_a_damaged_mark_is_never_taken_for_an_ordinary_workspace(house: House) -> None:
    room = start(house.ctx, "ransomware-friday", Table())
    (room.folder / "exercise.json").write_text("{}")
    with pytest.raises(Refused, match="damaged"), open_context(room.folder):
        pass
