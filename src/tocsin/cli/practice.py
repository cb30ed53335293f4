"""`tocsin practice`: recurring obligations of good practice, done only with evidence."""

from pathlib import Path

import click

from tocsin.cli.output import common_options, emit, table
from tocsin.cli.practice_consent import consent
from tocsin.cli.practice_findings import findings
from tocsin.cli.practice_sheet import complete, fill, worksheet


@click.group()
def command() -> None:
    """See which good practices are due, do them with evidence, and show what was done.

    \b
    What is due now:  tocsin practice due
    Do one:           tocsin practice fill access-review
                      tocsin practice complete access-review --by maya
    """


command.add_command(worksheet)
command.add_command(fill)
command.add_command(complete)
command.add_command(findings)
command.add_command(consent)


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Show also those of ours that are not switched on.")
@common_options
def list_practices(everything: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """List the practices with owner, rhythm, next day and how they stand.

    \b
    Example:  tocsin practice list --all
    """
    from tocsin.cli.practice_words import plain_standing, shown_standing
    from tocsin.practices import catalogue, standing
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        found = standing(connection, ctx.workspace, ctx.clock.now())
        off = [name for name in catalogue() if name not in ctx.workspace.practices] if everything else []
    rows = shown_standing(found)
    rows += [(name, "", "", str(catalogue()[name].every), "", "not switched on") for name in off]
    text = table(("PRACTICE", "OWNER", "DEPUTY", "EVERY", "NEXT DAY", "STATE"), rows) if rows else ""
    data = {"practices": [plain_standing(one) for one in found], "not_switched_on": off}
    nothing = (
        "No practice is switched on. Add `practices:` to tocsin.yaml; 'tocsin practice list --all' shows ours."
    )
    emit(data, text or nothing, as_json=as_json)


@command.command("due")
@click.option("--person", metavar="NAME", help="Only what this person has to do, or stands behind.")
@common_options
def due(person: str | None, workspace_folder: Path | None, as_json: bool) -> int:
    """Show what is due or overdue, and the command that does it.

    \b
    Example:  tocsin practice due --person maya
    Exit code: 1 when something is overdue.
    """
    from tocsin.cli.practice_words import plain_standing
    from tocsin.practices import State, known_people, line_of, standing, today_of
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        if person:
            known_people(ctx, [person])
        now = ctx.clock.now()
        found = [
            one
            for one in standing(connection, ctx.workspace, now)
            if one.state is not State.SETTLED
            and (not person or person in (one.practice.asked(one.about), one.practice.owner, one.practice.deputy))
        ]
        today = today_of(ctx.workspace, now)
    lines = [f"{line_of(one, today)}\n    {_how(one.practice.name, one.practice.proof)}" for one in found]
    emit([plain_standing(one) for one in found], "\n".join(lines) or "Nothing is due.", as_json=as_json)
    return 1 if any(one.state is State.OVERDUE for one in found) else 0


@command.command("show")
@click.argument("name")
@common_options
def show(name: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Say what a practice asks, what backs it, where custom and law differ, and how it stands.

    \b
    Example:  tocsin practice show software-updates
    """
    from tocsin.cli.practice_words import plain_check, plain_standing, shown_check, shown_practice
    from tocsin.practices import last_check, practice_named, standing_of
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        practice = practice_named(ctx.workspace, name)
        found = standing_of(connection, ctx.workspace, practice, ctx.clock.now())
        check = last_check(connection, name)
    text = shown_practice(ctx.workspace, practice, found)
    text += f"\n\n{shown_check(check)}" if check else ""
    entry = practice.entry
    data: dict[str, object] = {
        "practice": name,
        "title": practice.title,
        "asks": practice.asks,
        "wording": entry.wording if entry else "",
        "backed_by": list(entry.backed_by) if entry else [],
        "causes": [str(cause) for cause in practice.causes],
        "proof": list(practice.proof),
        "standing": [plain_standing(one) for one in found],
        "check": plain_check(check) if check else None,
    }
    emit(data, text, as_json=as_json)


@command.command("history")
@click.argument("name")
@common_options
def history(name: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Show each time a practice was done or skipped: by whom, by what it is proven, who took part.

    \b
    Example:  tocsin practice history restore-drill
    """
    from tocsin.cli.practice_words import plain_done
    from tocsin.practices import history_of, practice_named
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        practice_named(ctx.workspace, name)
        found = history_of(connection, name)
    rows = [
        (
            f"{one.done_at:%Y-%m-%d}",
            one.about,
            one.due_on.isoformat(),
            one.proof,
            one.signed_by,
            ", ".join(one.participants),
            one.reason or (one.sha256 or "")[:12],
        )
        for one in found
    ]
    head = ("DONE", "ABOUT", "FOR THE DAY", "PROOF", "SIGNED BY", "TOOK PART", "HASH OR REASON")
    emit([plain_done(one) for one in found], table(head, rows) if rows else "Never done.", as_json=as_json)


@command.command("skip")
@click.argument("name")
@click.option("--reason", required=True, help="Why it is passed over this time.")
@click.option("--by", metavar="NAME", help="Who decides it; else you.")
@click.option("--person", "people", metavar="NAME", multiple=True, help="Whom, where each person is asked.")
@common_options
def skip_one(
    name: str,
    reason: str,
    by: str | None,
    people: tuple[str, ...],
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Pass over a practice this time, with a reason and a name. It counts as not done, and comes again.

    \b
    Example:  tocsin practice skip contact-test --reason "The office moves this month" --by maya
    """
    from tocsin.cli.practice_words import plain_recorded, shown_recorded
    from tocsin.practices import abouts_of, practice_named, signer, skip
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        practice = practice_named(ctx.workspace, name)
        done = skip(ctx, practice, abouts_of(practice, people), by=signer(ctx, by), reason=reason)
    emit([plain_recorded(one) for one in done], shown_recorded(done, "Skipped"), as_json=as_json)


@command.command("check")
@common_options
def check_now(workspace_folder: Path | None, as_json: bool) -> int:
    """Look now which machines have software updates waiting; by itself that happens each night.

    One that is not reached is unknown, never "up to date".

    \b
    Example:  tocsin practice check
    Exit code: 0 every machine is up to date, 1 one is behind or unknown.
    """
    from tocsin.cli.practice_words import plain_check, shown_check
    from tocsin.model.practice import PracticeName
    from tocsin.practices import Update, check_updates, practice_named
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        check = check_updates(ctx, practice_named(ctx.workspace, PracticeName.SOFTWARE_UPDATES))
    emit(plain_check(check), shown_check(check), as_json=as_json)
    return 0 if check.verdict is Update.CURRENT else 1


def _how(name: str, proof: tuple[str, ...]) -> str:
    if "sheet" in proof:
        return f"tocsin practice fill {name}"
    if "drill" in proof:
        return "tocsin drill list"
    return f"tocsin practice complete {name} --file FILE"
