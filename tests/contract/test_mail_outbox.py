"""The outbox, killed between any two lines, against a real SMTP server: nothing is repeated, nothing is lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from simulators.chance import CrashAt
from simulators.smtp import MailServer, closed_port, running
from tocsin.adapters.mail import SmtpMailer
from tocsin.adapters.system import SystemClock, SystemRandomness
from tocsin.context import Context
from tocsin.errors import OutcomeUnknown, Temporary
from tocsin.model.workspace import Workspace
from tocsin.notices import (
    approve_notice,
    deliveries,
    draft_notice,
    notice_of,
    resolve_delivery,
    send_notice,
    shown,
    unknown_deliveries,
)
from tocsin.ports import Actor
from tocsin.store.tables import journal
from unit.notices.agency import NoSecrets, at_work, case, declare, make_workspace

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
    print(send_notice(ctx, sys.argv[2]).notice.state)
"""


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running() as server:
        yield server


@pytest.fixture
def workspace(tmp_path: Path, server: MailServer) -> Workspace:
    return make_workspace(tmp_path, mail_port=server.port)


@pytest.fixture
def ctx(workspace: Workspace) -> Iterator[Context]:
    mailer = SmtpMailer(workspace.channels.mail, NoSecrets(), timeout_seconds=5)
    with at_work(workspace, mailer, CrashAt(), clock=SystemClock(), randomness=SystemRandomness()) as ctx:
        declare(ctx)
        yield ctx


def an_approved(ctx: Context, addressee: str) -> str:
    drafted = draft_notice(
        ctx, case(), template="client/initial", addressee=addressee, made_by=f"step:{addressee}"
    )
    approve_notice(ctx.acting_as(Actor("dilys", "cli")), drafted.id, shown(ctx, drafted.id).sha256)
    return drafted.id


def send_in_a_process(workspace: Workspace, identity: str, *, crash_at: str = "") -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "TOCSIN_CRASH_AT": crash_at}
    return subprocess.Popen(
        [sys.executable, "-c", SENDING, str(workspace.root), identity],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed(workspace: Workspace, identity: str, crash_at: str) -> None:
    process = send_in_a_process(workspace, identity, crash_at=crash_at)
    said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, said


def test_an_approved_notice_reaches_a_real_server(ctx: Context, server: MailServer) -> None:
    identity = an_approved(ctx, "harbour")
    assert send_notice(ctx, identity).notice.state == "sent"
    (mail,) = server.received
    assert mail.recipients == ["rosa@harbourdental.example"]
    plain, html = mail.message.iter_parts()
    assert plain.get_content().splitlines() == notice_of(ctx, identity).body.splitlines()
    assert "<h2>What happened</h2>" in html.get_content()


@pytest.mark.parametrize(("crash_at", "taken"), [("notice:trying", 0), ("notice:after-smtp", 1)])
def test_a_send_killed_half_way_is_unknown_and_never_repeated(
    ctx: Context, workspace: Workspace, server: MailServer, crash_at: str, taken: int
) -> None:
    identity = an_approved(ctx, "harbour")
    killed(workspace, identity, crash_at)
    assert len(server.received) == taken
    assert [row.state for row in unknown_deliveries(ctx)] == ["trying"]
    for _ in range(2):
        with pytest.raises(OutcomeUnknown, match="may or may not have been delivered"):
            send_notice(ctx, identity)
    assert len(server.received) == taken
    (unknown,) = unknown_deliveries(ctx)
    with ctx.store.read() as connection:
        query = select(journal.c.kind).where(journal.c.subject == f"notice:{identity}")
        assert list(connection.execute(query).scalars()).count("notice.unknown") == 1
    resolve_delivery(ctx, unknown.id, happened=taken == 1)
    assert send_notice(ctx, identity).notice.state == "sent"
    assert [mail.message["Message-ID"] for mail in server.received] == [unknown.message_id]


@pytest.mark.parametrize("crash_at", ["notice:intended", "notice:files"])
def test_a_send_killed_before_it_tried_simply_goes_on(
    ctx: Context, workspace: Workspace, server: MailServer, crash_at: str
) -> None:
    identity = an_approved(ctx, "acme-health")
    killed(workspace, identity, crash_at)
    assert server.received == []
    assert send_notice(ctx, identity).notice.state == "sent"
    assert len(server.received) == 2


def test_a_killed_send_holds_up_only_the_address_it_was_at(
    ctx: Context, workspace: Workspace, server: MailServer
) -> None:
    identity = an_approved(ctx, "acme-health")
    killed(workspace, identity, "notice:after-smtp")
    with pytest.raises(OutcomeUnknown):
        send_notice(ctx, identity)
    assert [mail.recipients for mail in server.received] == [
        ["nell@acmehealth.example"],
        ["privacy@acmehealth.example"],
    ]


def test_a_delivery_cut_off_can_be_resolved_before_anything_is_sent_again(
    ctx: Context, workspace: Workspace, server: MailServer
) -> None:
    identity = an_approved(ctx, "harbour")
    killed(workspace, identity, "notice:trying")
    (trying,) = [row for row in deliveries(ctx, identity) if row.state == "trying"]
    assert resolve_delivery(ctx, trying.id, happened=False).state == "intended"
    assert send_notice(ctx, identity).notice.state == "sent"
    assert len(server.received) == 1


def test_two_doors_at_once_send_one_mail(ctx: Context, workspace: Workspace, server: MailServer) -> None:
    identity = an_approved(ctx, "harbour")
    doors = [send_in_a_process(workspace, identity) for _ in range(2)]
    for door in doors:
        door.communicate(timeout=60)
    assert len(server.received) == 1
    assert notice_of(ctx, identity).state == "sent"


def test_a_lost_connection_after_the_text_is_unknown_too(ctx: Context, server: MailServer) -> None:
    identity = an_approved(ctx, "harbour")
    server.fault = "drop-after-text"
    with pytest.raises(OutcomeUnknown, match="Message-ID"):
        send_notice(ctx, identity)
    server.fault = ""
    with pytest.raises(OutcomeUnknown):
        send_notice(ctx, identity)
    assert (server.texts_seen, server.received) == (1, [])


def test_a_mail_server_that_went_away_comes_back(tmp_path: Path) -> None:
    port = closed_port()
    workspace = make_workspace(tmp_path, mail_port=port)
    mailer = SmtpMailer(workspace.channels.mail, NoSecrets(), timeout_seconds=5)
    with at_work(workspace, mailer, CrashAt(), clock=SystemClock(), randomness=SystemRandomness()) as ctx:
        declare(ctx)
        identity = an_approved(ctx, "harbour")
        with pytest.raises(Temporary, match="connection refused"):
            send_notice(ctx, identity)
        with running(port=port) as server:
            assert send_notice(ctx, identity).notice.state == "sent"
            assert len(server.received) == 1
