"""`tocsin notice recipients | letters | bounces | forget-recipients`: one letter to thousands of people."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.notice_bulk_words import (
    came_back_text,
    number_of,
    plan_data,
    plan_text,
    posted_data,
    posted_text,
    reader_data,
    readers_text,
)
from tocsin.cli.notice_words import let_its_duty_follow
from tocsin.cli.output import common_options, emit
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.notices.bounces import Report
    from tocsin.notices.listed import ListedPeople
    from tocsin.notices.recipient_rows import Reader

STATES = ("intended", "trying", "sent", "failed", "unknown", "bounced", "held")


@click.command(epilog="Example: tocsin notice recipients 1a2b3c4d --from people.csv --load")
@click.argument("identity", metavar="ID")
@click.option(
    "--from", "file", type=click.Path(path_type=Path), help="A CSV file: name, email, address (or address_1, …)."
)
@click.option("--query", metavar="SQL", help="A SELECT with those columns, or @FILE that holds it.")
@click.option("--database", metavar="NAME", help="Where to ask: one of channels.bulk.databases.")
@click.option(
    "--column", "columns", multiple=True, metavar="OURS=THEIRS", help="Such as email='Work mail'. May be repeated."
)
@click.option("--load", is_flag=True, help="Keep the list; otherwise it is only looked through.")
@click.option("--show", "states", multiple=True, type=click.Choice(STATES), help="Name those in this state.")
@common_options
def recipients(
    identity: str,
    file: Path | None,
    query: str | None,
    database: str | None,
    columns: tuple[str, ...],
    load: bool,
    states: tuple[str, ...],
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Say whom a letter goes to, one by one; look before you load.

    Without --load nothing is changed: you see the counts, three letters as they would read, and who would be held
    back and why. With it the list is kept, and the letter waits for an approval of this text with this list.
    Without --from or --query it tells how far the letter has come.
    """
    from tocsin.notices.recipients import load_recipients, plan_recipients
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        listed = _listed(ctx, file, query, database, columns)
        if listed is None:
            _show(ctx, identity, states, as_json=as_json)
            return
        planned = plan_recipients(ctx, identity, listed)
        kept = load_recipients(ctx, planned) if load else None
        if kept is not None:
            let_its_duty_follow(ctx, planned.notice.incident)
    data = {**plan_data(planned), "loaded": kept is not None, "list_sha256": kept.sha256 if kept else None}
    emit(data, plan_text(planned, kept), as_json=as_json)


@click.command(epilog="Example: tocsin notice letters 1a2b3c4d --to letters --format pdf")
@click.argument("identity", metavar="ID")
@click.option("--to", "to", type=click.Path(path_type=Path), required=True, help="The folder to write into.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("html", "pdf")),
    default="html",
    show_default=True,
    help="PDF needs typst.",
)
@click.option("--large-print", is_flag=True, help="18 points, short lines.")
@common_options
def letters(
    identity: str, to: Path, form: str, large_print: bool, workspace_folder: Path | None, as_json: bool
) -> None:
    """Write the letters that go by post, one file each, with a run sheet. The letter has to be approved.

    Print and post them, tick them off, then: tocsin notice record ID --proof FILE.
    """
    from tocsin.notices.paper_post import write_letters
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        written = write_letters(ctx, identity, to, form, large_print=large_print)
    count = number_of(written.letters, "letter", "letters")
    lines = [f"{count} and run-sheet.csv lie in {to}. They hold names: keep the folder private."]
    lines += [f"HELD BACK number {number}: {why}" for number, why in written.held]
    lines.append(f"Posted? tocsin notice record {identity} --proof RECEIPT")
    held = [{"number": number, "why": why} for number, why in written.held]
    emit({"folder": str(to), "letters": written.letters, "held": held}, "\n".join(lines), as_json=as_json)


@click.command(epilog="Example: tocsin notice bounces 1a2b3c4d --from ~/Maildir/.bounces")
@click.argument("identity", metavar="ID")
@click.option(
    "--from",
    "source",
    required=True,
    metavar="PATH",
    help="A Maildir, mbox, folder of .eml or one mail; or imap.",
)
@common_options
def bounces(identity: str, source: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Read which letters came back, and say how many people were not reached.

    With `imap` the mailbox named under channels.bulk.mailbox is read over TLS; nothing in it is changed.
    """
    from tocsin.notices.unreached import read_bounces
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = read_bounces(ctx, identity, _reports(ctx, source))
        let_its_duty_follow(ctx, found.now.notice.incident)
    data = {
        **posted_data(found.now),
        "bounced": found.bounced,
        "known_before": found.known,
        "delayed": found.delayed,
        "of_other_mails": found.others,
        "not_understood": found.not_understood,
    }
    emit(data, came_back_text(found), as_json=as_json)


@click.command(name="forget-recipients", epilog="Example: tocsin notice forget-recipients 1a2b3c4d --yes")
@click.argument("identity", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
def forget_recipients(identity: str, yes: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Forget now whom a letter went to; counts and hashes stay. Otherwise it happens on schedule.

    The schedule is channels.bulk.keep_recipients after the last letter left: 90 days where nothing is said.
    """
    from tocsin.notices.forgetting import forget_recipients as forget
    from tocsin.wiring import open_context

    if not yes:
        if as_json:
            raise UsageError("With --json nobody can be asked: give --yes. Nothing was forgotten.")
        click.confirm("Names and addresses cannot be brought back. Forget them?", abort=True, err=True)
    with open_context(workspace_folder) as ctx:
        gone = forget(ctx, identity)
    people = number_of(gone.readers, "person", "people")
    text = f"The names and addresses of {people} are forgotten. The root over their letters stays: {gone.root}"
    emit({"notice": gone.notice, "readers": gone.readers, "root": gone.root}, text, as_json=as_json)


def _listed(
    ctx: "Context", file: Path | None, query: str | None, database: str | None, columns: tuple[str, ...]
) -> "ListedPeople | None":
    from tocsin.notices.asked import read_query
    from tocsin.notices.listed import read_file

    if file is not None and query is not None:
        raise UsageError("A list comes --from a file or by --query, not both. Nothing was loaded.")
    if file is not None:
        return read_file(file, _chosen(columns))
    if query is None:
        return None
    if columns:
        raise UsageError("In a query say it in SQL: SELECT mail AS email. --column is for files.")
    if query.startswith("@"):
        try:
            query = Path(query[1:]).expanduser().read_text("utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            reason = getattr(fault, "strerror", None) or "it is not UTF-8 text"
            raise UsageError(f"{query[1:]} cannot be read: {reason}. Nothing was loaded.") from fault
    return read_query(ctx, database, query)


def _chosen(columns: tuple[str, ...]) -> dict[str, str]:
    from tocsin.errors import did_you_mean

    chosen = {}
    for each in columns:
        ours, equals, theirs = each.partition("=")
        if not equals or ours not in {"name", "email", "address"}:
            hint = did_you_mean(ours, ("name", "email", "address"))
            raise UsageError(f"--column wants OURS=THEIRS, such as email='Work mail', not {each!r}.{hint}")
        chosen[ours] = theirs
    return chosen


def _show(ctx: "Context", identity: str, states: tuple[str, ...], *, as_json: bool) -> None:
    from tocsin.notices import notice_of
    from tocsin.notices.posting import posted
    from tocsin.notices.recipient_rows import readers_in

    current = notice_of(ctx, identity)
    found = posted(ctx, current)
    if found is None:
        raise UsageError(
            f"Notice {current.id[:8]} has no list of readers. Load one: tocsin notice recipients {current.id[:8]} "
            "--from FILE"
        )
    readers: tuple[Reader, ...] = ()
    if states:
        with ctx.store.read() as connection:
            readers = readers_in(connection, current.id, states=states)
    data = {**posted_data(found), **({"readers": [reader_data(each) for each in readers]} if states else {})}
    shown = posted_text(found)
    emit(data, f"{shown}\n\n{readers_text(readers)}" if states else shown, as_json=as_json)


def _reports(ctx: "Context", source: str) -> "tuple[Report, ...]":
    from tocsin.notices.bounces import reports_in, reports_of

    if source != "imap":
        return tuple(reports_in(Path(source).expanduser()))
    from tocsin.wiring import mailbox_of

    return tuple(report for content in mailbox_of(ctx).mails() for report in reports_of(content))
