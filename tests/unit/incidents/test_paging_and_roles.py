"""Who is on call, who is paged and in what order, and how a role goes from hand to hand."""

from datetime import timedelta

import pytest

from simulators.chance import PowerCut
from simulators.house import FIRM, House
from tocsin import alarms
from tocsin.errors import Refused, UsageError
from tocsin.incidents import (
    Declaration,
    acknowledge_all,
    acknowledge_page,
    declare,
    escalate_pages,
    hand_over,
    lift_override,
    on_call,
    page,
    pages_of,
    place_override,
    raise_due_alarms,
    role_history,
    roles_of,
    take,
)

INC = "INC-2026-001"


def declared_by(house: House, person: str, **more: object) -> None:
    declare(house.acting(person), Declaration("Locked", ("file-share",), "ransomware", **more))


def to_of(house: House) -> list[str]:
    return [str(mail["To"]) for mail in house.postbox.sent]


def roles(house: House) -> dict[str, str]:
    with house.store.read() as connection:
        return {role: holder.person for role, holder in roles_of(connection, INC).items()}


def on_duty(house: House, role: str = "commander") -> tuple[str, str]:
    with house.store.read() as connection:
        found = {each.role: each for each in on_call(connection, house.workspace, house.clock.now())}
    return found[role].person, found[role].why


def test_without_a_rota_the_first_holder_is_on_call(house: House) -> None:
    assert on_duty(house) == ("maya", "holder")


def test_an_override_counts_until_its_end_and_then_the_rota_again(house: House) -> None:
    ends = house.clock.now() + timedelta(hours=8)
    placed = place_override(house.ctx, "commander", "tom", starts_at=None, ends_at=ends, reason="Maya is ill")
    assert on_duty(house) == ("tom", "override")
    house.clock.advance(timedelta(hours=8))
    assert on_duty(house) == ("maya", "holder")
    with pytest.raises(UsageError, match="No override"):
        lift_override(house.ctx, placed.id, "late")


def test_an_override_can_be_lifted_and_needs_a_reason(house: House) -> None:
    ends = house.clock.now() + timedelta(hours=8)
    with pytest.raises(UsageError, match="Say why"):
        place_override(house.ctx, "commander", "tom", starts_at=None, ends_at=ends, reason=" ")
    with pytest.raises(Refused, match="nobody in the workspace"):
        place_override(house.acting("user:x"), "commander", "tom", starts_at=None, ends_at=ends, reason="r")
    placed = place_override(house.ctx, "commander", "tom", starts_at=None, ends_at=ends, reason="Maya is ill")
    lift_override(house.ctx, placed.id[:8], "well again")
    assert on_duty(house) == ("maya", "holder")


def test_whoever_declares_as_commander_is_not_paged(house: House) -> None:
    declared_by(house, "maya")
    raise_due_alarms(house.ctx)
    assert house.postbox.sent == []
    assert roles(house) == {"commander": "maya", "dpo": "priya", "technical": "maya", "communications": "tom"}


def test_nobody_answering_it_goes_to_the_deputy_and_then_to_everyone(house: House) -> None:
    declared_by(house, "sam")
    alarms.deliver(house.acting("sam"))
    assert to_of(house) == ["maya@larkfield.example"]
    house.clock.advance(timedelta(minutes=9))
    assert escalate_pages(house.ctx) == ()
    house.clock.advance(timedelta(minutes=1))
    raise_due_alarms(house.ctx)
    assert to_of(house)[1:] == ["maya@larkfield.example, tom@larkfield.example"]
    house.clock.advance(timedelta(minutes=10))
    raise_due_alarms(house.ctx)
    assert set(to_of(house)[2].split(", ")) == {
        f"{name}@larkfield.example" for name in ("maya", "tom", "priya", "sam")
    }
    # At the top the same people are rung again, and never fewer.
    house.clock.advance(timedelta(minutes=10))
    raise_due_alarms(house.ctx)
    assert len(to_of(house)) == 4


def test_a_page_names_ids_and_no_client_or_title(house: House) -> None:
    declared_by(house, "sam")
    alarms.deliver(house.ctx)
    text = house.postbox.sent[0].get_content()
    assert f"tocsin incident acknowledge {INC}" in " ".join(text.split())
    for hidden in ("Harbour", "Northgate", "Locked", "ransomware", "file-share"):
        assert hidden not in text


def test_acknowledged_once_nobody_is_paged_again(house: House) -> None:
    declared_by(house, "sam")
    alarms.deliver(house.ctx)
    paged, _ = acknowledge_all(house.acting("tom", "slack"), INC)
    assert [each.role for each in paged] == ["commander"]
    house.clock.advance(timedelta(hours=1))
    assert escalate_pages(house.ctx) == ()
    with house.store.read() as connection:
        assert pages_of(connection, INC)[0].acknowledged_by == "tom"
    with pytest.raises(UsageError):
        acknowledge_all(house.acting("tom"), INC)


def test_a_stranger_cannot_make_a_page_fall_silent(house: House) -> None:
    declared_by(house, "sam")
    with pytest.raises(Refused, match="the page goes on"):
        acknowledge_page(house.acting("user:x"), INC)


def test_paging_the_same_role_again_goes_one_rung_up(house: House) -> None:
    declared_by(house, "maya")
    assert page(house.ctx, INC, "dpo").paged == ("priya",)
    again = page(house.ctx, INC, "dpo")
    assert (again.level, again.paged) == ("deputy", ("priya", "maya"))
    assert page(house.ctx, INC, "dpo", "sam").paged == ("sam",)
    with pytest.raises(UsageError, match="Did you mean 'technical'"):
        page(house.ctx, INC, "tecnical")


def test_a_crash_between_raising_and_sending_loses_no_page(house: House) -> None:
    declared_by(house, "sam")
    house.clock.advance(timedelta(minutes=10))
    with pytest.raises(PowerCut, match="page:escalated"):
        escalate_pages(house.crashing_at("page:escalated"))
    assert escalate_pages(house.ctx) == ()
    alarms.deliver(house.ctx)
    assert to_of(house)[-1] == "maya@larkfield.example, tom@larkfield.example"


def test_paging_at_declare_can_be_left_out(tmp_path) -> None:
    house = House(tmp_path, firm=f"{FIRM}paging: {{at_declare: false}}\n")
    declared_by(house, "sam")
    alarms.deliver(house.ctx)
    assert house.postbox.sent == []
    house.close()


def test_the_deputy_takes_the_role_herself_and_hands_it_back_in_the_morning(house: House) -> None:
    declared_by(house, "sam")
    taken = take(house.acting("tom"), INC, "commander", "Maya does not answer")
    assert (taken.person, taken.how) == ("tom", "taken")
    house.clock.advance(timedelta(hours=6))
    hand_over(house.acting("tom"), INC, "commander", "maya", "Share isolated; two notices wait")
    assert roles(house)["commander"] == "maya"
    with house.store.read() as connection:
        history = [each for each in role_history(connection, INC) if each.role == "commander"]
    assert [(each.person, each.how) for each in history] == [
        ("maya", "rota"), ("tom", "taken"), ("maya", "handed_over"),
    ]  # fmt: skip
    assert history[1].until == history[2].since
    assert {"incident.role_taken", "incident.handed_over"} <= set(house.journal_kinds())


def test_somebody_without_the_role_can_neither_take_nor_give_it(house: House) -> None:
    declared_by(house, "maya")
    before = house.journal_kinds()
    with pytest.raises(Refused, match="can not have the role"):
        take(house.acting("sam"), INC, "commander")
    with pytest.raises(Refused, match="does not have the role"):
        hand_over(house.acting("sam"), INC, "dpo", "maya", "note")
    with pytest.raises(Refused, match="can not have the role"):
        hand_over(house.ctx, INC, "commander", "sam", "note")
    with pytest.raises(UsageError, match="Say how things stand"):
        hand_over(house.ctx, INC, "commander", "tom", " ")
    with pytest.raises(UsageError, match="already"):
        take(house.ctx, INC, "commander")
    assert house.journal_kinds() == before
