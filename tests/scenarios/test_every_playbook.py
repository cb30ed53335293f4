"""Every playbook that ships, from the first alarm to the closed incident, on a simulated clock with scripted answers.

Nothing here knows a playbook's steps: whatever is asked is answered from the script of that breach, in the order it
is asked. A playbook that asks what nobody can answer, or never ends, fails here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from review_ground import sign_a_review
from simulators.house import FIRM, House
from tocsin.incidents import Closing, Declaration, close, confirm, declare, reach
from tocsin.incidents.playbooks import check_playbooks
from tocsin.incidents.register import entry_of
from tocsin.model.document import Data
from tocsin.notices import approve_notice, notice_of, record_sent, shown
from tocsin.runbook import decisions
from tocsin.runbook.engine import Progressed, advance, stand
from tocsin.runbook.language import Playbook
from tocsin.runbook.ledger import Run, load_runs
from tocsin.situation import duties_of, reconcile_duties, situation_of
from tocsin.situation.discharging import Discharge, discharge

INC = "INC-2026-001"
LARKFIELD = FIRM.replace(
    "  contact: {name: Priya",
    "  regulated_as: []\n  size: small\n"
    "  insurance: [{policy: CY-1, insurer: Meridian, notice_hours: 48}]\n  contact: {name: Priya",
)


@dataclass(frozen=True)
class Breach:
    """One breach: what caused it, what is answered to questions for facts, and what it comes to for our own data."""

    cause: str
    facts: dict[str, Data]
    tells_ico: bool
    tells_people: bool
    playbook: str | None = None


_TAKEN = {"kinds": "confidentiality", "exfiltration": "confirmed", "logs": "complete", "protection.state": "none"}
_DATA = {"data": "name,address,salary", "people.count": 14}
# What is so in most breaches, and is asked for only where it could settle something.
USUAL: dict[str, Data] = {
    "safety_risk": "no", "misuse_seen": "no", "insight": "ordinary", "recipient.hostile": "no", "restored.done": "yes",
    "restored.hours": 6, "service_impact": "minor", "backup.state": "intact", "protection.state": "none",
    "recipient.duty_of_secrecy": "no", "exfiltration": "not_applicable", "kinds": "confidentiality", "intent": "accidental", "people.vulnerable": "no",
}  # fmt: skip
BREACHES = {
    "ransomware": Breach(
        "ransomware",
        {**_TAKEN, "kinds": "availability,confidentiality", "backup.state": "intact", "service_impact": "minor"},
        tells_ico=True, tells_people=True,
    ),
    "phished-mailbox": Breach(
        "mailbox_takeover", {**_TAKEN, **_DATA, "misuse_seen": "no"}, tells_ico=True, tells_people=True
    ),
    "lost-device": Breach(
        "lost_device",
        {**_DATA, "protection.state": "encrypted", "protection.key": "safe", "kinds": "confidentiality",
         "backup.state": "intact"},
        tells_ico=False, tells_people=False,
    ),
    "misdirected-message": Breach(
        "misdirected_email",
        {**_DATA, "recipient.type": "trusted", "recipient.count": 1, "recipient.duty_of_secrecy": "yes",
         "recipient.hostile": "no", "recipient.opened": "no", "recipient.deletion": "confirmed", "safety_risk": "no"},
        tells_ico=False, tells_people=False,
    ),
    "open-recipients": Breach(
        "open_recipients",
        {"people.count": 300, "recipient.count": 300, "recipient.type": "many", "data": "contact,health",
         "people.vulnerable": "no", "safety_risk": "no", "recipient.deletion": "requested"},
        tells_ico=True, tells_people=True,
    ),
    "exploited-website": Breach(
        "exploited_vulnerability", {**_TAKEN, **_DATA, "exploited": "yes", "recipient.type": "attacker"}, tells_ico=True, tells_people=True
    ),
    "credential-stuffing": Breach(
        "credential_attack", {**_TAKEN, **_DATA, "recipient.type": "attacker"}, tells_ico=True, tells_people=True
    ),
    "insider": Breach(
        "insider",
        {**_TAKEN, **_DATA, "intent": "malicious_internal", "recipient.type": "known",
         "recipient.deletion": "refused", "recipient.hostile": "no"},
        tells_ico=True, tells_people=True,
    ),
    "cloud-share": Breach(
        "misconfiguration",
        {**_TAKEN, **_DATA, "exfiltration": "ruled_out", "exploited": "no", "recipient.type": "none"},
        tells_ico=False, tells_people=False,
    ),
    "supplier-breach": Breach(
        "other", {**_TAKEN, **_DATA, "cause": "ransomware", "recipient.type": "attacker"},
        tells_ico=True, tells_people=True, playbook="supplier-breach",
    ),
    "deletion-or-outage": Breach(
        "deletion",
        {"intent": "accidental", "kinds": "availability", "backup.state": "intact", "service_impact": "minor",
         "restored.done": "yes", "restored.hours": 3},
        tells_ico=False, tells_people=False,
    ),
    "lost-paper": Breach(
        "lost_paper",
        {"recipient.type": "unidentified", "recipient.deletion": "requested", "kinds": "confidentiality",
         "identification": "direct", "data": "name,address,salary,health", "people.count": 14,
         "backup.state": "intact", "safety_risk": "no"},
        tells_ico=True, tells_people=True,
    ),
    "generic": Breach(
        "other",
        {**_TAKEN, "recipient.type": "attacker", "service_impact": "none"},
        tells_ico=True, tells_people=True, playbook="generic",
    ),
}  # fmt: skip
CALLED = {"tell-clients", "decide-and-tell"}


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, firm=LARKFIELD)
    yield house
    house.close()


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_answered_from_the_first_alarm_to_the_closed_incident(firm: House, name: str) -> None:
    breach = BREACHES[name]
    said = Declaration("Something is wrong", ("file-share",), cause=breach.cause, playbook=breach.playbook)
    run = declare(firm.ctx, said).run
    assert run is not None
    assert run.playbook == name
    confirm(firm.ctx, INC, firm.clock.now(), "It holds personal data")
    _play(firm, run.id, breach)
    told = {duty.key: duty.told_at is not None for duty in _duties(firm)}
    assert told["controllers-harbour-dental"], "a processor tells every client, whatever the risk"
    assert told["controllers-northgate-homes"]
    assert (told.get("regulator", False), told.get("people", False)) == (breach.tells_ico, breach.tells_people)
    _finish(firm, run.id)
    assert entry_of(firm.ctx, INC).state == "closed"


def test_every_playbook_is_played_above_and_has_an_owner_for_each_step(firm: House) -> None:
    playbooks, problems = check_playbooks(firm.workspace)
    assert problems == ()
    assert {each.playbook for each in playbooks} == set(BREACHES) | CALLED
    for playbook in playbooks:
        if playbook.playbook not in ("ransomware", "generic"):
            assert _without_owner(playbook) == []


def _without_owner(playbook: Playbook) -> list[str]:
    asking = {"human.ask", "human.task", "human.decide", "notice.send", "playbook"}
    return [
        step.id
        for step in playbook.steps
        if step.assign is None or (step.uses in asking and step.deputy is None) or step.assign == step.deputy
    ]


def _play(firm: House, run_id: str, breach: Breach) -> None:
    """Answer whatever waits, ten minutes each, until nothing waits for a person."""
    for _ in range(120):
        advance(firm.ctx, run_id)
        waiting = [(run.id, look) for run in _open_runs(firm) for look in _stand(firm, run).waiting]
        if not waiting:
            return
        for its_run, look in waiting:
            firm.clock.advance(timedelta(minutes=10))
            _answer(firm, its_run, look.row.key, dict(look.row.asked or {}), breach)
    raise AssertionError("it asks without end")


def _answer(firm: House, run_id: str, key: str, asks: dict[str, Data], breach: Breach) -> None:
    match asks["kind"]:
        case "task":
            decisions.answer(firm.ctx, run_id, key, "done")
        case "ask":
            fact = asks.get("fact")
            # What the script does not know is not known: the questions must end all the same.
            answer = {**USUAL, **breach.facts}.get(str(fact), "unknown") if fact else _by_hand(asks)
            decisions.answer(firm.ctx, run_id, key, answer)
        case "decide":
            wanted = "yes" if (breach.tells_ico if "regulator" in key else breach.tells_people) else "no"
            assert asks["proposed"] == wanted, _still_open(firm)
            decisions.answer(firm.ctx, run_id, key, wanted)
        case "notice":
            notice = notice_of(firm.ctx, str(asks["notice"]))
            if notice.state == "draft":
                approve_notice(firm.ctx, notice.id, shown(firm.ctx, notice.id).sha256, reason="Read in full")
            else:
                record_sent(firm.ctx, notice.id, reference="By hand, 4711")
        case other:
            raise AssertionError(f"{key} waits for {other}: {_in_words(asks)}")


def _by_hand(asks: dict[str, Data]) -> str:
    """Choose the last of the ways offered: no, or by hand. No machine can be reached from this house."""
    return str(asks["choices"][-1]) if "by hand" in asks["choices"] else "no"  # type: ignore[index,operator]


def _still_open(firm: House) -> list[str]:
    with firm.store.read() as connection:
        ours = situation_of(connection, firm.workspace, INC).assessments["ourselves"]
    return [*(question.fact for question in ours.open_questions), *map(str, ours.contradictions)]


def _in_words(asks: dict[str, Data]) -> str:
    return str(asks.get("question", asks))


def _finish(firm: House, run_id: str) -> None:
    for run in _runs(firm):
        if any(look.row.is_contained for look in _stand(firm, run).looks):
            decisions.undo_all(firm.ctx, run.id, "All is clean again")
        advance(firm.ctx, run.id)
    for run in _open_runs(firm):
        if run.parent_run is None:
            decisions.end(firm.ctx, run.id, "What is left waited for something that did not come")
    for moment in ("contained", "recovered"):
        reach(firm.ctx, INC, moment)
    sign_a_review(firm.ctx, INC)
    reconcile_duties(firm.ctx, INC)
    for duty in _duties(firm):
        if duty.must_be_settled:
            said = Discharge(how="By telephone", late_reasons="Found later", nothing_more="Nothing else is known")
            discharge(firm.ctx, INC, duty.key, said)
    close(firm.ctx, INC, Closing("Nobody came to harm", "The cause was removed"))


def _duties(firm: House):
    with firm.store.read() as connection:
        return duties_of(connection, INC)


def _runs(firm: House) -> list[Run]:
    with firm.store.read() as connection:
        return list(load_runs(connection, incident=INC))


def _open_runs(firm: House) -> list[Run]:
    return [run for run in _runs(firm) if run.state == "open"]


def _stand(firm: House, run: Run) -> Progressed:
    return stand(firm.ctx, run.id)
