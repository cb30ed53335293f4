"""`tocsin journal`: show, verify, settle and export the journal."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.journal_words import entries_text, entry_json, verdict_json, verdict_text
from tocsin.cli.output import common_options, emit
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tocsin.store.chain import JsonValue
    from tocsin.store.verification import JournalVerdict

_PATH = click.Path(path_type=Path)


@click.group(epilog="Example: tocsin journal verify")
def command() -> None:
    """Show, verify and export the journal: what was done, by whom, when, in order."""


@command.command(epilog="Example: tocsin journal show --kind backup. --last 5")
@click.option("--subject", help="Only entries about this, such as plan:files or incident:INC-2026-001.")
@click.option("--kind", help="Only entries of this kind; backup. (with the dot) means all kinds of backup.")
@click.option("--last", type=click.IntRange(min=0), default=50, show_default=True, help="How many; 0 means all.")
@common_options
def show(subject: str | None, kind: str | None, last: int, workspace_folder: Path | None, as_json: bool) -> None:
    """Show entries, the newest last."""
    from tocsin.store.journal import count, entries
    from tocsin.wiring import acting_person, load_workspace, opened_store

    workspace = load_workspace(workspace_folder)
    reader = acting_person(workspace, "cli").person
    with opened_store(workspace) as store, store.read_by(reader).read() as connection:
        told = entries(connection, subject=subject, kind=kind, last=last or None)
        total = count(connection)
    emit([entry_json(each) for each in told], entries_text(told, total), as_json=as_json)


@command.command(epilog="Example: tocsin journal verify --file journal.jsonl --key journal.pub --head head.json")
@click.option(
    "--file", "file", type=_PATH, metavar="FILE", help="Verify this exported journal; needs no workspace."
)
@click.option(
    "--key", "keys", type=_PATH, metavar="PUB", multiple=True, help="Trust this public key (journal.pub)."
)
@click.option("--head", "heads", type=_PATH, metavar="FILE", multiple=True, help="A signed head kept outside.")
@common_options
def verify(
    file: Path | None,
    keys: tuple[Path, ...],
    heads: tuple[Path, ...],
    workspace_folder: Path | None,
    as_json: bool,
) -> int:
    """Verify that nothing in the journal was changed, removed, added or moved; exit 1 if something was."""
    verdict = _verdict_on_file(file, keys, heads) if file else _verdict_on_store(workspace_folder, keys, heads)
    emit(verdict_json(verdict), verdict_text(verdict), as_json=as_json)
    return 0 if verdict.ok else 1


@command.command(epilog='Example: tocsin journal settle 3f9a01c2 --reason "The old server burnt out"')
@click.argument("operation")
@click.option("--reason", required=True, metavar="TEXT", help="How you know; it is journalled.")
@common_options
def settle(operation: str, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Say that nobody knows how OPERATION of another machine ended, because that machine is gone.

    Until then it counts as running and keeps others of its kind waiting. 'tocsin doctor' names such operations.
    The outcome is not made up: it stays unknown, and the next run asks the repository what was saved.
    """
    from tocsin.store.operations import settle_elsewhere
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = settle_elsewhere(ctx.store, ctx.actor, operation, reason)
    told = f"The {found.kind} of {found.subject} on {found.host} is given up: its outcome is unknown."
    emit(
        {"operation": found.id, "kind": found.kind, "subject": found.subject, "host": found.host},
        told,
        as_json=as_json,
    )


@command.command(epilog="Example: tocsin journal export journal.jsonl")
@click.argument("file", type=_PATH)
@click.option(
    "--with-private", is_flag=True, help="Include names and free text. Keep such a file as safe as the data."
)
@common_options
def export(file: Path, with_private: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Write the whole journal to FILE, to be verified anywhere with the public key alone."""
    from hashlib import sha256

    from tocsin.durable import write_durably
    from tocsin.store import export as exporting
    from tocsin.wiring import acting_person, load_workspace, opened_store

    workspace = load_workspace(workspace_folder)
    actor = acting_person(workspace, "cli")
    with opened_store(workspace) as store:
        if store.sign_head(actor) is None:
            raise UsageError("The journal is empty: there is nothing to export yet. Nothing was written.")
        with store.read_by(actor.person).read() as connection:
            _refuse_what_is_not_theirs(connection)
            made = exporting.export(connection, store.now(), with_private=with_private)
        write_durably(file, made.data)
        digest = sha256(made.data).hexdigest()
        with store.write(actor) as tx:
            payload: dict[str, JsonValue] = {
                "entries": made.entries,
                "sha256": digest,
                "with_private": with_private,
            }
            tx.record("journal.exported", "journal", payload)
        store.sign_head(actor)
        public_key = store.keys_folder / "journal.pub"
    emit(
        {"file": str(file), "sha256": digest, "key": str(public_key), **payload},
        f"Wrote {made.entries} entries to {file} (SHA-256 {digest}).\n"
        f"Whoever has it and {public_key} can verify it: tocsin journal verify --file FILE --key journal.pub",
        as_json=as_json,
    )


def _refuse_what_is_not_theirs(connection: "Connection") -> None:
    from tocsin.errors import Refused
    from tocsin.store.need_to_know import hidden_incidents

    if hidden := hidden_incidents(connection):
        raise Refused(
            f"The journal tells of {', '.join(sorted(hidden))}, which you may not see, and it is exported whole "
            "or not at all. Ask somebody of its people to export it. Nothing was written."
        )


def _verdict_on_file(file: Path, keys: tuple[Path, ...], heads: tuple[Path, ...]) -> "JournalVerdict":
    from tocsin.store.export import verify_file
    from tocsin.store.heads import read_head_file
    from tocsin.store.keys import read_public_key

    if not keys:
        raise UsageError(
            "Say whose signatures to trust: --key journal.pub, the public key kept with the workspace."
        )
    return verify_file(file, [read_public_key(key) for key in keys], [read_head_file(head) for head in heads])


def _verdict_on_store(folder: Path | None, keys: tuple[Path, ...], heads: tuple[Path, ...]) -> "JournalVerdict":
    from tocsin.store import journal, verification
    from tocsin.store.heads import read_head_file
    from tocsin.store.keys import read_public_key, trusted_keys
    from tocsin.wiring import load_workspace, opened_store

    with opened_store(load_workspace(folder)) as store, store.read() as connection:
        trusted = [read_public_key(key) for key in keys] or trusted_keys(store.keys_folder)
        kept = [store.head_file] if store.head_file.exists() else []
        known = [read_head_file(path) for path in (*kept, *heads)]
        known_once = dict.fromkeys((*journal.heads(connection), *known))
        return verification.verify(journal.lines(connection), known_once, trusted)
