"""The commander sleeps.

Saturday night. Somebody who would rather not be named reports that a colleague's mailbox is being emptied. Priya, on
call for data protection, looks at it and opens an incident that only three people may know of. Maya commands, by the
rota, and does not answer. Tom, her deputy, is paged ten minutes later, takes over by himself, widens the incident,
adds a playbook and hands over in the morning. Prefect and Slack cannot even be imported, there is no network, and
everything goes through the command line.
"""

import getpass
import json
import sys
from datetime import UTC, datetime
from email import message_from_string, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from simulators.house import FIRM
from tocsin.cli import carry_out as tocsin
from tocsin.store.tables import page
from tocsin.wiring import open_context

ROTA = """\
rota:
  - {role: commander, people: [maya, sam], first_week: 2026-01-05}
"""
WHAT = "A rule in the accounts mailbox forwards everything to somebody outside"
PEOPLE = ("maya", "tom", "priya", "sam")


class Saturday:
    """The firm's folder and its terminals: one for each person."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def says(self, person: str, *arguments: str, code: int = 0) -> str:
        """Type one command at somebody's terminal, and return what it printed."""
        login = getpass.getuser()
        firm = FIRM.replace("port: 8025", "port: 1") + ROTA
        for each in PEOPLE:
            firm = firm.replace(f"login: {each}", f"login: {login if each == person else f'{each}-at-home'}")
        # Whose week it is tonight: the one who commands sleeps.
        weeks = (datetime.now(UTC).date() - datetime(2026, 1, 5, tzinfo=UTC).date()).days // 7
        if weeks % 2:
            firm = firm.replace("[maya, sam]", "[sam, maya]")
        (self.folder / "tocsin.yaml").write_text(firm)
        found = tocsin([*arguments, "--workspace", str(self.folder)])
        printed = self._capsys.readouterr()
        assert "Traceback" not in printed.err
        assert found == code, f"{person}: tocsin {' '.join(arguments)}: {found}, {printed.err}{printed.out}"
        return printed.out if code == 0 else printed.err

    def tells(self, person: str, *arguments: str) -> Any:
        return json.loads(self.says(person, *arguments, "--json"))

    def nobody_answers_in_time(self) -> None:
        """Let the time of every page be over: the clock on the wall is everybody's, and cannot be put forward."""
        with open_context(self.folder) as ctx, ctx.store.write(ctx.actor) as tx:
            tx.execute(update(page).values(next_at=tx.now))

    def alarms(self) -> list[str]:
        """What was laid into the outbox, since no server could be reached: whom it is for, and what it says."""
        found = sorted((self.folder / "outbox/alarms").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return [path.read_text() for path in found if path.is_file()]


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Saturday:
    for gone in ("prefect", "slack_sdk"):
        monkeypatch.setitem(sys.modules, gone, None)
    for name in ("data/file-share", "data/crm"):
        (tmp_path / name).mkdir(parents=True)
    return Saturday(tmp_path, capsys)


def test_the_commander_sleeps(night: Saturday) -> None:
    # Anybody may say so, without a name; nothing about them is kept, and nobody else may read it.
    thanks = night.says("nobody", "report", "--what", WHAT, "--anonymous")
    assert "Thank you" in thanks
    assert "Nothing about you was kept" in thanks
    assert "may not look at reports" in night.says("sam", "report", "list", code=3)
    assert night.tells("priya", "report", "list")[0]["reported_by"] is None

    # The round rings for it: Priya is on call for data protection. She looks at it and opens an incident.
    night.says("priya", "watch", code=1)
    assert any("REP-2026-001" in said and "priya@larkfield.example" in said for said in night.alarms())
    declared = night.says(
        "priya", "report", "accept", "REP-2026-001", "--system", "crm", "--cause", "mailbox_takeover",
        "--need-to-know", "maya", "--need-to-know", "tom",
    )  # fmt: skip
    assert len(declared.splitlines()) < 10
    inc = "INC-2026-001"
    assert night.tells("priya", "incident", "show", inc)["roles"]["commander"] == "maya"

    # Maya, who commands tonight, is paged and sleeps. Ten minutes later it rings at her deputy's.
    assert any(f"{inc}: You are paged for commander" in _words(said) for said in night.alarms())
    night.nobody_answers_in_time()
    night.says("priya", "watch", code=1)
    second = next(said for said in night.alarms() if "maya did not answer" in _words(said))
    assert "tom@larkfield.example" in second
    assert f"tocsin incident take {inc} commander" in _words(second)
    assert WHAT not in "".join(night.alarms())

    # Tom takes over by himself: nobody is woken any more.
    night.says("tom", "incident", "take", inc, "commander", "--note", "Maya does not answer")
    rung = len(night.alarms())
    night.nobody_answers_in_time()
    night.says("tom", "watch", code=1)
    assert not any("did not answer" in _words(said) for said in night.alarms()[rung:])
    assert night.tells("tom", "incident", "show", inc)["roles"]["commander"] == "tom"

    # Whoever is not of its people learns at no door more than that it exists.
    title = night.tells("tom", "incident", "show", inc)["title"]
    for command in (
        ("status",), ("incident", "list"), ("register", "list"), ("journal", "show", "--last", "0"),
        ("run", "list", "--all"), ("notice", "list"), ("evidence", "list"),
    ):  # fmt: skip
        shown = night.says("sam", *command)
        assert title not in shown, command
        assert "mailbox_takeover" not in shown, command
        assert "RUN-0001" not in shown, command
    assert inc in night.says("sam", "status")
    assert inc in night.says("sam", "incident", "list")
    for command in (
        ("incident", "show", inc), ("incident", "story", inc), ("incident", "radius", inc), ("run", "show", "RUN-0001"),
        ("register", "show", inc), ("register", "export", "--format", "json"),
        ("journal", "export", str(night.folder / "out.jsonl")), ("incident", "fact", inc, "exfiltration", "possible"),
        ("incident", "roles", inc), ("incident", "facts", inc), ("incident", "assess", inc),
    ):  # fmt: skip
        assert inc in night.says("sam", *command, code=3), command

    # It turns out wider; a second playbook joins; what it reaches is drawn.
    wider = night.tells(
        "tom", "incident", "add-system", inc, "file-share", "--reason", "The same password opened the share"
    )
    assert wider["clients"] == ["harbour-dental", "northgate-homes"]
    night.says("tom", "incident", "playbook", "add", inc, "ransomware")
    titles = [run["title"] for run in night.tells("tom", "incident", "show", inc)["runs"]]
    assert len(titles) > 1
    assert any(each.startswith("Ransomware") for each in titles)
    reached = night.tells("tom", "incident", "radius", inc)
    assert [client["id"] for client in reached["clients"]] == ["harbour-dental", "northgate-homes"]
    assert Path(reached["page"]).read_text().startswith("<!doctype html>")

    # In the morning he hands over, with how things stand.
    night.says("tom", "incident", "handover", inc, "commander", "--to", "maya", "--note", "Two playbooks run")
    roles = [
        each for each in night.tells("maya", "incident", "roles", inc)["roles"] if each["role"] == "commander"
    ]
    assert [(each["person"], each["how"]) for each in roles] == [
        ("maya", "rota"), ("tom", "taken"), ("maya", "handed_over"),
    ]  # fmt: skip
    assert roles[-1]["note"] == "Two playbooks run"
    assert night.tells("maya", "journal", "verify")["ok"] is True


def _words(said: str) -> str:
    return " ".join(message_from_string(said, policy=policy.default).as_string().split())
