"""What a case says, as plain data: the page shows it, and `verify.py` compares it with the journal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Connection

from tocsin.context import Context
from tocsin.evidence import custody_of, items
from tocsin.evidence.record import act_data, item_data
from tocsin.incidents.casefile.copies import CLOSED, Copy, Own
from tocsin.incidents.casefile.journal_slice import JournalSlice, journal_slice, subjects_of
from tocsin.incidents.casefile.notices_sent import Papers, papers_of
from tocsin.incidents.register import entry_of, may_know
from tocsin.incidents.register_files import plain
from tocsin.incidents.story import story_facts
from tocsin.law.clocks import show_utc
from tocsin.runbook.ledger import Run, load_rows, load_runs
from tocsin.runbook.pinned import pinned_playbook
from tocsin.runbook.readiness import Row
from tocsin.situation import Situation, decisions_of, duties_of, situation_of

_DECIDED = ("duty.decided", "duty.proposed_below")
_FREE = ("title", "aware_reason", "effects")

Rows = list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Contents:
    """A case: what it says, the papers, and the journal's part, all read at entry `upto` of the journal."""

    data: Mapping[str, object]
    papers: Mapping[str, bytes]
    journal: JournalSlice

    @property
    def upto(self) -> int:
        """The journal's last entry when the case was read."""
        return self.journal.last[0]


def contents_of(ctx: Context, incident_id: str, copy: Copy, made_at: datetime) -> Contents:
    """Read a case. Raises UsageError for one that is not there or not that client's, Refused for need-to-know."""
    with ctx.store.read() as connection:
        found = situation_of(connection, ctx.workspace, incident_id)
        subjects = subjects_of(connection, incident_id)
    register = _register(ctx, incident_id, copy)
    papers = papers_of(ctx, incident_id, copy)
    story = story_facts(ctx, incident_id) if copy.client is None else {}
    lines = cast("Rows", story.get("lines", []))
    with ctx.store.read() as connection:
        own = _own(connection, incident_id, copy, papers)
        also = frozenset(cast("int", line["seq"]) for line in lines)
        slice_ = journal_slice(connection, subjects, also, copy, own)
        decisions = _decisions(connection, incident_id, slice_, copy, own)
        runs = load_runs(connection, incident=incident_id) if copy.client is None else ()
        ledger = [(run, load_rows(connection, run.id)) for run in runs]
    data = {
        "incident": incident_id,
        "organisation": ctx.workspace.organisation.name,
        "made_at": made_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "made_by": copy.person(ctx.actor.person),
        "copy": {"for": copy.reader, "client": copy.client, "names": copy.names},
        "client": ctx.workspace.clients[copy.client].name if copy.client else None,
        "register": register,
        "clocks": story.get("clocks", []),
        "picture": story.get("picture") if copy.names else None,
        "timeline": [_line(line, slice_, copy) for line in lines],
        "facts": _facts(found, slice_, copy),
        "decisions": decisions,
        "notices": list(papers.rows),
        "evidence": _evidence(ctx, incident_id, copy) if copy.client is None else [],
        "runs": [_run(run, rows, copy) for run, rows in ledger],
        "containment": [row for run, rows in ledger for row in _contained(run, rows)],
    }
    return Contents(data, papers.files, slice_)


def _register(ctx: Context, incident_id: str, copy: Copy) -> dict[str, object]:
    entry = plain(entry_of(ctx, incident_id, client=copy.client))
    for name in _FREE:
        entry[name] = copy.said(str(entry[name]))
    entry["remedial_action"] = [copy.said(str(each)) for each in cast("list[object]", entry["remedial_action"])]
    # Facts and decisions stand in the case by themselves, each with its entry in the journal.
    entry["aware_by"] = copy.person(str(entry["aware_by"]))
    del entry["facts"], entry["decisions"]
    for duty in cast("Rows", entry["duties"]):
        duty |= {"how": copy.said(str(duty["how"])), "late_reasons": copy.said(str(duty["late_reasons"]))}
    return entry


def _line(line: dict[str, object], slice_: JournalSlice, copy: Copy) -> dict[str, object]:
    """Return a line of the story; without names it says what sort of entry it is, and who by their id."""
    if copy.names:
        return line
    ids = {person.name: key for key, person in copy.workspace.people.items()}
    kind = slice_.shown[cast("int", line["seq"])][0]
    return {
        **line,
        "who": ids.get(str(line["who"]), line["who"]),
        "text": kind.replace(".", ": ").replace("_", " "),
    }


def _own(connection: Connection, incident_id: str, copy: Copy, papers: Papers) -> Own:
    duties = [each for each in duties_of(connection, incident_id) if each.controller == copy.client]
    names = frozenset(name for duty in duties for name in duty.names)
    return Own(names, frozenset(str(row["id"]) for row in papers.rows))


def _facts(found: Situation, slice_: JournalSlice, copy: Copy) -> Rows:
    about = f"incident:{found.incident}"
    entries = {
        payload["version"]: seq
        for seq, (kind, subject, payload) in slice_.shown.items()
        if kind == "fact.stated" and subject == about
    }
    return [
        {
            "version": each.version,
            "path": each.path,
            "controller": each.controller,
            "value": each.value,
            "by": copy.person(each.stated_by),
            "at": show_utc(each.stated_at),
            "evidence": copy.said(each.evidence),
            "entry": entries.get(each.version),
        }
        for each in found.versions
        if may_know(each, copy.client) and (copy.client is None or each.version in entries)
    ]


def _decisions(connection: Connection, incident_id: str, slice_: JournalSlice, copy: Copy, own: Own) -> Rows:
    entries = [
        (seq, payload.get("duty"), payload.get("decided"))
        for seq, (kind, _, payload) in slice_.shown.items()
        if kind in _DECIDED
    ]
    rows: Rows = []
    for each in decisions_of(connection, incident_id):
        if copy.client is not None and each.duty not in own.duties:
            continue
        entry = next((one for one in entries if one[1:] == (each.duty, each.decided)), None)
        if entry is not None:
            entries.remove(entry)
        rows.append(
            {
                "duty": each.duty,
                "proposed": each.proposed,
                "decided": each.decided,
                "by": copy.person(each.decided_by),
                "second": copy.person(each.second_by) if each.second_by else "",
                "at": show_utc(each.decided_at),
                "reason": copy.said(each.reason),
                "stands": each.stands,
                "entry": entry[0] if entry else None,
            }
        )
    return rows


def _evidence(ctx: Context, incident_id: str, copy: Copy) -> Rows:
    rows: Rows = []
    for item in items(ctx, incident=incident_id):
        with ctx.store.read() as connection:
            chain = custody_of(connection, item.id)
        row = item_data(item)
        if not copy.names:
            row |= {"source": CLOSED, "method": [], "title": "", "problem": "", "changed": []}
        acts = [
            act_data(each)
            | {"by": copy.person(each.by), "other": copy.said(each.other), "note": copy.said(each.note)}
            for each in chain
        ]
        rows.append({**row, "collector": copy.person(item.collector), "custody": acts})
    return rows


def _run(run: Run, rows: Iterable[Row], copy: Copy) -> dict[str, object]:
    titles = {step.id: step.heading for step in pinned_playbook(run.text, run.playbook).steps}
    return {
        "id": run.id,
        "playbook": run.playbook,
        "title": run.title,
        "sha256": run.sha256,
        "state": run.state,
        "started_at": show_utc(run.started_at),
        "started_by": copy.person(run.started_by),
        "steps": [
            {
                "key": row.key,
                "title": titles.get(row.step, row.step),
                "state": str(row.state),
                "undoes": row.undoes,
                "error": copy.said(row.error),
            }
            for row in rows
        ],
    }


def _contained(run: Run, rows: Iterable[Row]) -> Rows:
    titles = {step.id: step.heading for step in pinned_playbook(run.text, run.playbook).steps}
    return [
        {
            "run": run.id,
            "step": row.key,
            "title": titles.get(row.step, row.step),
            "since": show_utc(row.contained_at),
            "until": show_utc(row.released_at) if row.released_at else None,
        }
        for row in rows
        if row.contained_at is not None
    ]
