"""`tocsin notice`: read, edit, approve and send notices, and say what became of them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.notice_bulk import bounces, forget_recipients, letters, recipients
from tocsin.cli.notice_bulk_words import waits_for
from tocsin.cli.notice_making import draft, statement
from tocsin.cli.notice_papers import diff, export, page
from tocsin.cli.notice_published import card, papers
from tocsin.cli.notice_sending import record, resolve, send
from tocsin.cli.notice_signing import approve_signed, to_sign
from tocsin.cli.notice_words import delivery_data, let_its_duty_follow, notice_data
from tocsin.cli.output import common_options, emit, table
from tocsin.errors import Refused, UsageError

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.notices import Approval, Delivery, Notice, Shown

SHORTEST_HASH = 8

hash_option = click.option("--hash", "prefix", metavar="PREFIX", help="The hash you were shown, or its beginning.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask; needs --hash.")


@click.group(epilog="Example: tocsin notice list")
def command() -> None:
    """Read, edit, approve and send notices.

    Nothing leaves the house unless a person with the role approved exactly the text that leaves.
    """


for _other in (
    *(draft, statement, card, papers, page, export, diff, send, resolve, record),
    *(recipients, letters, bounces, forget_recipients),
    *(to_sign, approve_signed),
):
    command.add_command(_other)


@command.command(name="list", epilog="Example: tocsin notice list --incident INC-2026-001")
@click.option("--incident", metavar="ID", help="Only this incident's.")
@common_options
def list_(incident: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """List notices and what each waits for."""
    from tocsin.notices import notices
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = notices(ctx, incident=incident)
        waits = [_waits_for(ctx, notice) for notice in found]
    rows = [
        [each.id[:8], each.incident, each.addressee, each.template, each.state, waiting]
        for each, waiting in zip(found, waits, strict=True)
    ]
    text = (
        table(["ID", "INCIDENT", "TO", "TEMPLATE", "STATE", "WAITS FOR"], rows)
        if rows
        else "There are no notices."
    )
    data = [{**notice_data(each), "waits_for": waiting} for each, waiting in zip(found, waits, strict=True)]
    emit(data, text, as_json=as_json)


@command.command(epilog="Example: tocsin notice show 1a2b3c4d")
@click.argument("identity", metavar="ID")
@click.option("--text", "only_text", is_flag=True, help="Only the exact text: its sha256sum is the hash.")
@common_options
def show(identity: str, only_text: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Show exactly what would be sent, its hash, what the guard says, and what was decided and delivered."""
    from tocsin.notices import approvals_of, deliveries, shown
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        seen = shown(ctx, identity)
        decided = approvals_of(ctx, seen.notice.id)
        gone = deliveries(ctx, seen.notice.id)
    exact = seen.text.removesuffix("\n")
    text = exact if only_text else "\n".join([exact, "", *_about(seen, decided, gone)])
    data = {
        **notice_data(seen.notice),
        "text": seen.text,
        "sha256": seen.sha256,
        "findings": [{"rule": each.rule, "blocking": each.blocking, "text": each.text} for each in seen.findings],
        "decisions": [
            {"person": each.person, "decision": each.decision, "sha256": each.shown_sha256, "door": each.door}
            for each in decided
        ],
        "deliveries": [delivery_data(each) for each in gone],
    }
    emit(data, text, as_json=as_json)


@command.command(epilog="Example: tocsin notice edit 1a2b3c4d --file better.md")
@click.argument("identity", metavar="ID")
@click.option(
    "--file", "file", type=click.Path(path_type=Path), help="The new body, in Markdown (else your editor opens)."
)
@click.option("--subject", metavar="TEXT", help="A new subject.")
@common_options
def edit(
    identity: str, file: Path | None, subject: str | None, workspace_folder: Path | None, as_json: bool
) -> None:
    """Write a new version of a notice. Any approval is void; somebody else has to approve it."""
    from tocsin.notices import edit_notice, notice_of
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        before = notice_of(ctx, identity)
        body = _new_body(before.body, file, keep=subject is not None)
        after = edit_notice(ctx, before.id, body, subject=subject)
        let_its_duty_follow(ctx, after.incident)
    same = after.version == before.version
    text = (
        f"Nothing was changed: notice {after.id[:8]} reads so already."
        if same
        else f"Notice {after.id[:8]} is now version {after.version}. Read it: tocsin notice show {after.id[:8]}"
    )
    emit(notice_data(after), text, as_json=as_json)


@command.command(epilog="Example: tocsin notice approve 1a2b3c4d --hash 9f86d081 --yes")
@click.argument("identity", metavar="ID")
@hash_option
@yes_option
@click.option("--reason", metavar="TEXT", help="Why, where the guard leaves something to your judgement.")
@common_options
def approve(
    identity: str, prefix: str | None, yes: bool, reason: str | None, workspace_folder: Path | None, as_json: bool
) -> None:
    """Approve exactly the text that is shown: data protection lead, commander or their deputy.

    Whoever wrote the last version cannot approve it.
    """
    from tocsin.notices import approve_notice, shown
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        seen = shown(ctx, identity)
        _confirm(seen, prefix, yes=yes, as_json=as_json, question="Approve exactly this text?")
        approved = approve_notice(ctx, seen.notice.id, seen.sha256, reason=reason)
        let_its_duty_follow(ctx, approved.incident)
        person = ctx.actor.person
        waits = "" if approved.state == "approved" else _waits_for(ctx, approved)
    text = (
        f"{person} has approved notice {approved.id[:8]}; it needs two people and waits for {waits}."
        if waits
        else f"Notice {approved.id[:8]} is approved by {person}. Send it: tocsin notice send {approved.id[:8]}"
    )
    emit({**notice_data(approved), "sha256": seen.sha256, "person": person}, text, as_json=as_json)


@command.command(epilog="Example: tocsin notice reject 1a2b3c4d --hash 9f86d081 --reason 'The times are wrong'")
@click.argument("identity", metavar="ID")
@hash_option
@click.option("--reason", required=True, metavar="TEXT", help="What has to change.")
@common_options
def reject(identity: str, prefix: str | None, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Reject exactly the text that is shown; it has to be edited before it can be approved."""
    from tocsin.notices import reject_notice, shown
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        seen = shown(ctx, identity)
        _check_hash(seen, prefix)
        rejected = reject_notice(ctx, seen.notice.id, seen.sha256, reason=reason)
        let_its_duty_follow(ctx, rejected.incident)
    text = f"Notice {rejected.id[:8]} is rejected. Edit it: tocsin notice edit {rejected.id[:8]}"
    emit(notice_data(rejected), text, as_json=as_json)


def _confirm(seen: "Shown", prefix: str | None, *, yes: bool, as_json: bool, question: str) -> None:
    _check_hash(seen, prefix)
    if yes:
        if prefix is None:
            raise UsageError("--yes needs --hash with the hash that you were shown. Nothing was decided.")
        return
    if as_json:
        raise UsageError("With --json nobody can be asked: give --hash and --yes. Nothing was decided.")
    click.echo("\n".join([seen.text, *_about(seen, (), ())]), err=True)
    click.confirm(question, abort=True, err=True)


def _check_hash(seen: "Shown", prefix: str | None) -> None:
    if prefix is None:
        return
    if len(prefix) < SHORTEST_HASH:
        raise UsageError(f"Give at least {SHORTEST_HASH} signs of the hash. Nothing was decided.")
    if not seen.sha256.startswith(prefix.lower()):
        raise Refused(
            f"The text of notice {seen.notice.id[:8]} is not the one you were shown ({prefix}…): its hash is now "
            f"{seen.sha256[:12]}…. Nothing was decided. Read it again: tocsin notice show {seen.notice.id[:8]}"
        )


def _new_body(before: str, file: Path | None, *, keep: bool) -> str:
    if file is not None:
        try:
            return file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            reason = getattr(fault, "strerror", None) or "it is not UTF-8 text"
            raise UsageError(f"{file} cannot be read: {reason}. Nothing was changed.") from fault
    if keep:
        return before
    written = click.edit(before, extension=".md")
    return before if written is None else written


def _waits_for(ctx: "Context", notice: "Notice") -> str:
    from tocsin.notices import deliveries, still_needed
    from tocsin.notices.posting import posted

    if notice.state == "draft":
        able = still_needed(ctx, notice)
        return f"approval by {' or '.join(able) or 'nobody: give a person the role dpo'}"
    if notice.state != "approved":
        return ""
    if (many := posted(ctx, notice)) is not None:
        return waits_for(many)
    states = {row.state for row in deliveries(ctx, notice.id)}
    if states & {"unknown", "trying"}:
        return "somebody to say whether it arrived"
    return "somebody to send it by hand and record it" if states == {"sent"} else "sending"


def _about(seen: "Shown", decided: "tuple[Approval, ...]", gone: "tuple[Delivery, ...]") -> list[str]:
    notice = seen.notice
    return [
        "-" * 72,
        *([f"How      {seen.addressee.how}"] if seen.addressee.how else []),
        f"Notice   {notice.id} version {notice.version}, {notice.state}, last edited by {notice.edited_by}",
        f"SHA-256  {seen.sha256}",
        *(f"{'STOPS' if each.blocking else 'JUDGE':<8} {each.text}" for each in seen.findings),
        *(
            f"{each.decision.capitalize()} by {each.person} ({each.door}), text {each.shown_sha256[:12]}…"
            + (f": {each.reason}" if each.reason else "")
            for each in decided
        ),
        *(f"Delivery {each.id[:8]} {each.channel} {each.address}: {each.state}" for each in gone),
    ]
