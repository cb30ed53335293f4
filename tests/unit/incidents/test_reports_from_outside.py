"""Monitoring or an EDR opens a suspected incident: over real HTTP on loopback, and only with a true signature."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from simulators.chance import PowerCut
from simulators.house import FIRM, House
from tocsin.errors import Refused, Temporary, UsageError
from tocsin.incidents.outside import MOST_BYTES, Reported, report_from_outside
from tocsin.serve.listening import Gate, listening
from tocsin.signatures import signed_headers, signing_key
from tocsin.store.tables import incident

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = signing_key(SECRET, "edr")
SAID = {"title": "Mass encryption on the share", "systems": ["file-share"], "cause": "ransomware"}
REPORTERS = """\
reporters:
  edr: {title: Laptop EDR, secret: "env:EDR", systems: [file-share], per_hour: 3}
  monitor: {title: Monitoring, secret: "env:EDR"}
channels:
"""


class Safe:
    """Implements `ports.Secrets` with the one secret."""

    def read(self, reference: str) -> str:
        assert reference == "env:EDR"
        return SECRET


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, firm=FIRM.replace("channels:\n", REPORTERS))
    yield house
    house.close()


def report(
    house: House, said: object = SAID, *, identity: str = "msg_1", reporter: str = "edr", ctx=None
) -> Reported:
    body = said if isinstance(said, str) else json.dumps(said)
    made = signed_headers(KEY, identity, body, house.clock.now())
    headers = {name.lower(): value for name, value in made.items()}
    return report_from_outside(ctx or replace(house.ctx, secrets=Safe()), reporter, headers, body.encode())


def titles(house: House) -> list[str]:
    with house.store.read() as connection:
        return list(connection.execute(select(incident.c.title)).scalars())


def test_it_opens_a_suspected_incident_and_its_playbook(firm):
    assert report(firm) == Reported("INC-2026-001", is_new=True)
    assert titles(firm) == ["Laptop EDR: Mass encryption on the share"]
    with firm.store.read() as connection:
        found = connection.execute(select(incident)).one()
    assert (found.state, found.aware_at, found.declared_by) == ("suspected", None, "reporter:edr")
    assert "incident.reported" in firm.journal_kinds()


def test_the_same_message_again_opens_nothing(firm):
    report(firm)
    before = firm.journal_kinds()
    assert report(firm) == Reported("INC-2026-001", is_new=False)
    assert firm.journal_kinds() == before


def test_a_hundred_alerts_about_one_system_are_one_incident(firm):
    found = {report(firm, identity=f"msg_{number}", reporter="monitor").incident for number in range(5)}
    assert found == {"INC-2026-001"}


def test_more_than_its_share_is_turned_away_for_an_hour(firm):
    for number in range(3):
        report(firm, identity=f"msg_{number}")
    with pytest.raises(Temporary, match="edr has reported 3 times this hour"):
        report(firm, identity="msg_3")
    firm.clock.advance(timedelta(hours=1))
    report(firm, identity="msg_3")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("{", "Invalid JSON"),
        ("[]", "the message"),
        ({**SAID, "title": ""}, "title"),
        ({**SAID, "title": "two\nlines"}, "one line"),
        ({**SAID, "title": "x" * 201}, "title"),
        ({**SAID, "sytems": []}, "sytems"),
        ({**SAID, "cause": "gremlins"}, "cause"),
        ({**SAID, "first_alert_at": "2026-11-20T10:00:00"}, "first_alert_at"),
        ({**SAID, "systems": ["crm"]}, "edr does not watch crm"),
    ],
)
def test_it_refuses_what_it_cannot_read_and_keeps_nothing(firm, said, why):
    before = firm.journal_kinds()
    with pytest.raises(UsageError, match=why):
        report(firm, said)
    assert (firm.journal_kinds(), titles(firm)) == (before, [])
    assert report(firm).is_new, "the id is free for what the sender mends"


def test_an_unknown_system_is_refused_with_the_nearest(firm):
    with pytest.raises(UsageError, match="Did you mean 'file-share'"):
        report(firm, {**SAID, "systems": ["fileshare"]}, reporter="monitor")
    with pytest.raises(UsageError, match="Say which systems"):
        report(firm, {"title": "Down"}, reporter="monitor")


def test_an_unknown_reporter_is_refused(firm):
    with pytest.raises(Refused, match="no such reporter"):
        report(firm, reporter="err")


@pytest.mark.parametrize("nth", [1, 2])
def test_after_a_power_cut_the_senders_next_try_finds_or_opens_the_one_incident(firm, nth):
    firm.crash._name, firm.crash._left = "store.after_commit", nth
    with pytest.raises(PowerCut):
        report(firm)
    firm.crash._name = ""
    assert report(firm).incident == "INC-2026-001"
    assert len(titles(firm)) == 1


def test_the_gate_lets_so_many_through_in_a_minute():
    moment = [0.0]
    gate = Gate(2, lambda: moment[0])
    assert [gate.opens(), gate.opens(), gate.opens()] == [True, True, False]
    moment[0] = 60.0
    assert gate.opens()


def test_over_http_on_loopback_only_what_is_signed_gets_in(firm, monkeypatch):
    monkeypatch.setenv("EDR", SECRET)
    body = json.dumps(SAID)
    now = datetime.now(UTC)
    good = signed_headers(KEY, "msg_1", body, now)
    late = signed_headers(KEY, "msg_2", body, now - timedelta(minutes=6))
    with listening(firm.workspace, 0) as url:
        assert url.startswith("http://127.0.0.1:")

        def post(headers: dict[str, str], text: str, path: str = "edr", method: str = "POST") -> tuple[int, str]:
            answer = httpx.request(method, url + path, content=text, headers=headers, timeout=30, trust_env=False)
            return answer.status_code, answer.text

        assert post(good, body.replace("share", "spare"))[0] == 401
        assert post({"Content-Type": "application/json"}, body)[0] == 401
        status, said = post(late, body)
        assert (status, "more than five minutes" in said) == (401, True)
        assert post(good, body, "err")[0] == 401
        assert post(signed_headers(KEY, "msg_3", "x" * 20_000, now), "x" * 20_000)[0] == 413
        assert post(good, body, method="PUT")[0] == 405
        assert post(good, body, "edr/more")[0] == 404
        assert titles(firm) == []
        assert post(good, body) == (201, '{"incident":"INC-2026-001","new":true}')
        assert post(good, body) == (200, '{"incident":"INC-2026-001","new":false}')
        assert SECRET not in said


def test_a_body_is_read_no_further_than_it_may_be_long(firm, monkeypatch):
    monkeypatch.setenv("EDR", SECRET)

    def long() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * MOST_BYTES

    with listening(firm.workspace, 0) as url:
        try:
            said = httpx.post(url + "edr", content=long(), timeout=30, trust_env=False).status_code
        except httpx.TransportError:
            said = 413  # it hung up on us in the middle, as well it may
    assert said == 413
    assert titles(firm) == []


def test_nothing_listens_where_nobody_may_report(house):
    with listening(house.workspace, 0) as url:
        assert url is None


def test_what_is_wrong_in_the_house_is_not_told_outside(firm, monkeypatch):
    body = json.dumps(SAID)
    made = signed_headers(KEY, "msg_1", body, datetime.now(UTC))
    monkeypatch.delenv("EDR", raising=False)  # the secret cannot be read
    with listening(firm.workspace, 0) as url:
        answer = httpx.post(url + "edr", content=body, headers=made, timeout=30, trust_env=False)
    assert (answer.status_code, "EDR" in answer.text) == (503, False)
