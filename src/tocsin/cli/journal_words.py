"""How the journal and its verdict are shown; the commands are in `tocsin.cli.journal`."""

import json
import re
from typing import TYPE_CHECKING

from tocsin.cli.output import table

if TYPE_CHECKING:
    from tocsin.store.journal import Told
    from tocsin.store.verification import JournalVerdict

_HASH = re.compile("[0-9a-f]{32,}")  # whole in --json


def entry_json(told: "Told") -> dict[str, object]:
    """Return one entry as plain data."""
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


def entries_text(told: "tuple[Told, ...]", total: int) -> str:
    """Return entries as a table; `total` is how many the journal has."""
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


def verdict_json(verdict: "JournalVerdict") -> dict[str, object]:
    """Return a verdict as plain data."""
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


def verdict_text(verdict: "JournalVerdict") -> str:
    """Return a verdict in a few sentences, the worst first."""
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
