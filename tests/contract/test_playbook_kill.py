"""`kill -9` in the middle of a playbook, in a real process: what is unknown is said, nothing sent is repeated."""

import getpass
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from simulators.house import FIRM, House
from simulators.smtp import MailServer, running
from tocsin.cli import carry_out as tocsin


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with running() as server:
        yield server


class Terminal:
    """Runs the real command line in processes of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, crash: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tocsin.cli", *arguments, "--workspace", str(self.folder)],
            env={**os.environ, "TOCSIN_CRASH_AT": crash},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def tells(self, *arguments: str) -> Any:
        """Run what is not to be killed in this process: it is the same command line, and much quicker."""
        with redirect_stdout(io.StringIO()) as printed:
            code = tocsin([*arguments, "--json", "--workspace", str(self.folder)])
        assert code == 0, printed.getvalue()
        return json.loads(printed.getvalue())

    def steps(self, run: str = "RUN-0001") -> dict[str, str]:
        return {step["step"]: step["state"] for step in self.tells("run", "show", run)["steps"]}


@pytest.fixture
def terminal(tmp_path: Path, mail: MailServer) -> Terminal:
    firm = FIRM.replace("login: maya", f"login: {getpass.getuser()}").replace("port: 8025", f"port: {mail.port}")
    House(tmp_path, firm=firm).close()
    return Terminal(tmp_path)


DECLARE = ("incident", "declare", "--system", "file-share", "--cause", "ransomware", "--title", "Locked files")


@pytest.mark.parametrize("where", ["step:claimed", "step:acted", "store.before_commit", "store.after_commit"])
def test_a_playbook_killed_in_a_step_goes_on_at_the_next_wake_up(terminal: Terminal, where: str) -> None:
    killed = terminal.run(*DECLARE, crash=where)
    assert killed.returncode == -signal.SIGKILL
    if where == "store.before_commit":  # the very first write: nothing was kept, nothing is half there
        assert terminal.tells("incident", "list") == []
        return
    after = terminal.tells("run", "advance", "RUN-0001")
    states = {step["step"]: step["state"] for step in after["steps"]}
    assert (states["pause-backups"], states["hold-snapshots"], states["isolate"]) == ("done", "done", "waiting")
    assert terminal.tells("journal", "verify")["ok"] is True


def test_an_answer_survives_a_kill_right_after_it(terminal: Terminal) -> None:
    terminal.run(*DECLARE)
    killed = terminal.run("run", "answer", "RUN-0001", "ask-exfiltration", "confirmed", crash="store.after_commit")
    assert killed.returncode == -signal.SIGKILL
    assert terminal.steps()["ask-exfiltration"] == "done"
    incident = terminal.tells("incident", "list")[0]["incident"]
    assert terminal.tells("incident", "show", incident)["facts"]["exfiltration"] == "confirmed"


@pytest.mark.parametrize("where", ["notice:trying", "notice:after-smtp"])
def test_a_notice_whose_sending_was_killed_is_unknown_and_never_sent_again_by_itself(
    terminal: Terminal, mail: MailServer, where: str
) -> None:
    terminal.run(*DECLARE)
    for step, answer in {
        "ask-kinds": "availability",
        "ask-exfiltration": "possible",
        "ask-backup": "intact",
    }.items():
        terminal.tells("run", "answer", "RUN-0001", step, answer)
    notice = next(each for each in terminal.tells("notice", "list") if each["addressee"] == "harbour-dental")
    shown = terminal.tells("notice", "show", notice["id"])
    terminal.tells("notice", "approve", notice["id"], "--hash", shown["sha256"], "--yes", "--reason", "Read")

    assert terminal.run("run", "advance", "RUN-0001", crash=where).returncode == -signal.SIGKILL
    taken = len(mail.received)
    assert taken == (1 if where == "notice:after-smtp" else 0)

    for _ in range(2):
        after = terminal.tells("run", "advance", "RUN-0001")
    waiting = next(step for step in after["steps"] if step["step"] == "send-clients[harbour-dental]")
    assert (waiting["state"], waiting["asked"]["state"]) == ("waiting", "unknown")
    assert len(mail.received) == taken

    delivery = next(
        each for each in terminal.tells("notice", "show", notice["id"])["deliveries"] if each["state"] == "unknown"
    )
    terminal.tells("notice", "resolve", delivery["id"], "--happened" if taken else "--did-not-happen")
    terminal.tells("run", "advance", "RUN-0001")
    assert terminal.steps()["send-clients[harbour-dental]"] == "done"
    assert len(mail.received) == 1
    assert terminal.tells("journal", "verify")["ok"] is True
