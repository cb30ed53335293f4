"""`tocsin practice worksheet`, `fill`, `complete`: from the questions to evidence that somebody signed."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.practices import Practice, Row, Sheet, Signed

_STOP, _LATER = "stop", "later"


@click.command("worksheet")
@click.argument("name")
@click.option("--csv", "file", metavar="FILE", type=click.Path(path_type=Path), help="Write it for a spreadsheet.")
@common_options
def worksheet(name: str, file: Path | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Make the worksheet of a practice from the inventory, or show the one being filled in.

    Fill it in the terminal ('fill'), or as CSV: write yes or no into the column `answer`.

    \b
    Example:
      tocsin practice worksheet access-review --csv access.csv
      tocsin practice complete access-review --sheet access.csv --by maya
    """
    from tocsin.durable import write_durably
    from tocsin.practices import opened, practice_named, written_csv
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        practice = practice_named(ctx.workspace, name)
        sheet = opened(ctx, practice)
    if file is not None:
        # Excel takes UTF-8 for another alphabet without the mark.
        write_durably(file, written_csv(sheet).encode("utf-8-sig"))
    rows = [(row.key, row.question, row.answer or "-", row.note) for row in sheet.rows]
    text = table(("KEY", "QUESTION", "ANSWER", "NOTE"), rows)
    text += f"\n\n{len(sheet.open_rows)} of {len(sheet.rows)} rows are open. Go on: tocsin practice fill {name}"
    if file is not None:
        text = f"{len(sheet.rows)} rows in {file}. Fill the column `answer`, then sign it:"
        text += f"\n  tocsin practice complete {name} --sheet {file} --by NAME"
    emit(_plain(sheet), text, as_json=as_json)


@click.command("fill")
@click.argument("name")
@common_options
def fill(name: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Fill in a worksheet, one question at a time; each answer is kept at once, so stop whenever you like.

    \b
    Example:  tocsin practice fill access-review
    """
    from tocsin.practices import answer, opened, practice_named
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        sheet = opened(ctx, practice_named(ctx.workspace, name))
        waiting = sheet.open_rows
        if waiting and not as_json:
            click.echo(f"{len(waiting)} questions. '{_LATER}' passes one over, '{_STOP}' ends for now.")
        for number, row in enumerate(() if as_json else waiting, 1):
            said = _asked(row, f"{number}/{len(waiting)}")
            if said == _STOP:
                break
            if said == _LATER:
                continue
            note = "" if said in row.good else click.prompt("   In a few words?", default="", show_default=False)
            sheet = answer(ctx, sheet, [(row.key, said, note)])
    left = len(sheet.open_rows)
    text = (
        f"{left} of {len(sheet.rows)} rows are still open; the rest is kept. Go on: tocsin practice fill {name}"
        if left
        else f"Every row is answered. Sign it: tocsin practice complete {name} --by NAME"
    )
    emit(_plain(sheet), text, as_json=as_json)


@click.command("complete")
@click.argument("name")
@click.option("--sheet", "sheet_file", metavar="FILE", type=click.Path(path_type=Path), help="A worksheet as CSV.")
@click.option("--file", "file", metavar="FILE", type=click.Path(path_type=Path), help="A file that proves it.")
@click.option("--by", metavar="NAME", help="Who signs it off; else you.")
@click.option("--with", "participants", metavar="NAME", multiple=True, help="Who took part; repeatable.")
@click.option("--person", "people", metavar="NAME", multiple=True, help="Who did it, where each person is asked.")
@click.option("--topic", "topics", metavar="TOPIC", multiple=True, help="On this topic alone; repeatable.")
@common_options
def complete(
    name: str,
    sheet_file: Path | None,
    file: Path | None,
    by: str | None,
    participants: tuple[str, ...],
    people: tuple[str, ...],
    topics: tuple[str, ...],
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Sign a practice off: by its filled worksheet (in the terminal, or --sheet CSV), or by a file that proves it.

    A drill that passed and a machine check that found everything up to date count by themselves.

    \b
    Example:
      tocsin practice complete access-review --by maya
      tocsin practice complete staff-training --person sam --topic phishing --file certificate.pdf --by priya
    """
    from tocsin.cli.practice_words import plain_recorded, shown_recorded, shown_signed
    from tocsin.practices import abouts_of, complete, kept_file, known_people, practice_named, signer
    from tocsin.wiring import open_context

    if sheet_file and file:
        raise UsageError("Give --sheet or --file, not both.")
    with open_context(workspace_folder) as ctx:
        practice = practice_named(ctx.workspace, name)
        who, took_part = signer(ctx, by), known_people(ctx, participants)
        if file is not None:
            abouts = abouts_of(practice, people, topics)
            evidence = kept_file(ctx, practice, file)
            done = complete(ctx, practice, abouts, evidence, by=who, participants=took_part)
            emit([plain_recorded(one) for one in done], shown_recorded(done, "Done"), as_json=as_json)
            return
        if people or topics:
            raise UsageError("--person and --topic go with --file; a worksheet names its people itself.")
        signed = _signed(ctx, practice, sheet_file, who, took_part)
    data = {
        **_plain(signed.sheet),
        "done": [plain_recorded(one) for one in signed.done],
        "findings": list(signed.findings),
        "changes": [{"key": one.key, "before": one.before, "now": one.now} for one in signed.changes],
    }
    emit(data, shown_signed(signed), as_json=as_json)


def _signed(
    ctx: "Context", practice: "Practice", file: Path | None, who: str, took_part: tuple[str, ...]
) -> "Signed":
    from tocsin.practices import answer, open_sheet, opened, read_csv, sign_off

    if file is None:
        with ctx.store.read() as connection:
            started = open_sheet(connection, practice.name)
        if started is None:
            raise UsageError(
                f"{practice.name} is done only with evidence. Fill its worksheet ('tocsin practice fill "
                f"{practice.name}'), or give --sheet CSV or --file FILE. Nothing was changed."
                if "sheet" in practice.proof
                else f"{practice.name} is proven by a {' or '.join(practice.proof)} alone. Nothing was changed."
            )
    sheet = opened(ctx, practice)
    if file is not None:
        sheet = answer(ctx, sheet, read_csv(_text(file), str(file), sheet))
    return sign_off(ctx, practice, sheet, by=who, participants=took_part)


def _text(file: Path) -> str:
    from tocsin.cli.practice_consent import text_of

    return text_of(file)


def _asked(row: "Row", where: str) -> str:
    """Put one question until it is answered with a word it knows."""
    from tocsin.errors import did_you_mean

    click.echo(f"\n{where}  {row.key}")
    for name, fact in row.facts:
        if fact:
            click.echo(f"   {name}: {fact}")
    words = [*row.answers, _LATER, _STOP]
    while True:
        said = str(click.prompt(f"   {row.question} ({'/'.join(words)})", prompt_suffix=" ")).strip().casefold()
        # `n` is no, also where `none` is a word: the shorter stands first.
        matching = [word for word in words if said and word.startswith(said)]
        if matching:
            return said if said in words else matching[0]
        click.echo(f"   {said!r} is no answer.{did_you_mean(said, words)}")


def _plain(sheet: "Sheet") -> dict[str, object]:
    return {
        "sheet": sheet.id,
        "practice": sheet.practice,
        "made_at": sheet.made_at.isoformat(),
        "signed_by": sheet.signed_by,
        "sha256": sheet.sha256,
        "rows": [row.kept() for row in sheet.rows],
        "open": len(sheet.open_rows),
    }
