"""The staff card and the clients' statements: numbered, kept, and noticed when they no longer say what is so."""

import re
from datetime import timedelta

import pytest

from simulators.chance import CrashAt, PowerCut
from simulators.house import House
from tocsin.cli import carry_out
from tocsin.errors import Refused, UsageError
from tocsin.notices.card import card_for
from tocsin.notices.publishing import Playbooks, publish_card, publish_statement, published, stale_papers
from tocsin.notices.statement import Seen
from tocsin.ports import Actor
from tocsin.store.journal import entries
from tocsin.workspace import load

PLAYBOOKS = Playbooks({"ransomware.yaml": "playbook: ransomware\nfor: {cause: [ransomware, malware]}\n"})
CHANGED = Playbooks({**PLAYBOOKS.texts, "lost.yaml": "playbook: lost\nfor: {cause: [lost_device]}\n"})


def stale(house: House, playbooks: Playbooks = PLAYBOOKS):
    with house.store.read() as connection:
        return {
            (each.kind, each.audience): each.sentence
            for each in stale_papers(connection, house.ctx.workspace, playbooks)
        }


def changed(house: House, old: str, new: str) -> None:
    file = house.folder / "tocsin.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    house.workspace = load(house.folder)


def test_the_card_says_whom_to_call_and_that_nobody_is_blamed_and_names_no_client(house):
    text = card_for(house.workspace, PLAYBOOKS.answers, house.clock.now(), 3).body
    assert "**Who leads**: Maya Lind, maya@larkfield.example; if there is no answer, Tom Reed" in text
    assert "Nobody is blamed" in text
    assert "2 kinds of breach" in text
    assert "version 3" in text
    assert not re.search("harbour|northgate", text, re.IGNORECASE)


def test_the_rota_is_told_by_its_lines_so_that_the_card_outlives_the_week(house):
    rota = "rota:\n  - {role: commander, people: [maya, tom], first_week: 2026-01-05, days: [sat, sun], starts: '18:00', ends: '08:00'}\n"
    changed(house, "channels:", f"{rota}channels:")
    card = card_for(house.workspace, (), house.clock.now()).body
    assert "- sat, sun from 18:00 to 08:00: Maya Lind, maya@larkfield.example and Tom Reed" in card
    assert card == card_for(house.workspace, (), house.clock.now()).body


def test_a_paper_is_numbered_once_for_each_change_and_stands_while_nothing_changes(house):
    first, new = publish_card(house.ctx, PLAYBOOKS)
    assert (first.version, new) == (1, True)
    house.clock.advance(timedelta(days=40))
    assert publish_card(house.ctx, PLAYBOOKS) == (first, False)
    second, new = publish_card(house.ctx, CHANGED)
    assert (second.version, new) == (2, True)
    assert (house.folder / "published/staff-card-v1.html").is_file()
    assert "version 2" in (house.folder / "published/staff-card-v2.txt").read_text()
    with house.store.read() as connection:
        assert published(connection) == (second,)
        told = [each.payload for each in entries(connection, kind="paper.published")]
    assert [each["version"] for each in told] == [1, 2]


def test_what_was_never_published_is_stale_and_so_is_what_changed_with_the_thing_that_did(house):
    assert stale(house)["staff-card", ""] == "The staff card was never published."
    publish_card(house.ctx, PLAYBOOKS)
    publish_statement(house.ctx, "harbour-dental", {})
    assert set(stale(house)) == {("statement", "northgate-homes")}
    assert stale(house, CHANGED)["staff-card", ""].endswith("the playbooks changed since.")
    changed(house, "email: maya@larkfield.example", "email: maya@larkfield.example, phone: 07700 900101")
    changed(house, "title: Patient recall lists", "title: Recall lists")
    assert stale(house)["staff-card", ""].endswith("who to call changed since.")
    assert "the inventory changed since" in stale(house)["statement", "harbour-dental"]


def test_what_moves_each_night_makes_no_statement_stale(house):
    first, _ = publish_statement(house.ctx, "harbour-dental", {})
    house.clock.advance(timedelta(days=9))
    seen = {"file-share": Seen(last_good=house.clock.now())}
    assert publish_statement(house.ctx, "harbour-dental", seen) == (first, False)
    assert "Version 1 of" in (house.folder / f"{first.path}.md").read_text()


def test_a_kill_between_files_and_record_leaves_no_version_and_the_next_try_makes_it(house):
    house.crash = CrashAt("publish:written")
    with pytest.raises(PowerCut):
        publish_card(house.ctx, PLAYBOOKS)
    assert ("staff-card", "") in stale(house)
    assert publish_card(house.ctx, PLAYBOOKS)[0].version == 1


def test_a_file_that_was_lost_is_published_anew(house):
    paper, _ = publish_card(house.ctx, PLAYBOOKS)
    (house.folder / f"{paper.path}.html").unlink()
    assert publish_card(house.ctx, PLAYBOOKS)[0].version == 2


def test_nobody_of_the_firm_publishes_nothing_and_an_unknown_client_has_no_statement(house):
    with pytest.raises(Refused):
        publish_card(house.ctx.acting_as(Actor("mallory", "cli")), PLAYBOOKS)
    with pytest.raises(UsageError, match="Did you mean 'harbour-dental'"):
        publish_statement(house.ctx, "harbour-dentl", {})
    assert not (house.folder / "published").exists()


def test_a_faulty_playbook_answers_nothing_and_still_counts_as_changed():
    assert Playbooks({"a.yaml": "for: [", "b.yaml": "for: {cause: lost_device}"}).answers == ()


def test_the_commands_publish_show_and_say_what_is_stale(house, capsys):
    folder = str(house.folder)
    changed(house, "login: maya", "login: nobody-here")
    house.store.close()
    assert carry_out(["notice", "published", "--workspace", folder]) == 1
    assert (
        "STALE: The staff card was never published.\n  -> tocsin notice card --publish" in capsys.readouterr().out
    )
    assert carry_out(["notice", "card", "--workspace", folder]) == 0
    assert "Call, in this order" in capsys.readouterr().out
    assert (
        carry_out(["notice", "statement", "harbour-dental", "--publish", "--to", "x", "--workspace", folder]) == 2
    )
    assert "leave --to out" in capsys.readouterr().err
