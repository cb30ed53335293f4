"""`tocsin action`: prevention actions, each with an owner, a day, and the check that must pass to close it."""

from datetime import date
from pathlib import Path

import click

from tocsin.cli.output import common_options, emit, table
from tocsin.errors import UsageError

_action = click.argument("action_id", metavar="ACTION")


@click.group()
def command() -> None:
    """Prevention actions: who fixes what by when, and the check that must pass to close it.

    \b
    Example:
      tocsin action list
      tocsin action close ACT-2026-001
    """


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Closed and dropped ones too.")
@click.option("--owner", metavar="PERSON", help="Only what this person answers for.")
@click.option("--overdue", "late_only", is_flag=True, help="Only what is overdue.")
@common_options
def list_actions(
    everything: bool, owner: str | None, late_only: bool, workspace_folder: Path | None, as_json: bool
) -> None:
    """List the actions, the one due first first.

    \b
    Example:
      tocsin action list --overdue
    """
    from tocsin.actions import actions, today
    from tocsin.cli.action_words import data_of, row_of
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        with ctx.store.read() as connection:
            found = actions(connection, open_only=not everything)
        day = today(ctx.workspace, ctx.clock.now())
    found = tuple(
        each for each in found if owner in (None, each.owner) and (not late_only or each.is_overdue(day))
    )
    head = ("action", "due", "state", "owner", "from", "title")
    nothing = "Nothing is overdue." if late_only else "There is no action. One is opened by: tocsin action add"
    text = table(head, [row_of(each, day) for each in found]) if found else nothing
    emit([data_of(each, day) for each in found], text, as_json=as_json)


@command.command()
@_action
@common_options
def show(action_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Show one action: where it came from, what proves it, every check so far.

    \b
    Example:
      tocsin action show ACT-2026-001
    """
    from tocsin.actions import action_named, checks_of, documents_of, today
    from tocsin.cli.action_words import data_of, document_data, told
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        with ctx.store.read() as connection:
            one = action_named(connection, action_id)
            checks, papers = checks_of(connection, one.id), documents_of(connection, one.id)
        day = today(ctx.workspace, ctx.clock.now())
    checked = [{"at": each.at.isoformat(), "verdict": each.verdict, "seen": each.seen} for each in checks]
    data = {**data_of(one, day), "checks": checked, "documents": [document_data(each) for each in papers]}
    emit(data, told(one, checks, papers, day), as_json=as_json)


@command.command()
@click.option("--title", required=True, metavar="TEXT", help="What is to be done.")
@click.option("--risk", required=True, metavar="TEXT", help="The risk it lowers.")
@click.option("--owner", required=True, metavar="PERSON", help="Who answers for it.")
@click.option("--deputy", metavar="PERSON", help="Who hears of it when it is overdue; else the owner's deputy.")
@click.option("--due", required=True, metavar="DAY", help="By when: 2027-01-31.")
@click.option("--practice", metavar="NAME", help="Proof: this practice is completed.")
@click.option("--drill", metavar="NAME", help="Proof: this drill passes.")
@click.option("--command", "argv", metavar="ARGV", help="Proof: this program ends with code 0.")
@click.option("--http", "url", metavar="URL", help="Proof: this page answers.")
@click.option("--status", type=int, default=200, show_default=True, help="With --http: the answer that is right.")
@click.option("--document", metavar="TEXT", help="Proof: a document that shows this, approved by another person.")
@click.option("--after", metavar="DAY", help="With --practice or --drill: count from this day; else from now.")
@click.option("--incident", metavar="INCIDENT", help="The incident it came from; its cause is kept with it.")
@click.option("--cause", "causes", multiple=True, metavar="CAUSE", help="A cause it is to prevent; repeatable.")
@click.option("--finding", metavar="ID", help="The finding it puts right; it is settled when the action closes.")
@common_options
def add(
    title: str,
    risk: str,
    owner: str,
    deputy: str | None,
    due: str,
    practice: str | None,
    drill: str | None,
    argv: str | None,
    url: str | None,
    status: int,
    document: str | None,
    after: str | None,
    incident: str | None,
    causes: tuple[str, ...],
    finding: str | None,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Open an action. It names the one check that must pass before anybody can close it.

    \b
    Example:
      tocsin action add --title "Second factor for every mailbox" --risk "A stolen password opens a mailbox" \\
        --owner maya --due 2027-01-31 --command "/usr/local/bin/mfa-report --all" --cause phishing
    """
    from tocsin.actions import Proof, Wanted, action_named, open_action, today
    from tocsin.cli.action_words import data_of
    from tocsin.wiring import open_context

    since = day_named(after) if after else None
    given: list[Proof] = []
    if practice:
        given.append(Proof("practice", name=practice, after=since))
    if drill:
        given.append(Proof("drill", name=drill, after=since))
    if argv is not None:
        given.append(Proof("command", argv=_split(argv)))
    if url:
        given.append(Proof("http", url=url, status=status))
    if document:
        given.append(Proof("document", shows=document))
    if len(given) != 1:
        raise UsageError(
            "Name the one check that proves it: --practice, --drill, --command, --http or --document. "
            "Nothing was changed."
        )
    source, source_id = ("finding", finding) if finding else ("incident", incident) if incident else ("person", "")
    wanted = Wanted(
        title, risk, owner, day_named(due), given[0], deputy, source, source_id or "", incident, tuple(causes)
    )
    with open_context(workspace_folder) as ctx:
        identity = open_action(ctx, wanted)
        with ctx.store.read() as connection:
            one = action_named(connection, identity)
        day = today(ctx.workspace, ctx.clock.now())
    text = f"{one.id}: {one.title}. Owner {one.owner}, due {one.due_on}. It closes once {one.proof.sentence}."
    emit(data_of(one, day), text, as_json=as_json)


@command.command()
@_action
@common_options
def check(action_id: str, workspace_folder: Path | None, as_json: bool) -> int:
    """Make an action's check now. A closed one whose check fails is open again.

    \b
    Example:
      tocsin action check ACT-2026-001
    Exit code: 0 passed, 1 failed, 4 nobody could look.
    """
    from tocsin.actions import check as check_action
    from tocsin.actions import today
    from tocsin.cli.action_words import data_of
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        done = check_action(ctx, action_id)
        day = today(ctx.workspace, ctx.clock.now())
    one, found = done.action, done.found
    again = f" It was closed and is OPEN AGAIN (from {one.came_from})." if done.reopened else ""
    ready = f" Close it: tocsin action close {one.id}" if found.verdict == "passed" and one.is_open else ""
    data = {**data_of(one, day), "verdict": found.verdict, "seen": found.seen, "reopened": done.reopened}
    emit(data, f"{one.id}: {found.verdict}. {found.seen}{again}{ready}", as_json=as_json)
    return {"passed": 0, "failed": 1}.get(found.verdict, 4)


@command.command()
@_action
@common_options
def close(action_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Close an action: its check is made there and then, and must pass.

    \b
    Example:
      tocsin action close ACT-2026-001
    """
    from tocsin.actions import close as close_action
    from tocsin.actions import today
    from tocsin.cli.action_words import data_of
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        one = close_action(ctx, action_id)
        day = today(ctx.workspace, ctx.clock.now())
    seen = one.last.seen if one.last else ""
    emit(data_of(one, day), f"{one.id} is closed. {seen}", as_json=as_json)


@command.command()
@_action
@click.option("--reason", metavar="TEXT", help="Why it is not to be done; the risk stays on record.")
@click.option("--second", is_flag=True, help="Agree, as the second person, with who asked for it.")
@common_options
def drop(action_id: str, reason: str | None, second: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Say that an action is not to be done; it takes a reason and a second person.

    \b
    Example:
      tocsin action drop ACT-2026-001 --reason "The old server is switched off; nothing is left to patch."
      tocsin action drop ACT-2026-001 --second
    """
    from tocsin.actions import agree_to_drop, today
    from tocsin.actions import drop as drop_action
    from tocsin.cli.action_words import data_of
    from tocsin.wiring import open_context

    if bool(reason) == second:
        raise UsageError("Give --reason TEXT, or --second to agree with who asked. Nothing was changed.")
    with open_context(workspace_folder) as ctx:
        one = agree_to_drop(ctx, action_id) if second else drop_action(ctx, action_id, reason or "")
        day = today(ctx.workspace, ctx.clock.now())
    asked = f"{one.id} waits for a second person: tocsin action drop {one.id} --second. Until then it stays open."
    dropped = f"{one.id} is dropped, by {one.drop_by} and {one.drop_second}: {one.drop_reason}"
    emit(data_of(one, day), dropped if second else asked, as_json=as_json)


@command.command()
@_action
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common_options
def attach(action_id: str, file: Path, workspace_folder: Path | None, as_json: bool) -> None:
    """Attach the document that proves an action. A copy is kept; another person approves it.

    \b
    Example:
      tocsin action attach ACT-2026-001 shredding-contract.pdf
    """
    from tocsin.actions import attach as attach_document
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        sha256 = attach_document(ctx, action_id, file)
    how = f"Another person approves it: tocsin action approve {action_id} {sha256[:12]}"
    emit({"action": action_id, "sha256": sha256}, f"Attached, SHA-256 {sha256[:12]}. {how}", as_json=as_json)


@command.command()
@_action
@click.argument("sha256", metavar="SHA256")
@common_options
def approve(action_id: str, sha256: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Approve an attached document by the beginning of its hash; whoever attached it cannot.

    \b
    Example:
      tocsin action approve ACT-2026-001 3f9a2c11
    """
    from tocsin.actions import approve as approve_document
    from tocsin.actions import today
    from tocsin.cli.action_words import data_of
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        one = approve_document(ctx, action_id, sha256)
        day = today(ctx.workspace, ctx.clock.now())
    emit(data_of(one, day), f"Approved. Now: tocsin action close {one.id}", as_json=as_json)


@command.command()
@click.option("--cause", metavar="CAUSE", help="What prevents this cause, such as phishing.")
@common_options
def propose(cause: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Propose actions before anything happens: what drills found, practices overdue, and what prevents a cause.

    \b
    Example:
      tocsin action propose --cause ransomware
    """
    from tocsin.cli.action_words import proposal_data, proposal_lines
    from tocsin.reviews import propose as proposals_for
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = proposals_for(ctx, (cause,) if cause else ())
    text = "\n".join(line for each in found for line in proposal_lines(each))
    emit([proposal_data(each) for each in found], text or "There is nothing to propose.", as_json=as_json)


def day_named(text: str) -> date:
    """Return a day as it is typed. Raises UsageError for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day. Write it as 2027-01-31. Nothing was changed.") from None


def _split(text: str) -> tuple[str, ...]:
    import shlex

    try:
        return tuple(shlex.split(text))
    except ValueError as fault:
        raise UsageError(f"--command cannot be read: {fault}. Nothing was changed.") from None
