"""Ransomware at an agency with three clients, whose people are in three places.

Maya sits at the terminal, Priya has only her telephone and Slack, Ellis is at home with a key and a mailbox. The ICO's
report, three different notices to clients and a letter to people are each approved by somebody who may, through the
door that is open to them: the command line, Slack's buttons, a signed file. They leave through a real mail server.
"""

import getpass
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from chat_ground import MEMBERS, firm_with_slack, pressed, sent
from simulators.slack import APP_TOKEN, BOT_TOKEN, Slack
from simulators.slack_server import slack_at_work
from simulators.smtp import MailServer, running
from tocsin.chat.desk import Desk
from tocsin.chat.rounds import Rounds
from tocsin.chat.status import OPEN
from tocsin.cli import carry_out as tocsin
from tocsin.context import Context
from tocsin.ports import Actor
from tocsin.store.journal import entries
from tocsin.wiring import open_context

THIRD_CLIENT = """\
  quayside-books:
    name: Quayside Books Ltd
    contract: Agreement of 1 June 2025
    contacts: [{name: Imre Falk, email: imre@quaysidebooks.example}]
systems:
"""
THIRD_DATASET = """\
datasets:
  orders:
    {title: Orders, label: personal, client: quayside-books, systems: [file-share],
     data: [name, address, order_history], people: {groups: [customer], count: 3100}, backup_plan: file-share}
"""
CLIENTS = {
    "harbour-dental": ("Harbour View Dental Practice", "anneka@harbourdental.example"),
    "northgate-homes": ("Northgate Homes Lettings Ltd", "callum@northgatehomes.example"),
    "quayside-books": ("Quayside Books Ltd", "imre@quaysidebooks.example"),
}


@dataclass
class Agency:
    """The firm's folder, its terminal, its Slack and its post."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    slack: Slack
    mail: MailServer
    ctx: Context
    rounds: Rounds

    def says(self, *arguments: str, code: int = 0) -> str:
        found = tocsin([*arguments, "--workspace", str(self.folder)])
        printed = self.capsys.readouterr()
        assert found == code, f"tocsin {' '.join(arguments)}: {found}, {printed.err}{printed.out}"
        return printed.out

    def tells(self, *arguments: str) -> Any:
        return json.loads(self.says(*arguments, "--json"))

    def notices(self) -> dict[str, dict[str, Any]]:
        return {each["addressee"]: each for each in self.tells("notice", "list")}

    def slack_shows(self) -> dict[str, Any]:
        """Let Slack be brought up to date, and return the message that is pinned."""
        for _ in range(4):
            self.rounds.go()
            time.sleep(1.05)  # one message a second is all that Slack takes
        return next(message for message in self.slack.posted if message["ts"] in self.slack.room.pins)

    def presses(self, member: str, beside: str) -> str:
        """Open the exact text by its button, approve it, and say so twice; return what Slack answered."""
        desk = Desk(self.ctx)
        form = desk.take(pressed(self.slack, self.slack_shows(), OPEN, member, text=beside)).form
        assert form is not None
        asked = desk.take(sent(self.slack, form, member, decision=("approve",), reason="Read twice"))
        reply = desk.take(sent(self.slack, asked.form, member))
        if reply.later is not None:
            reply.later()
        return reply.text

    def signs(self, notice: str, key: Path) -> Path:
        """Sign at home what was sent there, as OpenSSH does it."""
        file = key.parent / "approve.txt"
        statement = self.says("notice", "to-sign", notice)
        file.write_text(statement.replace("reason:", "reason: Read aloud at home"))
        Path(f"{file}.sig").unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-Y", "sign", "-q", "-n", "tocsin", "-f", key, file], check=True)
        return file


@pytest.fixture
def key(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / "key"], check=True)
    return home / "key"


@pytest.fixture
def agency(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Agency]:
    public = key.with_suffix(".pub").read_text().strip()
    with running() as mail, slack_at_work() as slack:
        for name, value in {"BOT": BOT_TOKEN, "APP": APP_TOKEN, "TOCSIN_SLACK_API": slack.home}.items():
            monkeypatch.setenv(name, value)
        firm = firm_with_slack().replace("login: maya", f"login: {getpass.getuser()}")
        firm = firm.replace("port: 8025", f"port: {mail.port}").replace("systems:\n", THIRD_CLIENT, 1)
        firm = firm.replace("datasets:\n", THIRD_DATASET, 1).replace(
            "roles: [communications], login: tom",
            "roles: [dpo, communications], ssh_key: " + json.dumps(public) + ", login: tom",
        )
        folder = tmp_path / "firm"
        (folder / "data/file-share").mkdir(parents=True)
        (folder / "tocsin.yaml").write_text(firm)
        with open_context(folder, door="slack", person="maya") as opened:
            ctx = opened.acting_as(Actor("service:tocsin", "slack"))
            yield Agency(folder, capsys, slack, mail, ctx, Rounds(ctx))


def test_three_people_approve_through_three_doors_and_everything_leaves(agency: Agency, key: Path) -> None:
    declared = agency.tells(
        "incident", "declare", "--system", "file-share", "--cause", "ransomware", "--title", "Files end in .locked"
    )
    incident, run = declared["incident"], declared["run"]["run"]
    assert set(declared["clients"]) == set(CLIENTS)
    it_becomes_clear(agency, incident, run)
    letters = agency.notices()
    assert {"ico", "people", *CLIENTS} <= set(letters)
    for client, (name, _) in CLIENTS.items():
        text = agency.says("notice", "show", letters[client]["id"], "--text")
        assert name in text
        assert not any(other in text for each, (other, _) in CLIENTS.items() if each != client)

    assert to_clients(agency) == {}

    # Maya, at the terminal: the report to the ICO, and one client.
    for addressee in ("ico", "northgate-homes"):
        shown = agency.tells("notice", "show", letters[addressee]["id"])
        agency.says(
            "notice", "approve", letters[addressee]["id"], "--hash", shown["sha256"], "--yes", "--reason", "Read"
        )
    # Priya, in Slack: two clients.
    for client in ("harbour-dental", "quayside-books"):
        assert "Approved" in agency.presses(MEMBERS["priya"], CLIENTS[client][0])
    # Tom, at home with his key: the letter to people. A changed word, and the signature fits no longer.
    file = agency.signs(letters["people"]["id"], key)
    said = file.read_text()
    file.write_text(said.replace("at home", "at the office"))
    agency.says("notice", "approve-signed", letters["people"]["id"], str(file), code=3)
    file.write_text(said)
    agency.says("notice", "approve-signed", letters["people"]["id"], str(file))

    # All of it has left, to whom it was written; what cannot be mailed is sent by hand, and that is recorded.
    agency.says("run", "advance", run)
    agency.says("notice", "record", letters["ico"]["id"], "--reference", "IC-000000-X0X0")
    agency.says("notice", "record", letters["people"]["id"], "--reference", "Posted, 14 letters")
    agency.says("run", "advance", run)
    received = to_clients(agency)
    assert set(received) == {address for _, address in CLIENTS.values()}
    for client, (name, address) in CLIENTS.items():
        assert name in received[address]
        assert not any(other in received[address] for each, (other, _) in CLIENTS.items() if each != client)
    assert {
        each["state"] for each in agency.notices().values() if each["addressee"] in {"ico", "people", *CLIENTS}
    } <= {
        "sent",
        "recorded",
    }

    # The journal holds who approved what through which door, and what left.
    with open_context(agency.folder) as ctx, ctx.store.read() as connection:
        told = [each.entry for each in entries(connection)]
    approved = {(each.actor, each.door) for each in told if each.kind == "notice.approved"}
    assert approved == {("maya", "cli"), ("priya", "slack"), ("tom", "file")}
    assert sum(each.kind == "notice.sent" for each in told) == len(CLIENTS)
    assert agency.tells("journal", "verify")["ok"] is True


def it_becomes_clear(agency: Agency, incident: str, run: str) -> None:
    agency.says("incident", "confirm", incident, "--at", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    for step, answer in {
        "isolate": "done",
        "who-cuts-it-off": "by hand",
        "ask-kinds": "availability,confidentiality",
        "ask-exfiltration": "confirmed",
        "ask-logs": "complete",
        "ask-backup": "intact",
        "ask-protection": "none",
        "ask-impact": "minor",
        "decide-regulator": "yes",
        "decide-people": "yes",
    }.items():
        agency.says("run", "answer", run, step, answer)


def to_clients(agency: Agency) -> dict[str, str]:
    """Return what reached somebody outside, by address."""
    found = {}
    for taken in agency.mail.received:
        text = message_from_bytes(taken.content, policy=policy.default).get_body(("plain",)).get_content()
        found |= {to: text for to in taken.recipients if not to.endswith("@larkfield.example")}
    return found
