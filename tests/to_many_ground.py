"""A letter to many, sent through kills of our process and of the mail server; for the suite and the benchmark."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulators.chance import CrashAt
from simulators.smtp import closed_port
from simulators.smtp_process import a_mail_server
from tocsin.adapters.mail import SmtpMailer
from tocsin.adapters.system import SystemClock, SystemRandomness
from tocsin.context import Context
from tocsin.errors import OutcomeUnknown, TocsinError
from tocsin.notices import approve_notice, draft_notice, send_notice, shown
from tocsin.notices.listed import read_file
from tocsin.notices.recipient_rows import readers_in
from tocsin.notices.recipients import load_recipients, plan_recipients
from tocsin.ports import Actor
from unit.notices.agency import NoSecrets, at_work, case, declare, make_workspace

NAMES = ("Ann Barker", "Bola Adeyemi", "Ciarán Ó Néill", "Dev Patel", "Eira Pugh", "Fay Wong", "Gus Møller")
FAST = "  bulk: {per_minute: 100000}\n"

SENDING = """
import sys
from pathlib import Path
from tocsin.adapters.mail import SmtpMailer
from tocsin.adapters.system import EnvironmentCrashPoints, SystemClock, SystemRandomness
from tocsin.notices import send_notice
from tocsin.workspace import load
from unit.notices.agency import NoSecrets, at_work

workspace = load(Path(sys.argv[1]))
mailer = SmtpMailer(workspace.channels.mail, NoSecrets(), timeout_seconds=20)
with at_work(
    workspace, mailer, EnvironmentCrashPoints(), clock=SystemClock(), randomness=SystemRandomness()
) as ctx:
    send_notice(ctx, sys.argv[2])
"""


def a_list(folder: Path, readers: int) -> Path:
    file = folder / "people.csv"
    rows = (
        f"{NAMES[at % len(NAMES)]} {'abcdefghij'[at % 10].upper()}ex,reader{at}@home.example"
        for at in range(readers)
    )
    file.write_text("name,email\n" + "\n".join(rows) + "\n")
    return file


def an_approved_letter(ctx: Context, file: Path, *, template: str = "people/letter") -> str:
    drafted = draft_notice(ctx, case(), template=template, addressee="people", made_by="step:people")
    load_recipients(ctx, plan_recipients(ctx, drafted.id, read_file(file, {})))
    approve_notice(ctx.acting_as(Actor("dilys", "cli")), drafted.id, shown(ctx, drafted.id).sha256)
    return drafted.id


def sending(folder: Path, identity: str, *, crash_at: str = "") -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "TOCSIN_CRASH_AT": crash_at}
    return subprocess.Popen(
        [sys.executable, "-c", SENDING, str(folder), identity], env=environment, stderr=subprocess.DEVNULL
    )


@dataclass(frozen=True)
class Ended:
    """How often each reader's mail was taken by the server, who is of unknown outcome, and what was recorded."""

    taken: Counter[str]
    unknown: set[str]
    states: Counter[str]
    same_bytes: bool
    journal_entries: int
    seconds: float


def sent_through_kills(folder: Path, readers: int) -> Ended:
    """Send to so many; kill us a third of the way, the mail server at two thirds, and go on each time."""
    port, log = closed_port(), folder / "taken.log"
    log.touch()
    workspace = make_workspace(folder, mail_port=port, more=FAST)
    mailer = SmtpMailer(workspace.channels.mail, NoSecrets(), timeout_seconds=20)
    with at_work(workspace, mailer, CrashAt(), clock=SystemClock(), randomness=SystemRandomness()) as ctx:
        declare(ctx)
        identity = an_approved_letter(ctx, a_list(folder, readers))
        before = _entries(ctx)
        began = time.monotonic()
        with a_mail_server(port, log) as server:
            ours = sending(folder, identity)
            _when(lambda: _lines(log) >= readers // 3, ours)
            ours.send_signal(signal.SIGKILL)
            ours.wait()
            ours = sending(folder, identity)
            _when(lambda: _lines(log) >= 2 * readers // 3, ours)
            server.kill()
            server.wait()
            assert ours.wait(60) != 0, "it must not say that all went well"
        with a_mail_server(port, log):
            try:
                send_notice(ctx, identity)
            except OutcomeUnknown:
                pass
            except TocsinError as error:  # pragma: no cover - the test that asked shows it
                raise AssertionError(str(error)) from error
        seconds = time.monotonic() - began
        return _ended(ctx, identity, log, _entries(ctx) - before, seconds)


def _ended(ctx: Context, identity: str, log: Path, entries: int, seconds: float) -> Ended:
    with ctx.store.read() as connection:
        rows = readers_in(connection, identity)
    lines = [line.split(" ") for line in log.read_text().splitlines()]
    digests = {row.email: row.sha256 for row in rows}
    return Ended(
        taken=Counter(reader for reader, _, _ in lines),
        unknown={row.email for row in rows if row.state == "unknown"},
        states=Counter(row.state for row in rows),
        same_bytes=all(digests[reader] == digest for reader, _, digest in lines),
        journal_entries=entries,
        seconds=seconds,
    )


def _entries(ctx: Context) -> int:
    with ctx.store.read() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM journal").scalar_one()


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n")


def _when(ready: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 240
    while not ready():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.01)
