"""`tocsin journal`: show, verify and export the journal."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.store.chain import JsonValue
    from tocsin.store.journal import Told
    from tocsin.store.verification import JournalVerdict

_HASH = re.compile("[0-9a-f]{32,}")  # whole in --json
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
    from tocsin.wiring import load_workspace, opened_store

    with opened_store(load_workspace(workspace_folder)) as store, store.read() as connection:
        told = entries(connection, subject=subject, kind=kind, last=last or None)
        total = count(connection)
    emit([_as_json(each) for each in told], _shown(told, total), as_json=as_json)


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
    emit(_verdict_json(verdict), _verdict_text(verdict), as_json=as_json)
    return 0 if verdict.ok else 1


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
        with store.read() as connection:
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


def _as_json(told: "Told") -> dict[str, object]:
    entry = told.entry
    return {
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "door": entry.door,
        "subject": entry.subject,
        "kind": entry.kind,
        "payload": told.payload,
        "private": told.private,
        "hash": entry.hash,
    }


def _shown(told: "tuple[Told, ...]", total: int) -> str:
    if not told:
        return "The journal is empty." if not total else f"None of the journal's {total} entries is about that."
    rows = [
        (
            str(each.entry.seq),
            each.entry.at.strftime("%Y-%m-%d %H:%M:%SZ"),
            each.entry.actor,
            each.entry.kind,
            each.entry.subject,
            _details(each),
        )
        for each in told
    ]
    shown = table(("entry", "time", "who", "what", "about", "details"), rows)
    return shown if len(told) == total else f"{shown}\n{len(told)} of {total} entries; --last 0 shows all."


def _details(told: "Told") -> str:
    plain = {name: value for name, value in told.payload.items() if name != "private"}
    return _printable("  ".join(f"{name}={_short(value)}" for name, value in {**plain, **told.private}.items()))


def _short(value: object) -> str:
    if isinstance(value, str):
        if _HASH.fullmatch(value):
            return f"{value[:12]}…"
        return value if value and " " not in value else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _printable(text: str) -> str:
    # A text that came from outside must not steer the terminal it is read in.
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def _verdict_json(verdict: "JournalVerdict") -> dict[str, object]:
    return {
        "ok": verdict.ok,
        "entries": verdict.entries,
        "chain": verdict.chain,
        "head": {"seq": verdict.head[0], "hash": verdict.head[1]} if verdict.head else None,
        "last_at": verdict.last_at,
        "signed_up_to": verdict.signed_up_to,
        "problems": [
            {"entry": problem.seq, "at": problem.at, "what": problem.what} for problem in verdict.problems
        ],
        "more_problems": verdict.more_problems,
        "erased": [
            {"entry": erased.seq, "names": list(erased.names), "told_by": erased.told_by}
            for erased in verdict.erased
        ],
    }


def _verdict_text(verdict: "JournalVerdict") -> str:
    if verdict.ok:
        told = [_whole(verdict)]
    else:
        found = len(verdict.problems) + verdict.more_problems
        told = [f"The journal is BROKEN: {found} problem{'s' if found > 1 else ''} in {verdict.entries} entries."]
        told += [f"  {_printable(str(problem))}" for problem in verdict.problems]
        told += [f"  and {verdict.more_problems} more."] if verdict.more_problems else []
        told += ["Change nothing. Copy the store and the workspace aside as evidence, and compare with an export."]
    told += [_erased(erased.seq, erased.names, erased.told_by) for erased in verdict.erased]
    return "\n".join(told)


def _whole(verdict: "JournalVerdict") -> str:
    if verdict.head is None:
        return "The journal is empty."
    last = verdict.head[0]
    whole = f"The journal is whole: {verdict.entries} entries, the last of {verdict.last_at}."
    if verdict.signed_up_to is None:
        return f"{whole}\nNo head was signed yet, so an end that was cut off would not show."
    if unsigned := last - verdict.signed_up_to:
        return f"{whole}\nSigned up to entry {verdict.signed_up_to}; the {unsigned} after it not yet."
    return f"{whole}\nSigned to the end."


def _erased(seq: int, names: tuple[str, ...], told_by: int | None) -> str:
    told = f"told by entry {told_by}" if told_by else "and no entry tells of it"
    return f"Entry {seq}: {', '.join(names)} erased, {told}."
