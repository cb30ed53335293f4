"""The worst night, and it grows with the product.

Friday 17:40. The file server is encrypted. Slack is down, and so is the Prefect server (here it cannot even be
imported). One person is reachable: Maya, commander, and deputy of the data protection lead. The newest backup is
bad: it was taken after the files were encrypted, and the one before it was interrupted. Two clients' data was on
the server. Everything goes through the command line, as on the night itself.
"""

import getpass
import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simulators.house import FIRM
from simulators.smtp import MailServer, running
from tocsin.cli import carry_out as tocsin
from tocsin.store.journal import entries
from tocsin.wiring import open_context

CONTENT = {
    f"data/file-share/clients/{name}/{number}.txt": f"{name} {number}\n" * 400
    for name in ("harbour", "northgate")
    for number in range(12)
}


class Night:
    """The firm's folder, and the one terminal that still works."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def says(self, *arguments: str, code: int = 0) -> str:
        """Run one command as it would be typed, and return what it printed."""
        found = tocsin([*arguments, "--workspace", str(self.folder)])
        printed = self._capsys.readouterr()
        assert "Traceback" not in printed.err
        assert found == code, f"tocsin {' '.join(arguments)}: {found}, {printed.err}{printed.out}"
        return printed.out

    def tells(self, *arguments: str, code: int = 0) -> Any:
        """Run one command with --json."""
        return json.loads(self.says(*arguments, "--json", code=code))

    def files(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.folder)): path.read_text(errors="replace")
            for path in sorted((self.folder / "data/file-share").rglob("*"))
            if path.is_file()
        }

    def encrypt(self) -> None:
        """Really overwrite every file, and leave a note."""
        noise = random.Random(1740)
        for path in sorted((self.folder / "data/file-share").rglob("*.txt")):
            path.write_bytes(noise.randbytes(path.stat().st_size))
            path.rename(path.with_suffix(".txt.locked"))
        (self.folder / "data/file-share/README_RESTORE.txt").write_text("Pay.\n")

    def backs_up_and_doubts(self, good: str) -> None:
        """Back up what the attacker left; only the good snapshot is held, and named as the one to go back to."""
        doubted = self.tells("backup", "run", "file-share", code=1)[0]
        assert {reason["sign"] for reason in doubted["suspicion"]["reasons"]} >= {"encrypted", "ransom-names"}
        assert [hold["snapshot"] for hold in self.tells("backup", "list", "--holds")] == [good]
        clean = self.tells("backup", "last-clean", "file-share")[0]
        assert clean["snapshot"] == good
        assert clean["passed_over"][0]["why"].startswith("its content does not look like")

    def steps(self, run: str) -> dict[str, str]:
        return {step["step"]: step["state"] for step in self.tells("run", "show", run)["steps"]}


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with running() as server:
        yield server


@pytest.fixture
def night(
    tmp_path: Path, mail: MailServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Night:
    for gone in ("prefect", "slack_sdk"):
        monkeypatch.setitem(sys.modules, gone, None)
    firm = FIRM.replace("login: maya", f"login: {getpass.getuser()}").replace("port: 8025", f"port: {mail.port}")
    (tmp_path / "tocsin.yaml").write_text(firm)
    for name, text in CONTENT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    secret = tmp_path / "secrets/local.password"
    secret.parent.mkdir()
    secret.touch(mode=0o600)
    secret.write_text("a long password that nobody else knows\n")
    night = Night(tmp_path, capsys)
    night.says("backup", "init", "local")
    return night


def left_the_house(mail: MailServer) -> list[str]:
    """Return who outside was written to. What goes to our own people are alarms."""
    everybody = sorted(recipient for taken in mail.received for recipient in taken.recipients)
    return [recipient for recipient in everybody if not recipient.endswith("@larkfield.example")]


def test_the_worst_night(night: Night, mail: MailServer) -> None:
    # A quiet afternoon: the last good backup.
    before = night.files()
    night.says("backup", "run", "file-share")
    good = night.tells("backup", "list")[0]["id"]
    alert = datetime.now(UTC)

    # 17:40. The files are encrypted, and before anybody looks the schedule backs them up.
    # It is not believed: the alarm is up, the clean snapshot is held and nothing may be pruned.
    night.encrypt()
    night.backs_up_and_doubts(good)

    incident, run = she_declares(night, alert, good)
    facts_arrive(night, incident, run)
    she_decides(night, mail, incident, run)
    the_notices_leave(night, mail, run)
    the_people_are_told(night, run)

    # What was told is told; what was not known when the report left is still owed.
    duties = {each["duty"]: each for each in night.tells("incident", "show", incident)["duties"]}
    assert duties["regulator"]["state"] == "told"
    assert "since when (Art 33(3)(a))" in duties["regulator"]["still_owed"]
    assert duties["controllers-harbour-dental"]["told_at"]

    back_to_work(night, run, alert, before)
    the_journal_tells_it_all(night)


def she_declares(night: Night, alert: datetime, good: str) -> tuple[str, str]:
    # Maya declares. Snapshots are held, backups pause, the clocks run, two clients are named.
    declared = night.tells(
        "incident", "declare", "--system", "file-share", "--cause", "ransomware",
        "--title", "Files on the share end in .locked", "--first-alert", alert.isoformat(),
    )  # fmt: skip
    incident, run = declared["incident"], declared["run"]["run"]
    assert declared["clients"] == ["harbour-dental", "northgate-homes"]
    assert [clock["to"] for clock in declared["clocks"]] == ["harbour-dental", "northgate-homes", "ico"]
    assert night.steps(run)["hold-snapshots"] == "done"
    last_good = next(step for step in night.tells("run", "show", run)["steps"] if step["step"] == "last-good")
    assert last_good["output"]["snapshots"]["file-share"]["snapshot"].startswith(good[:8])
    return incident, run


def facts_arrive(night: Night, incident: str, run: str) -> None:
    # It becomes certain; facts arrive one by one, in contradiction at first.
    night.says(
        "incident", "confirm", incident, "--at", datetime.now(UTC).isoformat(), "--reason", "The note names us"
    )
    for step, answer in {
        "isolate": "done",
        "who-cuts-it-off": "by hand",
        "ask-kinds": "availability,confidentiality",
        "ask-exfiltration": "ruled_out",
        "ask-logs": "missing",
        "ask-backup": "intact",
        "ask-protection": "none",
        "ask-impact": "major",
    }.items():
        night.says("run", "answer", run, step, answer)
    assert night.tells("incident", "show", incident)["assessments"]["ourselves"]["contradictions"]
    night.says("incident", "fact", incident, "exfiltration", "possible", "--evidence", "No log covers the weekend")
    assert not night.tells("incident", "show", incident)["assessments"]["ourselves"]["contradictions"]


def she_decides(night: Night, mail: MailServer, incident: str, run: str) -> None:
    # She decides for the data protection lead, whom nobody can reach; three drafts are written.
    proposed = night.tells("incident", "show", incident)["assessments"]["ourselves"]["duties"]
    assert next(duty for duty in proposed if duty["to"] == "regulator")["required"] == "yes"
    night.says("run", "answer", run, "decide-regulator", "yes")
    notices = {notice["addressee"]: notice for notice in night.tells("notice", "list")}
    # What our own people and the police may be told lies ready; nobody has to send it.
    assert set(notices) == {"ico", "harbour-dental", "northgate-homes", "police", "staff"}
    assert left_the_house(mail) == []


def the_notices_leave(night: Night, mail: MailServer, run: str) -> None:
    notices = {notice["addressee"]: notice for notice in night.tells("notice", "list")}
    outside = [notices[addressee] for addressee in ("ico", "harbour-dental", "northgate-homes")]

    # Each client's letter holds that client's name alone.
    harbour = night.says("notice", "show", notices["harbour-dental"]["id"])
    assert "Harbour View Dental Practice" in harbour
    assert "Northgate" not in harbour

    # Nothing leaves before it is approved, and only what was approved.
    night.says("notice", "send", notices["harbour-dental"]["id"], code=3)
    assert left_the_house(mail) == []
    for notice in outside:
        shown = night.tells("notice", "show", notice["id"])
        night.says(
            "notice", "approve", notice["id"], "--hash", shown["sha256"], "--yes", "--reason", "Read on the night"
        )
    night.says("run", "advance", run)
    night.says("notice", "record", notices["ico"]["id"], "--reference", "IC-000000-X0X0")
    night.says("run", "advance", run)
    assert left_the_house(mail) == ["anneka@harbourdental.example", "callum@northgatehomes.example"]
    states = night.steps(run)
    assert (states["send-ico"], states["send-clients"]) == ("done", "done")


def the_people_are_told(night: Night, run: str) -> None:
    # The people concerned are told too: it is a high risk to them. Letters are posted, and that is recorded.
    night.says("run", "answer", run, "decide-people", "yes")
    letter = next(notice for notice in night.tells("notice", "list") if notice["addressee"] == "people")
    shown = night.tells("notice", "show", letter["id"])
    night.says(
        "notice", "approve", letter["id"], "--hash", shown["sha256"], "--yes", "--reason", "Read aloud, twice"
    )
    night.says("run", "advance", run)
    night.says("notice", "record", letter["id"], "--reference", "Posted by first class, 14 letters")
    night.says("run", "advance", run)
    assert night.steps(run)["send-people"] == "done"


def back_to_work(night: Night, run: str, alert: datetime, before: dict[str, bytes]) -> None:
    # The way in is closed; the last good snapshot, not the newest, is put back, every file verified.
    night.says("run", "answer", run, "clean", "done")
    night.says(
        "recover",
        "file-share",
        "--to",
        str(night.folder / "data/file-share"),
        "--replace",
        "--before",
        alert.isoformat(),
    )
    assert night.files() == before
    night.says("run", "answer", run, "recover", "done")
    night.says("run", "answer", run, "review", "done")
    # All that is left waits for a duty that never came: this firm has no insurer.
    night.says("run", "end", run, "--reason", "There is no insurance policy")
    assert night.tells("run", "show", run)["state"] == "done"


def the_journal_tells_it_all(night: Night) -> None:
    # The journal tells it all, and verifies.
    assert night.tells("journal", "verify")["ok"] is True
    with open_context(night.folder) as ctx, ctx.store.read() as connection:
        kinds = [told.entry.kind for told in entries(connection)]
    for kind in (
        "incident.declared",
        "fact.stated",
        "duty.decided",
        "notice.approved",
        "notice.sent",
        "recovery.finished",
    ):
        assert kind in kinds
