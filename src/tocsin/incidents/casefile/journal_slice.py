"""The journal's part of a case: its entries whole, and of every other entry the hash alone.

An entry's hash covers its words and the hash before it; the list of all hashes, the entries shown and the signed
head fit together in one way only. What another incident was about cannot be read from its hash.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from tocsin.errors import OperationFailed
from tocsin.incidents.casefile.copies import Copy, Own
from tocsin.store import journal
from tocsin.store.chain import JsonValue
from tocsin.store.export import entry_line
from tocsin.store.need_to_know import must_be_theirs
from tocsin.store.tables import evidence_item, incident, notice, report, run

_KEYS = ("journal.opened", "journal.key_added")


@dataclass(frozen=True, slots=True)
class JournalSlice:
    """`entries` and `hashes` as files; `shown`: each entry shown by its sequence, with kind, subject, payload."""

    entries: bytes
    hashes: bytes
    shown: Mapping[int, tuple[str, str, Mapping[str, JsonValue]]]
    last: tuple[int, str]


def subjects_of(connection: Connection, incident_id: str) -> frozenset[str]:
    """Return what the journal's entries of an incident are about: it, what was merged into it, runs, notices…

    Raises Refused where an incident that went into this one is not the reader's to know.
    """
    merged = connection.execute(select(incident.c.id).where(incident.c.merged_into == incident_id)).scalars()
    incidents = (incident_id, *merged)
    for each in incidents:
        must_be_theirs(connection, each)
    found = {f"incident:{each}" for each in incidents}
    for name, table in (("run", run), ("notice", notice), ("evidence", evidence_item), ("report", report)):
        ids = connection.execute(select(table.c.id).where(table.c.incident.in_(incidents))).scalars()
        found |= {f"{name}:{each}" for each in ids}
    return frozenset(found)


def journal_slice(
    connection: Connection, subjects: frozenset[str], also: frozenset[int], copy: Copy, own: Own
) -> JournalSlice:
    """Read the whole journal once. `also` are further entries that the case tells of, such as backups before."""
    steps = tuple(f"step:{each.removeprefix('run:')}:" for each in subjects if each.startswith("run:"))
    entries, hashes, shown, last = [], [], {}, (0, "")
    for number, (line, private) in enumerate(journal.lines(connection), start=1):
        last = (line.seq, line.hash)
        hashes.append(f"{line.seq} {line.hash}\n")
        if line.seq != number:
            raise OperationFailed(
                f"The journal has no entry {number}, so no case can be sealed with it. `tocsin journal verify` "
                "says what is wrong. Nothing was written."
            )
        wanted = (
            line.subject in subjects or line.seq in also or line.kind in _KEYS or line.subject.startswith(steps)
        )
        if not wanted:
            continue
        written = entry_line(line, private if copy.may_open(line) else {})
        payload = json.loads(line.payload)
        if copy.may_show(line, payload, written.decode(), own):
            entries.append(written + b"\n")
            shown[line.seq] = (line.kind, line.subject, payload)
    return JournalSlice(b"".join(entries), "".join(hashes).encode(), shown, last)
