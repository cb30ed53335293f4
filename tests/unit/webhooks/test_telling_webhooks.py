"""Events go out signed over real HTTP on loopback: once each, in order, again after an outage, never a private text."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import select

from simulators.chance import PowerCut
from simulators.house import FIRM, House
from tocsin.adapters.http import SystemHttp
from tocsin.alarms import standing
from tocsin.incidents import Declaration, declare
from tocsin.signatures import signing_key, verified_id
from tocsin.store.tables import webhook_delivery
from tocsin.webhooks import tell_webhooks
from tocsin.webhooks.sending import WAITS

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver(ThreadingHTTPServer):
    """A program that is told of events: it keeps them, and answers as it is bidden."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hand)
        self.answer = 204
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/tocsin"

    def kinds(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.got]


class _Hand(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Safe:
    """Implements `ports.Secrets` with the one secret."""

    def read(self, reference: str) -> str:
        assert reference == "env:OPS"
        return SECRET


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def firm(tmp_path: Path, receiver: Receiver) -> Iterator[House]:
    hook = (
        f"webhooks:\n  ops: {{url: '{receiver.url}', secret: 'env:OPS', events: ['incident.*', 'run.started']}}\n"
    )
    house = House(tmp_path, firm=FIRM.replace("channels:\n", f"{hook}channels:\n"))
    yield house
    house.close()


def tell(house: House, **tools: object):
    return tell_webhooks(replace(house.ctx, http=SystemHttp(), secrets=Safe(), **tools))


def happens(house: House, kind: str = "incident.noted") -> None:
    with house.store.write(house.ctx.actor) as tx:
        tx.record(kind, "incident:INC-2026-001", {"code": "x"}, private={"note": "Harbour View Dental"})


def test_without_webhooks_nothing_is_looked_at(house):
    assert tell_webhooks(house.ctx) == ()


def test_it_tells_of_what_happens_from_now_on_and_only_of_what_was_asked_for(firm, receiver):
    happens(firm)
    assert tell(firm) == ()
    declare(firm.ctx, Declaration("Files of Harbour View end in .locked", ("file-share",), cause="ransomware"))
    happens(firm, "backup.finished")
    assert {one.state for one in tell(firm)} == {"sent"}
    assert set(receiver.kinds()) == {"incident.declared", "run.started"}
    assert tell(firm) == ()


def test_each_message_is_signed_and_holds_no_private_text(firm, receiver):
    tell(firm)
    happens(firm)
    tell(firm)
    ((headers, body),) = receiver.got
    assert verified_id(signing_key(SECRET, "ops"), headers, body, firm.clock.now()).startswith("evt_")
    said = json.loads(body)
    assert said["type"] == "incident.noted"
    assert said["data"]["payload"] == {"code": "x"}
    assert (said["data"]["subject"], said["data"]["actor"]) == ("incident:INC-2026-001", "maya")
    assert b"Harbour" not in body
    assert SECRET.encode() not in body


def test_what_is_need_to_know_stays_in_the_house(firm, receiver):
    tell(firm)
    declare(firm.ctx, Declaration("The accounts", ("crm",), need_to_know=("maya", "priya")))
    happens(firm)  # of the same incident
    assert tell(firm) == ()
    assert receiver.got == []


def test_after_an_outage_every_event_arrives_once_under_the_id_it_was_first_tried_with(firm, receiver):
    tell(firm)
    receiver.answer = 503
    for _ in range(3):
        happens(firm)
    assert [(one.state, one.said) for one in tell(firm)] == [("due", "answered 503")], "the rest fare no better"
    receiver.answer = 204
    assert len(tell(firm)) == 2, "the first waits its minute"
    firm.clock.advance(WAITS[0])
    assert [one.state for one in tell(firm)] == ["sent"]
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert (len(ids), len(set(ids)), ids[0]) == (4, 3, ids[3])
    firm.clock.advance(timedelta(days=1))
    assert tell(firm) == ()


def test_it_is_given_up_after_three_days_with_an_alarm_that_ends_with_the_next_that_arrives(firm, receiver):
    tell(firm)
    receiver.answer = 500
    happens(firm)
    for wait in (*WAITS, timedelta()):
        (tried,) = tell(firm)
        firm.clock.advance(wait)
    assert tried.state == "failed"
    with firm.store.read() as connection:
        assert [row.kind for row in standing(connection)] == ["webhook.given-up"]
    assert tell(firm) == ()
    receiver.answer = 204
    happens(firm)
    assert [one.state for one in tell(firm)] == ["sent"]
    with firm.store.read() as connection:
        assert standing(connection) == ()


def test_a_receiver_that_is_gone_for_good_is_given_up_at_once(firm, receiver):
    tell(firm)
    receiver.answer = 410
    happens(firm)
    assert [one.state for one in tell(firm)] == ["failed"]


def test_a_power_cut_loses_no_event_and_repeats_it_under_its_id(firm, receiver):
    tell(firm)
    happens(firm)
    with pytest.raises(PowerCut):
        tell(firm, crash=firm.crashing_at("webhook:claimed").crash)
    assert tell(firm) == (), "somebody may be at it"
    firm.clock.advance(timedelta(minutes=5))
    assert [one.state for one in tell(firm)] == ["sent"]
    with firm.store.read() as connection:
        row = connection.execute(select(webhook_delivery)).one()
    assert (row.state, row.tries, row.id) == ("sent", 2, receiver.got[0][0]["webhook-id"])


def test_a_secret_that_cannot_be_read_or_is_weak_is_no_fault_of_the_round(firm, receiver):
    class Weak:
        def read(self, reference: str) -> str:
            return "short"

    tell(firm)
    happens(firm)
    (tried,) = tell_webhooks(replace(firm.ctx, http=SystemHttp(), secrets=Weak()))
    assert (tried.state, "short" in tried.said, receiver.got) == ("due", False, [])
