"""A notice's whole life on a real PostgreSQL: the same words, the same refusals."""

from pathlib import Path

import pytest

from simulators.chance import CrashAt
from simulators.postgres import postgres, postgres_url
from to_many_ground import FAST, a_list, an_approved_letter
from tocsin.errors import OutcomeUnknown, Refused
from tocsin.notices import (
    approve_notice,
    draft_notice,
    edit_notice,
    notice_for,
    notices,
    resolve_delivery,
    send_notice,
    shown,
    unknown_deliveries,
)
from tocsin.notices.forgetting import forget_recipients
from tocsin.notices.recipient_rows import readers_in
from tocsin.ports import Actor, HandedOver
from unit.notices.agency import Letterbox, at_work, case, declare, make_workspace

__all__ = ["postgres", "postgres_url"]


@pytest.mark.postgres
def test_a_notice_lives_on_postgresql_as_it_does_on_sqlite(tmp_path: Path, postgres_url: str) -> None:
    letterbox = Letterbox()
    workspace = make_workspace(tmp_path, mail_port=25, more=f"store: {postgres_url}\n")
    with at_work(workspace, letterbox, CrashAt()) as ctx:
        dilys = ctx.acting_as(Actor("dilys", "cli"))
        declare(ctx)
        first = draft_notice(ctx, case(), template="client/initial", addressee="harbour", made_by="step:1")
        assert draft_notice(ctx, case(), template="client/initial", addressee="harbour", made_by="step:1") == first
        edited = edit_notice(ctx, first.id[:8], first.body.replace("careful", "wary"))
        assert notices(ctx) == (edited,)
        assert notice_for(ctx, incident=edited.incident, template="client/initial", addressee="harbour") == edited
        with pytest.raises(Refused):
            approve_notice(ctx, edited.id, shown(ctx, edited.id).sha256)
        approve_notice(dilys, edited.id, shown(ctx, edited.id).sha256)
        letterbox.faults = [OutcomeUnknown("broke off")]
        with pytest.raises(OutcomeUnknown):
            send_notice(ctx, edited.id)
        (unknown,) = unknown_deliveries(ctx)
        resolve_delivery(ctx, unknown.id, happened=False)
        assert send_notice(ctx, edited.id).notice.state == "sent"
        assert len(letterbox.taken) == 1


@pytest.mark.postgres
def test_a_letter_to_many_lives_on_postgresql_as_it_does_on_sqlite(tmp_path: Path, postgres_url: str) -> None:
    letterbox = Letterbox()
    workspace = make_workspace(tmp_path, mail_port=25, more=f"{FAST}store: {postgres_url}\n")
    with at_work(workspace, letterbox, CrashAt()) as ctx:
        declare(ctx)
        identity = an_approved_letter(ctx, a_list(tmp_path, 3))
        letterbox.answers["reader1@home.example"] = HandedOver("unknown", "", "connection lost", "text")
        with pytest.raises(OutcomeUnknown, match="number 2 of the list"):
            send_notice(ctx, identity)
        with ctx.store.read() as connection:
            (unknown,) = readers_in(connection, identity, states=("unknown",))
        resolve_delivery(ctx, unknown.key or "", happened=True)
        assert send_notice(ctx, identity).notice.state == "sent"
        assert forget_recipients(ctx, identity).readers == 3
