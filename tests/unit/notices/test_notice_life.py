"""A notice from draft to proof: versions, approvals bound to the letter, the outbox."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from simulators.chance import CrashAt, PowerCut
from tocsin.context import Context
from tocsin.errors import (
    ConfigurationError,
    OperationFailed,
    OutcomeUnknown,
    Place,
    Problem,
    Refused,
    Temporary,
    UsageError,
)
from tocsin.model.workspace import Contact
from tocsin.notices import (
    Notice,
    approvals_of,
    approve_notice,
    approvers,
    deliveries,
    draft_notice,
    edit_notice,
    notice_of,
    notices,
    record_sent,
    reject_notice,
    resolve_delivery,
    send_notice,
    shown,
)
from tocsin.ports import Actor
from tocsin.situation import add_fact
from tocsin.store.tables import journal, operation
from unit.notices.agency import Letterbox, at_work, case, declare, make_workspace


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture
def ctx(tmp_path: Path, letterbox: Letterbox) -> Iterator[Context]:
    with at_work(make_workspace(tmp_path, mail_port=25), letterbox, CrashAt()) as ctx:
        declare(ctx)
        yield ctx


def acting(ctx: Context, person: str) -> Context:
    return ctx.acting_as(Actor(person, "cli"))


def a_draft(ctx: Context, addressee: str = "acme-health", made_by: str = "step:1:tell") -> Notice:
    template = "ico/initial" if addressee == "ico" else "client/initial"
    return draft_notice(ctx, case(), template=template, addressee=addressee, made_by=f"{made_by}[{addressee}]")


def an_approved(ctx: Context, addressee: str = "acme-health") -> Notice:
    drafted = a_draft(ctx, addressee)
    return approve_notice(acting(ctx, "dilys"), drafted.id, shown(ctx, drafted.id).sha256)


def kinds(ctx: Context) -> list[str]:
    with ctx.store.read() as connection:
        query = select(journal.c.kind).where(journal.c.kind.startswith("notice.")).order_by(journal.c.seq)
        return [kind for kind in connection.execute(query).scalars() if not kind.startswith("notice.send.")]


# --- drafts and versions ----------------------------------------------------------------------------------


def test_a_step_repeated_finds_its_draft(ctx: Context) -> None:
    first, again = a_draft(ctx), a_draft(ctx)
    assert first == again
    assert len(notices(ctx)) == 1
    assert kinds(ctx) == ["notice.drafted"]


def test_a_template_for_the_regulator_is_not_sent_to_a_client(ctx: Context) -> None:
    with pytest.raises(UsageError, match="is for regulator"):
        draft_notice(ctx, case(), template="ico/initial", addressee="acme", made_by="x")
    assert notices(ctx) == ()


@pytest.mark.parametrize(("template", "addressee"), [("client/initail", "acme"), ("client/initial", "amce")])
def test_a_misspelt_name_is_answered_with_the_nearest(ctx: Context, template: str, addressee: str) -> None:
    with pytest.raises(UsageError, match="Did you mean"):
        draft_notice(ctx, case(), template=template, addressee=addressee, made_by="x")


def test_what_is_shown_has_the_hash_that_anybody_can_compute(ctx: Context) -> None:
    seen = shown(ctx, a_draft(ctx).id)
    assert seen.sha256 == hashlib.sha256(seen.text.encode()).hexdigest()
    assert seen.text.startswith("To: Acme Health (nell@acmehealth.example, privacy@acmehealth.example)\nSubject: ")


def test_an_edit_is_a_new_version_by_a_person(ctx: Context) -> None:
    drafted = a_draft(ctx)
    edited = edit_notice(acting(ctx, "sam"), drafted.id, drafted.body + "\nOne more line.\n")
    assert (edited.version, edited.edited_by, edited.state) == (2, "sam", "draft")
    assert edit_notice(acting(ctx, "sam"), drafted.id, edited.body).version == 2
    with pytest.raises(Refused, match="Only a person of the workspace"):
        edit_notice(acting(ctx, "user:root"), drafted.id, "text")


def test_a_notice_is_found_by_the_beginning_of_its_id(ctx: Context) -> None:
    drafted = a_draft(ctx)
    assert notice_of(ctx, drafted.id[:8]) == drafted
    for nothing in ("", "abc", "%%%%", "zzzzzzzz"):
        with pytest.raises(UsageError, match="no notice"):
            notice_of(ctx, nothing)


# --- approval ---------------------------------------------------------------------------------------------


def test_leads_commanders_and_their_deputies_may_approve(ctx: Context) -> None:
    assert approvers(ctx.workspace) == ("dilys", "maya", "tom")


def test_an_approval_records_the_hash_the_person_and_the_door(ctx: Context) -> None:
    approved = an_approved(ctx)
    assert approved.state == "approved"
    (kept,) = approvals_of(ctx, approved.id)
    assert (kept.shown_sha256, kept.person, kept.door) == (shown(ctx, approved.id).sha256, "dilys", "cli")
    assert kinds(ctx) == ["notice.drafted", "notice.approved"]


def test_approving_twice_changes_nothing(ctx: Context) -> None:
    approved = an_approved(ctx)
    approve_notice(acting(ctx, "maya"), approved.id, shown(ctx, approved.id).sha256)
    assert len(approvals_of(ctx, approved.id)) == 1


@pytest.mark.parametrize(
    ("person", "why"), [("sam", "may not decide"), ("user:root", "Only a person"), ("ghost", "Only a person")]
)
def test_it_refuses_an_approval_by_the_wrong_person(ctx: Context, person: str, why: str) -> None:
    drafted = a_draft(ctx)
    with pytest.raises(Refused, match=why):
        approve_notice(acting(ctx, person), drafted.id, shown(ctx, drafted.id).sha256)
    assert notice_of(ctx, drafted.id).state == "draft"


def test_it_refuses_the_last_editor_and_takes_another(ctx: Context) -> None:
    drafted = a_draft(ctx)
    edit_notice(acting(ctx, "dilys"), drafted.id, drafted.body.replace("careful", "wary"))
    seen = shown(ctx, drafted.id).sha256
    with pytest.raises(Refused, match=r"dilys wrote the last version.*waits for maya or tom"):
        approve_notice(acting(ctx, "dilys"), drafted.id, seen)
    assert approve_notice(acting(ctx, "tom"), drafted.id, seen).state == "approved"


def test_it_refuses_a_hash_that_is_not_the_current_text(ctx: Context) -> None:
    drafted = a_draft(ctx)
    seen = shown(ctx, drafted.id).sha256
    edit_notice(acting(ctx, "sam"), drafted.id, drafted.body.replace("careful", "wary"))
    with pytest.raises(Refused, match="not the one you were shown"):
        approve_notice(acting(ctx, "dilys"), drafted.id, seen)


def test_an_edit_voids_the_approval(ctx: Context) -> None:
    approved = an_approved(ctx)
    edit_notice(acting(ctx, "sam"), approved.id, approved.body.replace("careful", "wary"))
    with pytest.raises(Refused, match="Nobody has approved"):
        send_notice(ctx, approved.id)


def test_the_old_wording_brought_back_still_needs_its_own_approval_state(ctx: Context) -> None:
    approved = an_approved(ctx)
    edit_notice(acting(ctx, "sam"), approved.id, approved.body.replace("careful", "wary"))
    edit_notice(acting(ctx, "sam"), approved.id, approved.body)
    assert notice_of(ctx, approved.id).state == "draft"
    with pytest.raises(Refused, match="Nobody has approved"):
        send_notice(ctx, approved.id)


def test_a_new_address_in_the_workspace_voids_the_approval(ctx: Context, letterbox: Letterbox) -> None:
    approved = an_approved(ctx)
    client = ctx.workspace.clients["acme-health"]
    more = client.model_copy(
        update={"contacts": (*client.contacts, Contact(name="New One", email="new@acmehealth.example"))}
    )
    moved = replace(ctx, workspace=replace(ctx.workspace, clients={**ctx.workspace.clients, "acme-health": more}))
    with pytest.raises(Refused, match="these addresses"):
        send_notice(moved, approved.id)
    assert letterbox.taken == []


def test_the_guard_stops_an_approval(ctx: Context) -> None:
    drafted = a_draft(ctx)
    edit_notice(acting(ctx, "sam"), drafted.id, drafted.body + "\nHarbour Dental was hit too.\n")
    with pytest.raises(Refused, match=r"name of another client \(harbour\)"):
        approve_notice(acting(ctx, "dilys"), drafted.id, shown(ctx, drafted.id).sha256)


def test_a_matter_of_judgement_needs_a_reason(ctx: Context) -> None:
    drafted = a_draft(ctx)
    edit_notice(acting(ctx, "sam"), drafted.id, drafted.body + "\nWrite to help@forensics.example as well.\n")
    seen = shown(ctx, drafted.id).sha256
    with pytest.raises(Refused, match="with a reason"):
        approve_notice(acting(ctx, "dilys"), drafted.id, seen)
    approve_notice(acting(ctx, "dilys"), drafted.id, seen, reason="The forensic firm's own address, agreed.")
    assert approvals_of(ctx, drafted.id)[0].reason == "The forensic firm's own address, agreed."


def test_a_rejected_text_must_be_edited_before_it_is_approved(ctx: Context) -> None:
    approved = an_approved(ctx)
    seen = shown(ctx, approved.id).sha256
    with pytest.raises(UsageError, match="needs a reason"):
        reject_notice(acting(ctx, "maya"), approved.id, seen, reason=" ")
    assert reject_notice(acting(ctx, "maya"), approved.id, seen, reason="The times are wrong").state == "draft"
    with pytest.raises(Refused, match=r"maya rejected exactly this text \(The times are wrong\)"):
        approve_notice(acting(ctx, "dilys"), approved.id, seen)
    with pytest.raises(Refused, match="Nobody has approved"):
        send_notice(ctx, approved.id)


def test_a_claim_of_absence_follows_the_facts_in_force(ctx: Context) -> None:
    drafted = a_draft(ctx)
    edit_notice(acting(ctx, "sam"), drafted.id, drafted.body + "\nNo personal data was taken.\n")

    def rules() -> set[str]:
        return {each.rule for each in shown(ctx, drafted.id).findings}

    def stated(path: str, value: str, controller: str = "") -> None:
        with ctx.store.write(ctx.actor) as tx:
            add_fact(tx, "INC-2026-001", path, value, controller=controller)

    assert rules() == {"claim"}
    stated("exfiltration", "ruled_out")
    assert rules() == {"claim"}
    stated("logs", "complete")
    assert rules() == set()
    stated("exfiltration", "possible", "acme")
    assert rules() == set()
    stated("exfiltration", "possible", "acme-health")
    assert rules() == {"claim"}


# --- sending ----------------------------------------------------------------------------------------------


def test_it_refuses_to_send_an_unapproved_draft(ctx: Context, letterbox: Letterbox) -> None:
    drafted = a_draft(ctx)
    with pytest.raises(Refused, match="Nothing was sent"):
        send_notice(ctx, drafted.id)
    assert letterbox.taken == []
    assert not ctx.workspace.outbox.exists()


def test_an_approved_notice_goes_to_every_contact_and_into_the_outbox(ctx: Context, letterbox: Letterbox) -> None:
    approved = an_approved(ctx)
    sent = send_notice(ctx, approved.id)
    assert (sent.notice.state, sent.by_hand) == ("sent", False)
    assert [mail["To"] for mail in letterbox.taken] == ["nell@acmehealth.example", "privacy@acmehealth.example"]
    assert len({mail["Message-ID"] for mail in letterbox.taken}) == 2
    plain = letterbox.taken[0].get_body(("plain",))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n") == approved.body
    text, mail = sorted((ctx.workspace.outbox / "INC-2026-001").iterdir(), reverse=True)
    assert text.read_text() == shown(ctx, approved.id).text
    assert mail.suffix == ".eml"
    assert kinds(ctx) == ["notice.drafted", "notice.approved", *["notice.sending", "notice.sent"] * 2]


def test_sending_again_sends_nothing(ctx: Context, letterbox: Letterbox) -> None:
    approved = an_approved(ctx)
    send_notice(ctx, approved.id)
    assert send_notice(ctx, approved.id).notice.state == "sent"
    assert len(letterbox.taken) == 2


def test_a_sent_notice_stays_as_it_is(ctx: Context) -> None:
    approved = an_approved(ctx)
    send_notice(ctx, approved.id)
    with pytest.raises(Refused, match="follow-up"):
        edit_notice(acting(ctx, "sam"), approved.id, "Something else.")
    with pytest.raises(Refused, match="follow-up"):
        reject_notice(acting(ctx, "maya"), approved.id, shown(ctx, approved.id).sha256, reason="late")


def test_a_server_that_is_busy_costs_a_retry_with_the_same_message_id(ctx: Context, letterbox: Letterbox) -> None:
    approved = an_approved(ctx)
    letterbox.faults = [Temporary("busy"), None]
    with pytest.raises(Temporary, match=r"not gone to everybody.*busy"):
        send_notice(ctx, approved.id)
    waiting = [row for row in deliveries(ctx, approved.id) if row.state == "intended"]
    assert [row.address for row in waiting] == ["nell@acmehealth.example"]
    assert send_notice(ctx, approved.id).notice.state == "sent"
    assert [mail["To"] for mail in letterbox.taken] == ["privacy@acmehealth.example", "nell@acmehealth.example"]
    assert letterbox.taken[1]["Message-ID"] == waiting[0].message_id


def test_an_edit_after_a_postponed_mail_never_lets_the_old_wording_out(ctx: Context, letterbox: Letterbox) -> None:
    approved = an_approved(ctx)
    letterbox.faults = [Temporary("busy"), Temporary("busy")]
    with pytest.raises(Temporary):
        send_notice(ctx, approved.id)
    edited = edit_notice(acting(ctx, "sam"), approved.id, approved.body.replace("careful", "wary"))
    approve_notice(acting(ctx, "dilys"), approved.id, shown(ctx, approved.id).sha256)
    send_notice(ctx, approved.id)
    assert len(letterbox.taken) == 2
    for mail in letterbox.taken:
        plain = mail.get_body(("plain",))
        assert plain is not None
        assert plain.get_content().replace("\r\n", "\n") == edited.body


def test_one_bad_address_among_good_ones_does_not_hold_the_notice_up(ctx: Context, letterbox: Letterbox) -> None:
    approved = an_approved(ctx)
    letterbox.faults = [OperationFailed("550 no such mailbox"), None]
    assert send_notice(ctx, approved.id).notice.state == "sent"
    assert [row.state for row in deliveries(ctx, approved.id)] == ["sent", "failed", "sent"]


def test_a_notice_that_reached_nobody_has_failed_and_may_be_sent_again(ctx: Context, letterbox: Letterbox) -> None:
    approved = an_approved(ctx, "harbour")
    letterbox.faults = [OperationFailed("550 no such mailbox")]
    with pytest.raises(OperationFailed, match=r"reached nobody.*550"):
        send_notice(ctx, approved.id)
    assert send_notice(ctx, approved.id).notice.state == "sent"


def test_a_wrong_channel_stops_at_once_and_loses_nothing(ctx: Context, letterbox: Letterbox) -> None:
    approved = an_approved(ctx)
    letterbox.faults = [ConfigurationError(Problem(Place("tocsin.yaml"), "the login was refused"))]
    with pytest.raises(ConfigurationError, match="login"):
        send_notice(ctx, approved.id)
    assert letterbox.taken == []
    assert send_notice(ctx, approved.id).notice.state == "sent"


def test_an_unknown_outcome_waits_for_a_person(ctx: Context, letterbox: Letterbox) -> None:
    approved = an_approved(ctx, "harbour")
    letterbox.faults = [OutcomeUnknown("broke off")]
    with pytest.raises(OutcomeUnknown, match="notice resolve"):
        send_notice(ctx, approved.id)
    with pytest.raises(OutcomeUnknown, match="was not sent again"):
        send_notice(ctx, approved.id)
    assert letterbox.taken == []
    (unknown,) = [row for row in deliveries(ctx, approved.id) if row.state == "unknown"]
    with pytest.raises(Refused, match="Only a person"):
        resolve_delivery(acting(ctx, "user:root"), unknown.id, happened=True)
    assert resolve_delivery(ctx, unknown.id[:8], happened=True).state == "sent"
    assert notice_of(ctx, approved.id).state == "sent"
    with pytest.raises(Refused, match="nothing to resolve"):
        resolve_delivery(ctx, unknown.id, happened=True)


def test_an_unknown_outcome_that_did_not_happen_is_sent_again(ctx: Context, letterbox: Letterbox) -> None:
    approved = an_approved(ctx, "harbour")
    letterbox.faults = [OutcomeUnknown("broke off")]
    with pytest.raises(OutcomeUnknown):
        send_notice(ctx, approved.id)
    (unknown,) = [row for row in deliveries(ctx, approved.id) if row.state == "unknown"]
    resolve_delivery(ctx, unknown.id, happened=False)
    assert send_notice(ctx, approved.id).notice.state == "sent"
    assert letterbox.taken[0]["Message-ID"] == unknown.message_id


def test_an_unknown_outcome_cannot_be_edited_away(ctx: Context, letterbox: Letterbox) -> None:
    approved = an_approved(ctx, "harbour")
    letterbox.faults = [OutcomeUnknown("broke off")]
    with pytest.raises(OutcomeUnknown):
        send_notice(ctx, approved.id)
    with pytest.raises(Refused, match="may have been"):
        edit_notice(acting(ctx, "sam"), approved.id, "Another text.")
    with pytest.raises(Refused, match="Resolve that first"):
        record_sent(ctx, approved.id, reference="by phone")


def test_files_written_again_after_a_power_cut_are_the_same_bytes(tmp_path: Path, letterbox: Letterbox) -> None:
    workspace = make_workspace(tmp_path, mail_port=25)
    with at_work(workspace, letterbox, CrashAt("notice:files")) as ctx:
        declare(ctx)
        approved = an_approved(ctx)
        with pytest.raises(PowerCut):
            send_notice(ctx, approved.id)
        before = {path.name: path.read_bytes() for path in (workspace.outbox / "INC-2026-001").iterdir()}
        assert letterbox.taken == []
        # In one process the operation would count as running: end it as the next process would.
        _forget_the_process(ctx)
        send_notice(ctx, approved.id)
        assert before == {path.name: path.read_bytes() for path in (workspace.outbox / "INC-2026-001").iterdir()}
        assert len(letterbox.taken) == 2


# --- by hand ----------------------------------------------------------------------------------------------


def test_the_ico_report_waits_to_be_sent_by_hand_and_is_recorded_with_proof(
    ctx: Context, letterbox: Letterbox, tmp_path: Path
) -> None:
    approved = an_approved(ctx, "ico")
    sent = send_notice(ctx, approved.id)
    assert (sent.by_hand, sent.notice.state, letterbox.taken) == (True, "approved", [])
    with pytest.raises(UsageError, match="--reference"):
        record_sent(ctx, approved.id)
    proof = tmp_path / "confirmation.PDF"
    proof.write_bytes(b"%PDF a copy of what was filed")
    assert record_sent(ctx, approved.id, reference="IC-123456", proof=proof).state == "recorded"
    kept = {path.suffix: path.read_bytes() for path in (ctx.workspace.outbox / "INC-2026-001").iterdir()}
    assert kept[".pdf"] == proof.read_bytes()
    assert {".md", ".html"} <= set(kept)
    assert kinds(ctx) == ["notice.drafted", "notice.approved", "notice.recorded"]


def test_without_a_mail_channel_a_client_notice_waits_to_be_sent_by_hand(
    tmp_path: Path, letterbox: Letterbox
) -> None:
    with at_work(make_workspace(tmp_path), letterbox, CrashAt()) as ctx:
        declare(ctx)
        approved = an_approved(ctx)
        assert send_notice(ctx, approved.id).by_hand
        assert record_sent(ctx, approved.id, reference="phoned Nell Ashby 18:20").state == "recorded"


def test_nothing_unapproved_is_recorded_as_sent(ctx: Context) -> None:
    drafted = a_draft(ctx, "ico")
    with pytest.raises(Refused, match="Nobody has approved"):
        record_sent(ctx, drafted.id, reference="IC-1")


def test_an_unreadable_proof_changes_nothing(ctx: Context, tmp_path: Path) -> None:
    approved = an_approved(ctx, "ico")
    for proof in (tmp_path / "missing.pdf", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            record_sent(ctx, approved.id, proof=proof)
    assert notice_of(ctx, approved.id).state == "approved"


def test_the_journal_holds_no_names_and_no_addresses(ctx: Context) -> None:
    approved = an_approved(ctx)
    send_notice(ctx, approved.id)
    with ctx.store.read() as connection:
        said = " ".join(connection.execute(select(journal.c.payload)).scalars())
        assert connection.execute(select(func.count()).select_from(journal)).scalar_one() > 5
    for word in ("Ashby", "acmehealth.example", "Acme Health"):
        assert word not in said


def _forget_the_process(ctx: Context) -> None:
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(update(operation).where(operation.c.state == "started").values(process="1:0"))
