"""The story of an incident on one page: what happened, who did what, what left the house, and how it is proved.

For the firm itself, its lawyer, its insurer: it names several clients, so none of them is ever given it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.evidence import items
from tocsin.incidents.clocks import IncidentClock, clocks_of, left
from tocsin.incidents.telling import Line, line_of
from tocsin.notices import approvals_of, deliveries, notices, shown
from tocsin.pages import render_page
from tocsin.runbook.ledger import Run, load_runs
from tocsin.runbook.pinned import pinned_playbook
from tocsin.situation import OURSELVES, Situation, situation_of
from tocsin.store import journal
from tocsin.store.keys import trusted_keys
from tocsin.store.verification import verify

TEMPLATE = "reports/incident.html.j2"
LANES = ("prepared", "declare", "contain", "assess", "decide", "notify", "recover")
BEFORE = timedelta(days=7)
"""Backups and drills of this long before the first alert belong to the story too."""


@dataclass(frozen=True, slots=True)
class Story:
    """Where the page lies, and its SHA-256."""

    page: Path
    sha256: str


def write_story(ctx: Context, incident_id: str) -> Story:
    """Write the page to `reports/incidents/` of the workspace, durably, and journal its hash."""
    page = render_page(ctx.workspace, TEMPLATE, story_facts(ctx, incident_id)).encode()
    path = private_folder(ctx.workspace.root / "reports" / "incidents") / f"{incident_id}.html"
    write_durably(path, page)
    sha256 = hashlib.sha256(page).hexdigest()
    with ctx.store.write(ctx.actor) as tx:
        tx.record("incident.told", f"incident:{incident_id}", {"sha256": sha256})
    ctx.store.sign_head(ctx.actor)
    return Story(path, sha256)


def story_facts(ctx: Context, incident_id: str) -> dict[str, object]:
    """Return everything the page shows, as plain data."""
    with ctx.store.read() as connection:
        found = situation_of(connection, ctx.workspace, incident_id)
        runs = load_runs(connection, incident=incident_id)
        told = journal.entries(connection)
        head = journal.heads(connection)[-1:]
        verdict = verify(journal.lines(connection), journal.heads(connection), trusted_keys(ctx.store.keys_folder))
    papers = [_paper(ctx, notice.id) for notice in notices(ctx, incident=incident_id)]
    titles = _titles(ctx, found, runs, papers)
    subjects = {
        f"incident:{incident_id}",
        *(f"run:{run.id}" for run in runs),
        *(f"notice:{paper['id']}" for paper in papers),
        *(f"evidence:{each.id}" for each in items(ctx, incident=incident_id)),
    }
    around = {f"plan:{plan}" for plan in found.radius.backup_plans}
    around |= {
        f"drill:{drill.id}" for plan in found.radius.backup_plans for drill in ctx.workspace.drills_of(plan)
    }
    since = found.first_alert_at - BEFORE
    asking = _asking_steps(runs)
    lines = [
        line
        for each in told
        if each.entry.subject in subjects or (each.entry.subject in around and each.entry.at >= since)
        if (each.entry.kind, each.payload.get("step")) not in asking
        if (line := line_of(each, titles)) is not None
    ]
    return {
        "organisation": ctx.workspace.organisation.name,
        "written_at": _instant(ctx.clock.now()),
        "written_by": titles.get(ctx.actor.person, ctx.actor.person),
        "incident": _incident(found),
        "clocks": [
            {
                "words": clock.words,
                "due": _instant(clock.due),
                "legal": clock.legal,
                "left": left(clock.due - ctx.clock.now()),
            }
            for clock in clocks_of(found)
        ],
        "data": _data(found),
        "facts": _facts(found, titles),
        "lines": [asdict(line) for line in lines],
        "picture": picture(lines, clocks_of(found), found.aware_at or found.first_alert_at),
        "notices": papers,
        "journal": {
            "entries": verdict.entries,
            "ok": verdict.ok,
            "problems": [str(problem) for problem in verdict.problems],
            "head": head[0].as_json() if head else None,
        },
    }


def picture(lines: Sequence[Line], clocks: Sequence[IncidentClock], began: datetime) -> dict[str, object]:
    """Return the night as dots: one lane for each part, each line of the story at its time (0 to 1000).

    The clocks lie above them as bars, from when they `began` to run to when they are due.
    """
    if not lines:
        return {"lanes": [], "clocks": [], "from": None, "to": None}
    times = [datetime.fromisoformat(line.at) for line in lines]
    first, last = min(times), max(*times, *(clock.due for clock in clocks), began)
    span = max((last - first).total_seconds(), 1.0)

    def place(moment: datetime) -> int:
        return max(0, round((moment - first).total_seconds() / span * 1000))

    lanes = [
        {
            "name": lane,
            "dots": [
                {"x": place(moment), "text": line.text}
                for moment, line in zip(times, lines, strict=True)
                if line.lane == lane
            ],
        }
        for lane in LANES
    ]
    bars = [
        {
            "words": clock.words,
            "legal": clock.legal,
            "due": _instant(clock.due),
            "x": place(began),
            "end": place(clock.due),
        }
        for clock in clocks
    ]
    return {
        "lanes": [lane for lane in lanes if lane["dots"]],
        "clocks": bars,
        "from": _instant(first),
        "to": _instant(last),
    }


def _incident(found: Situation) -> dict[str, object]:
    return {
        "id": found.incident,
        "title": found.title,
        "cause": (found.cause or "not yet known").replace("_", " "),
        "state": found.state,
        "systems": [system.title for system in found.radius.systems],
        "first_alert": _instant(found.first_alert_at),
        "aware": _instant(found.aware_at) if found.aware_at else None,
    }


def _data(found: Situation) -> list[dict[str, object]]:
    names = {OURSELVES: "our own", **{client.id: client.name for client in found.radius.clients}}
    return [
        {
            "whose": names.get(controller, controller),
            "datasets": [dataset.title for dataset in found.radius.datasets_of(controller)],
            "people": sum(dataset.people.count or 0 for dataset in found.radius.datasets_of(controller)),
            "risk": assessment.risk.replace("_", " "),
            "duties": {duty.to: duty.required for duty in assessment.duties},
            "why": [reason for duty in assessment.duties if duty.required == "yes" for reason in duty.why],
        }
        for controller, assessment in found.assessments.items()
    ]


def _facts(found: Situation, titles: Mapping[str, str]) -> list[dict[str, object]]:
    return [
        {
            "path": version.path,
            "value": ", ".join(map(str, version.value)) if isinstance(version.value, list) else str(version.value),
            "whose": titles.get(version.controller, version.controller) or "all",
            "by": titles.get(version.stated_by, version.stated_by),
            "at": _instant(version.stated_at),
            "evidence": version.evidence or "",
        }
        for version in found.versions
    ]


def _paper(ctx: Context, notice_id: str) -> dict[str, object]:
    seen = shown(ctx, notice_id)
    return {
        "id": seen.notice.id,
        "to": seen.addressee.name,
        "addressee": seen.notice.addressee,
        "state": seen.notice.state,
        "version": seen.notice.version,
        "sha256": seen.sha256,
        "text": seen.text,
        "approvals": [
            {"person": each.person, "decision": each.decision, "at": _instant(each.at), "door": each.door}
            for each in approvals_of(ctx, notice_id)
        ],
        "deliveries": [
            {"channel": each.channel, "address": each.address, "state": each.state, "message_id": each.message_id}
            for each in deliveries(ctx, notice_id)
        ],
    }


def _asking_steps(runs: Iterable[Run]) -> set[tuple[str, str]]:
    """Return the ends of steps that only asked: their answers stand in the story as facts and decisions."""
    return {
        ("step.done", step.id)
        for run in runs
        for step in pinned_playbook(run.text, run.playbook).steps
        if step.uses in ("human.ask", "human.decide")
    }


def _titles(
    ctx: Context, found: Situation, runs: Iterable[Run], papers: Sequence[Mapping[str, object]]
) -> dict[str, str]:
    """Return the names a reader knows, by the ids the journal keeps."""
    titles = {person.id: person.name for person in ctx.workspace.people.values()}
    titles |= {client.id: client.name for client in ctx.workspace.clients.values()}
    titles |= {OURSELVES: "our own data", "ico": "the ICO"}
    for run in runs:
        for step in pinned_playbook(run.text, run.playbook).steps:
            titles[step.id] = step.heading
            for client in found.radius.clients:
                titles[f"{step.id}[{client.id}]"] = f"{step.heading}: {client.name}"
    titles |= {f"notice:{paper['id']}": str(paper["to"]) for paper in papers}
    titles |= {f"plan:{plan.id}": plan.title for plan in ctx.workspace.backup_plans.values()}
    titles |= {f"drill:{drill.id}": drill.title for drill in ctx.workspace.drills.values()}
    return titles


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
