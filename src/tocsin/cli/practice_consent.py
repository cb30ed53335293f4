"""`tocsin practice consent`: records of consent, taken in, taken back, reviewed, given out."""

from pathlib import Path

import click

from tocsin.cli.output import common_options, emit, table
from tocsin.errors import UsageError

MOST_BYTES = 20_000_000


@click.group()
def consent() -> None:
    """Keep records of consent: who, when, how, what they were told, and withdrawals.

    \b
    Example:  tocsin practice consent import newsletter consents.csv
    """


@consent.command("import")
@click.argument("dataset")
@click.argument("file", type=click.Path(path_type=Path))
@common_options
def take_in(dataset: str, file: Path, workspace_folder: Path | None, as_json: bool) -> None:
    """Take a CSV with the columns who, purpose, given, how, told (version of the text) and perhaps withdrawn.

    \b
    Example:  tocsin practice consent import newsletter consents.csv
    """
    from tocsin.practices import import_consents
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        done = import_consents(ctx, dataset, text_of(file), str(file))
    data = {"new": done.new, "changed": done.changed, "withdrawn": done.withdrawn, "same": done.same}
    text = f"{done.new} new, {done.changed} changed, {done.withdrawn} withdrawn, {done.same} as they were."
    emit(data, text, as_json=as_json)


@consent.command("withdraw")
@click.argument("dataset")
@click.argument("who")
@common_options
def take_back(dataset: str, who: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Write down that WHO has taken their consent back; they leave every export from now on.

    \b
    Example:  tocsin practice consent withdraw newsletter ada@example.com
    """
    from tocsin.practices import withdraw
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        count = withdraw(ctx, dataset, who)
    emit({"withdrawn": count}, f"{count} withdrawn, and left out of every export from now on.", as_json=as_json)


@consent.command("export")
@click.argument("dataset")
@click.option("--purpose", required=True, help="What they consented to.")
@click.option("--csv", "file", metavar="FILE", required=True, type=click.Path(path_type=Path), help="Where to.")
@common_options
def give_out(dataset: str, purpose: str, file: Path, workspace_folder: Path | None, as_json: bool) -> None:
    """Write those who consented to PURPOSE and have not withdrawn.

    \b
    Example:  tocsin practice consent export newsletter --purpose news --csv to-write-to.csv
    """
    from tocsin.durable import write_durably
    from tocsin.practices import export_consents
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        text = export_consents(ctx, dataset, purpose)
    write_durably(file, text.encode("utf-8-sig"))
    count = text.count("\r\n") - 1
    emit({"file": str(file), "consents": count}, f"{count} in {file}; who withdrew is not.", as_json=as_json)


@consent.command("review")
@click.argument("dataset", required=False)
@click.option("--people", "file", metavar="FILE", type=click.Path(path_type=Path), help="One person on each line.")
@common_options
def review(dataset: str | None, file: Path | None, workspace_folder: Path | None, as_json: bool) -> int:
    """Count the consents of each dataset; with --people, list those who have no consent that holds.

    \b
    Example:  tocsin practice consent review newsletter --people mailing-list.txt
    Exit code: 1 when somebody has no record.
    """
    from tocsin.practices import counted_consents, without_record
    from tocsin.wiring import open_context

    if file is not None and dataset is None:
        raise UsageError("Name the dataset that the people of --people are in.")
    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        counts = counted_consents(connection)
        named = [one.strip() for one in text_of(file).splitlines()] if file else []
        missing = without_record(connection, dataset or "", tuple(one for one in named if one)) if file else ()
        based = [one.id for one in ctx.workspace.datasets.values() if one.lawful_basis == "consent"]
    wanted = [dataset] if dataset else list(dict.fromkeys([*based, *counts]))
    rows = [(name, *map(str, counts.get(name, (0, 0)))) for name in wanted]
    text = table(("DATASET", "CONSENTS", "WITHDRAWN"), rows) if rows else "No dataset rests on consent."
    if file:
        text += f"\n\n{len(missing)} without a record:" + "".join(f"\n  {who}" for who in missing)
    data = {
        "datasets": [{"dataset": name, "hold": int(held), "withdrawn": int(lost)} for name, held, lost in rows],
        "without_record": list(missing),
    }
    emit(data, text, as_json=as_json)
    return 1 if missing else 0


def text_of(file: Path) -> str:
    """Return a text file. Raises UsageError when it cannot be read, is huge, or is not UTF-8."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise UsageError(f"{file} is too large to be such a table. Nothing was changed.")
        return file.read_bytes().decode("utf-8")
    except OSError as fault:
        raise UsageError(f"{file} cannot be read: {fault.strerror}. Nothing was changed.") from fault
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text. Save it as 'CSV UTF-8'. Nothing was changed.") from None
