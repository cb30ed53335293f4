"""One letter to many over a real SMTP server, with kills in the middle: everybody has it once, or is asked about."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.chance import CrashAt
from simulators.smtp import MailServer, running
from to_many_ground import FAST, a_list, an_approved_letter, sending, sent_through_kills
from tocsin.adapters.mail import SmtpMailer
from tocsin.adapters.system import SystemClock, SystemRandomness
from tocsin.context import Context
from tocsin.errors import OutcomeUnknown, Temporary
from tocsin.notices import notice_of, resolve_delivery, send_notice
from tocsin.notices.pace import Followed
from tocsin.notices.posting import posted
from tocsin.notices.recipient_rows import readers_in
from unit.notices.agency import NoSecrets, at_work, declare, make_workspace

READERS = 600


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running() as server:
        yield server


@pytest.fixture
def ctx(tmp_path: Path, server: MailServer) -> Iterator[Context]:
    workspace = make_workspace(tmp_path, mail_port=server.port, more=FAST)
    mailer = SmtpMailer(workspace.channels.mail, NoSecrets(), timeout_seconds=5)
    with at_work(workspace, mailer, CrashAt(), clock=SystemClock(), randomness=SystemRandomness()) as ctx:
        declare(ctx)
        yield ctx


def states(ctx: Context, identity: str) -> dict[str, int]:
    found = posted(ctx, notice_of(ctx, identity))
    assert found is not None
    return dict(found.counts)


def test_through_kills_of_us_and_of_the_server_everybody_has_it_once_or_is_named(tmp_path: Path) -> None:
    ended = sent_through_kills(tmp_path, READERS)
    assert set(ended.taken.values()) == {1}
    assert len(ended.unknown) <= 2
    assert len(set(ended.taken) | ended.unknown) == READERS
    assert ended.states == {
        "sent": READERS - len(ended.unknown),
        **({"unknown": len(ended.unknown)} if ended.unknown else {}),
    }
    assert ended.same_bytes
    assert ended.journal_entries < 40


@pytest.mark.parametrize(("crash_at", "taken"), [("notice:reader-trying", 0), ("notice:reader-answered", 1)])
def test_a_kill_leaves_the_one_mail_in_hand_unknown(
    ctx: Context, server: MailServer, crash_at: str, taken: int
) -> None:
    identity = an_approved_letter(ctx, a_list(ctx.workspace.root, 5))
    assert sending(ctx.workspace.root, identity, crash_at=crash_at).wait(60) < 0
    assert len(server.received) == taken
    with pytest.raises(OutcomeUnknown, match="number 1 of the list"):
        send_notice(ctx, identity)
    assert states(ctx, identity) == {"sent": 4, "unknown": 1}
    assert len(server.received) == 4 + taken
    with ctx.store.read() as connection:
        (unknown,) = readers_in(connection, identity, states=("unknown",))
    resolve_delivery(ctx, (unknown.key or "")[:8], happened=taken == 1)
    assert send_notice(ctx, identity).notice.state == "sent"
    assert sorted(mail.recipients[0] for mail in server.received) == [
        f"reader{at}@home.example" for at in range(5)
    ]


def test_a_reader_the_server_puts_off_or_refuses_holds_up_nobody_else(ctx: Context, server: MailServer) -> None:
    identity = an_approved_letter(ctx, a_list(ctx.workspace.root, 4))
    server.readers = {
        "reader1@home.example": "451 4.7.1 greylisted",
        "reader2@home.example": "550 5.1.1 no such user",
    }
    sent = send_notice(ctx, identity).to_many
    assert sent is not None
    assert dict(sent.counts) == {"sent": 2, "intended": 1, "failed": 1}
    assert sent.next_at is not None
    assert [mail.recipients[0] for mail in server.received] == ["reader0@home.example", "reader3@home.example"]
    assert server.connections == 1


def test_a_connection_lost_after_the_text_is_unknown_and_the_rest_goes_on(
    ctx: Context, server: MailServer
) -> None:
    identity = an_approved_letter(ctx, a_list(ctx.workspace.root, 3))
    server.fault = "drop-after-text"

    def mend(done: int, total: int, counts: object) -> None:
        server.fault = ""

    with pytest.raises(OutcomeUnknown, match="number 1 of the list"):
        send_notice(ctx, identity, Followed(on_progress=mend))
    assert states(ctx, identity)["unknown"] >= 1
    with pytest.raises(OutcomeUnknown):
        send_notice(ctx, identity)
    assert server.texts_seen == 3


def test_an_hour_without_a_mail_server_marks_nothing_and_loses_nothing(tmp_path: Path) -> None:
    with running() as first:
        port = first.port
    workspace = make_workspace(tmp_path, mail_port=port, more=FAST)
    mailer = SmtpMailer(workspace.channels.mail, NoSecrets(), timeout_seconds=5)
    with at_work(workspace, mailer, CrashAt(), clock=SystemClock(), randomness=SystemRandomness()) as ctx:
        declare(ctx)
        identity = an_approved_letter(ctx, a_list(tmp_path, 3))
        with pytest.raises(Temporary, match="connection refused"):
            send_notice(ctx, identity)
        assert states(ctx, identity) == {"intended": 3}
        with running(port=port) as server:
            assert send_notice(ctx, identity).notice.state == "sent"
            assert len(server.received) == 3


def test_one_connection_carries_so_many_and_then_a_new_one_is_opened(tmp_path: Path, server: MailServer) -> None:
    workspace = make_workspace(
        tmp_path, mail_port=server.port, more="  bulk: {per_minute: 100000, per_connection: 2}\n"
    )
    mailer = SmtpMailer(workspace.channels.mail, NoSecrets(), timeout_seconds=5)
    with at_work(workspace, mailer, CrashAt(), clock=SystemClock(), randomness=SystemRandomness()) as ctx:
        declare(ctx)
        send_notice(ctx, an_approved_letter(ctx, a_list(tmp_path, 5)))
    assert (len(server.received), server.connections) == (5, 3)
