"""The long weekend: the same breach, hour by hour on a simulated clock.

Friday 17:40. Priya, the data protection lead, cannot be reached; Maya is her deputy. Facts arrive one by one and
contradict each other. A decision taken too early falls. The alarms climb from the role to the deputy to everyone.
At 61 hours the deputy decides. One client hears of it too late, and the register says why.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from review_ground import sign_a_review
from simulators.house import FIRM, House
from tocsin.errors import Refused, UsageError
from tocsin.incidents import (
    Closing,
    Declaration,
    acknowledge,
    close,
    confirm,
    declare,
    raise_due_alarms,
    reach,
)
from tocsin.incidents.register import entry_of, expired, register
from tocsin.incidents.register_files import register_bytes
from tocsin.notices import approve_notice, notices, record_sent, send_notice, shown
from tocsin.runbook import decisions as steps
from tocsin.runbook.engine import advance
from tocsin.situation import agree, decide, decisions_of, duties_of, reconcile_duties, situation_of, state_fact
from tocsin.situation.discharging import Discharge, discharge

INC = "INC-2026-001"
LARKFIELD = FIRM.replace(
    "  contact: {name: Priya",
    "  regulated_as: []\n  size: small\n"
    "  insurance: [{policy: CY-1, insurer: Meridian, notice_hours: 48}]\n  contact: {name: Priya",
)
DPO, DEPUTY = "priya@larkfield.example", "maya@larkfield.example"
EVERYONE = {DPO, DEPUTY, "tom@larkfield.example", "sam@larkfield.example"}


class Weekend:
    """The house, and how far into the weekend it is."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.began = house.clock.now()
        self.maya, self.priya, self.tom = (house.acting(person) for person in ("maya", "priya", "tom"))
        self.run = ""
        self.rung: list[tuple[float, str, int, str, frozenset[str]]] = []

    def until(self, hour: float) -> None:
        """Let the hours pass; the watch goes round at every full one."""
        while (passed := self.hour) < hour:
            self.house.clock.advance(timedelta(hours=min(1.0, hour - passed)))
            self.watch()

    def watch(self) -> None:
        before = len(self.house.postbox.sent)
        raised = raise_due_alarms(self.house.acting("maya", "prefect"))
        mails = self.house.postbox.sent[before:]
        for one, mail in zip(raised, mails, strict=True):
            whom = frozenset(address.strip() for address in str(mail["To"]).split(","))
            self.rung.append((self.hour, one.duty, one.share, one.level, whom))

    @property
    def hour(self) -> float:
        return (self.house.clock.now() - self.began) / timedelta(hours=1)

    def says(self, person: str, path: str, value, evidence: str = "", controller: str = "") -> None:
        state_fact(self.house.acting(person), INC, path, value, evidence=evidence, controller=controller)

    def duty(self, key: str):
        with self.house.store.read() as connection:
            return next(each for each in duties_of(connection, INC) if each.key == key)

    def proposed(self, duty: str = "regulator") -> str:
        return self.assessment().duty(duty).required

    def assessment(self):
        with self.house.store.read() as connection:
            return situation_of(connection, self.house.workspace, INC).assessments["ourselves"]

    def alarms(self, duty: str) -> list[tuple[float, int, str]]:
        return [(hour, share, level) for hour, key, share, level, _ in self.rung if key == duty]


@pytest.fixture
def weekend(tmp_path: Path) -> Iterator[Weekend]:
    house = House(tmp_path, firm=LARKFIELD)
    yield Weekend(house)
    house.close()


def test_the_long_weekend(weekend: Weekend) -> None:
    friday_evening(weekend)
    an_early_decision(weekend)
    nobody_answers(weekend)
    sunday_morning(weekend)
    sixty_one_hours(weekend)
    the_letters_leave(weekend)
    the_end(weekend)
    the_register(weekend)


def friday_evening(weekend: Weekend) -> None:
    # Friday 17:40: declared, and certain at once that personal data was on the share.
    said = Declaration("Files end in .locked", ("file-share",), cause="ransomware")
    weekend.run = declare(weekend.maya, said).run.id
    confirm(weekend.maya, INC, weekend.house.clock.now(), "The note names our folders")
    advance(weekend.maya, weekend.run)
    assert weekend.proposed() == "unclear"

    # Facts arrive one by one, and in contradiction.
    weekend.until(2)
    weekend.says("tom", "exfiltration", "ruled_out", "The provider says nothing left")
    weekend.says("tom", "logs", "missing", "The firewall kept no log")
    assert weekend.assessment().contradictions
    for path, value in {
        "kinds": ["availability"],
        "backup.state": "intact",
        "service_impact": "minor",
        "countries": ["GB"],
    }.items():
        weekend.says("maya", path, value)
    assert weekend.proposed() == "unclear"


def an_early_decision(weekend: Weekend) -> None:
    # Priya, by telephone for a minute, thinks the people need not be told; that stands only with a second person.
    weekend.until(5)
    decide(weekend.priya, INC, "people", "no", "Restored within the day, nothing left the house")
    assert weekend.duty("people").state == "owed"
    agree(weekend.tom, INC, "people")
    assert weekend.duty("people").state == "declined"

    # For an hour all looks well: the data is back and a log turns up. Then the log is of another line.
    weekend.until(10)
    weekend.says("tom", "restored.done", "yes")
    weekend.says("tom", "restored.hours", 10)
    weekend.says("tom", "logs", "complete", "The provider sent a log")
    assert weekend.proposed() == "no"
    assert weekend.duty("regulator").state == "lapsed"
    weekend.until(11)
    weekend.says("tom", "logs", "missing", "It is the log of another line")
    assert weekend.proposed() == "unclear"
    regulator = weekend.duty("regulator")
    assert (regulator.state, regulator.reopened_at) == ("owed", weekend.house.clock.now())


def nobody_answers(weekend: Weekend) -> None:
    # Nobody is there. The first client's clock (24 h) climbs by itself: role, deputy, everyone.
    weekend.until(24.5)
    harbour = weekend.alarms("controllers-harbour-dental")
    assert harbour[:3] == [(12.0, 50, "role"), (13.0, 50, "deputy"), (14.0, 50, "everyone")]
    assert (18.0, 75, "deputy") in harbour
    assert any(share == 90 and level == "everyone" for _, share, level in harbour)
    assert (24.0, 100, "everyone") in harbour
    assert next(
        whom for hour, key, *_, whom in weekend.rung if (hour, key) == (12.0, "controllers-harbour-dental")
    ) == {DPO}
    whom = [mail for *_, mail in weekend.rung]
    assert {DPO, DEPUTY} in whom
    assert EVERYONE in whom

    # An alarm names no client. Maya says that she is on it: the repeats stop, the clock does not.
    for mail in weekend.house.postbox.sent:
        assert "harbour" not in mail.as_string().casefold()
        assert "northgate" not in mail.as_string().casefold()
    acknowledge(weekend.maya, INC)
    before = len(weekend.alarms("controllers-harbour-dental"))
    weekend.until(35.5)
    assert len(weekend.alarms("controllers-harbour-dental")) == before
    weekend.until(36)
    assert weekend.alarms("regulator") == [(36.0, 50, "role")]


def sunday_morning(weekend: Weekend) -> None:
    # Sunday morning: two gigabytes did leave. The proposal moves, and the early decision falls, loudly.
    weekend.until(40)
    weekend.says("tom", "exfiltration", "confirmed", "2 GB went out on Friday at 16:10")
    weekend.says("tom", "kinds", ["availability", "confidentiality"])
    weekend.says("tom", "recipient.type", "attacker")
    weekend.says("tom", "protection.state", "none")
    assert not weekend.assessment().contradictions
    assert weekend.proposed() == "yes"
    people = weekend.duty("people")
    assert (people.state, people.reopened_at is not None) == ("owed", True)
    assert "duty.reopened" in weekend.house.journal_kinds()
    with weekend.house.store.read() as connection:
        assert [each.withdrawn_at is not None for each in decisions_of(connection, INC)] == [True]


def sixty_one_hours(weekend: Weekend) -> None:
    # 61 hours: the deputy decides. Priya's role is hers to fill, Sam's is not.
    weekend.until(61)
    with pytest.raises(Refused, match="sam may not decide"):
        decide(weekend.house.acting("sam"), INC, "regulator", "yes")
    decided = decide(weekend.maya, INC, "regulator", "yes")
    assert (decided.proposed, decided.stands, decided.decided_by) == ("yes", True, "maya")
    assert (61.0, 75, "everyone") in weekend.alarms("regulator")
    for step, answer in {"isolate": "done", "ask-kinds": "availability,confidentiality", "ask-logs": "missing",
                         "ask-exfiltration": "confirmed", "ask-backup": "intact", "ask-protection": "none",
                         "ask-impact": "minor"}.items():  # fmt: skip
        try:
            steps.answer(weekend.maya, weekend.run, step, answer)
        except (Refused, UsageError):
            assert step != "isolate"  # what is known already is not asked for again
    advance(weekend.maya, weekend.run)
    assert weekend.duty("regulator").state == "drafted"


def the_letters_leave(weekend: Weekend) -> None:
    # The report leaves in time, in phases: what is not known yet stays owed.
    letters = {each.addressee: each for each in notices(weekend.maya, incident=INC)}
    for letter in letters.values():
        approve_notice(weekend.maya, letter.id, shown(weekend.maya, letter.id).sha256, reason="Read in full")
        reconcile_duties(weekend.maya, INC)
    assert weekend.duty("regulator").state == "approved"
    record_sent(weekend.maya, letters["ico"].id, reference="IC-000000-X0X0")
    for client in ("harbour-dental", "northgate-homes"):
        send_notice(weekend.maya, letters[client].id)
    reconcile_duties(weekend.maya, INC)
    report = weekend.duty("regulator")
    assert report.state == "told"
    assert "since when (Art 33(3)(a))" in report.owes()
    assert weekend.hour < 72
    rung = len(weekend.alarms("regulator"))
    weekend.until(73)
    assert len(weekend.alarms("regulator")) == rung

    # The first client heard of it after its 24 hours: without the reasons that duty stays open.
    late = weekend.duty("controllers-harbour-dental")
    assert late.state == "told"
    assert "the reasons for the delay (Art 33(1))" in late.owes()
    weekend.says("tom", "occurred.from", "2026-11-20T16:05Z", "First renamed file")
    with pytest.raises(UsageError, match="say why so late"):
        discharge(weekend.maya, INC, "controllers-harbour-dental", Discharge(how="Follow-up by telephone"))
    for client in ("harbour-dental", "northgate-homes"):
        said = Discharge(how="Follow-up by telephone", late_reasons="Nobody who may approve could be reached")
        assert discharge(weekend.maya, INC, client, said).state == "discharged"
    assert (
        discharge(weekend.maya, INC, "regulator", Discharge(how="Follow-up under IC-000000-X0X0")).state
        == "discharged"
    )


def the_end(weekend: Weekend) -> None:
    # It cannot close while anything is open; then it can.
    for moment in ("contained", "recovered"):
        reach(weekend.maya, INC, moment)
    sign_a_review(weekend.maya, INC)
    with pytest.raises(Refused) as stands_in_the_way:
        close(weekend.maya, INC, Closing("14 employees and two clients' people", "The way in is closed"))
    assert "the duty people is owed" in str(stands_in_the_way.value)
    assert f"the run {weekend.run} is open" in str(stands_in_the_way.value)
    discharge(weekend.maya, INC, "people", Discharge(how="Letters to all 14, posted on Monday"))
    discharge(
        weekend.maya, INC, "insurer", Discharge(how="Claims line", late_reasons="The policy was found on Monday")
    )
    steps.undo(weekend.maya, weekend.run, "pause-backups", "Backups may run again")
    advance(weekend.maya, weekend.run)
    steps.end(weekend.maya, weekend.run, "Recovered by hand")
    close(weekend.maya, INC, Closing("14 employees and two clients' people", "The way in is closed"))


def the_register(weekend: Weekend) -> None:
    # The register shows it all.
    entry = entry_of(weekend.maya, INC)
    assert (entry.state, entry.outcome, entry.people) == ("closed", "breach", 1480 + 620 + 14)
    told = {each.duty: each for each in entry.duties}
    assert told["controllers-harbour-dental"].late
    assert told["controllers-harbour-dental"].late_reasons == "Nobody who may approve could be reached"
    assert not told["regulator"].late
    assert [(each.duty, each.decided, each.by, each.stands) for each in entry.decisions] == [
        ("people", "no", "priya", False),
        ("regulator", "yes", "maya", True),
    ]
    assert entry.decisions[1].at - weekend.began == timedelta(hours=61)
    of_one = register(weekend.maya, client="harbour-dental")
    copy = register_bytes(weekend.maya, of_one, "json", client="harbour-dental").decode()
    assert "Harbour View" in copy
    assert "orthgate" not in copy
    assert [each["people"] for each in json.loads(copy)] == [1480]
    whole, now = register(weekend.maya), weekend.house.clock.now()
    assert expired(whole, 6, now) == ()
    assert expired(whole, 6, now + timedelta(days=6 * 366)) == whole
