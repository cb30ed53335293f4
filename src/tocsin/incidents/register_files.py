"""The register as files: CSV, JSON, HTML and PDF. Each is written whole, durably, and its hash journalled."""

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.incidents.register import DecisionTold, DutyTold, Fact, RegisterEntry, hidden_from_register, register
from tocsin.incidents.trends import Quarter, trends
from tocsin.law.clocks import show_utc
from tocsin.pages import render_page
from tocsin.workspace import starter

FORMATS = ("csv", "json", "html", "pdf")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TALLEST = 100
_COLUMNS = (
    "incident", "title", "state", "outcome", "cause", "kinds", "systems", "whose_data", "data", "people",
    "occurred", "first_alert", "declared", "aware", "aware_by", "aware_reason", "contained", "recovered",
    "reviewed", "closed", "effects", "remedial_action", "duties", "decisions", "facts",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exported:
    """Where the file lies, its SHA-256, and how many incidents it holds."""

    path: Path
    sha256: str
    incidents: int


def export_register(ctx: Context, form: str, *, client: str | None = None, to: Path | None = None) -> Exported:
    """Write the register, whole or one client's copy.

    Raises UsageError for an unknown form or client, Refused where a need-to-know incident would be missing.
    """
    if form not in FORMATS:
        raise UsageError(f"The register cannot be written as {form!r}.{did_you_mean(form, FORMATS)}")
    if hidden := hidden_from_register(ctx):
        raise Refused(
            f"The register holds {', '.join(hidden)}, which is need-to-know and not yours to see, and a copy "
            "without it would be wrong. Ask somebody of its people to export it. Nothing was written."
        )
    entries = register(ctx, client=client)
    content = register_bytes(ctx, entries, form, client=client)
    name = f"register{f'-{client}' if client else ''}-{ctx.clock.now():%Y%m%d}.{form}"
    path = to or private_folder(ctx.workspace.root / "reports" / "register") / name
    write_durably(path, content)
    sha256 = hashlib.sha256(content).hexdigest()
    with ctx.store.write(ctx.actor) as tx:
        told = {"format": form, "client": client, "sha256": sha256, "incidents": len(entries)}
        tx.record("register.exported", "register", told)
    return Exported(path, sha256, len(entries))


def register_bytes(
    ctx: Context, entries: Sequence[RegisterEntry], form: str, *, client: str | None = None
) -> bytes:
    """Return the register in one form."""
    if form == "csv":
        return as_csv(entries).encode("utf-8-sig")  # spreadsheets take it for Latin-1 otherwise
    if form == "json":
        return (json.dumps([plain(each) for each in entries], indent=2, ensure_ascii=False) + "\n").encode()
    if form == "html":
        return render_page(ctx.workspace, "reports/register.html.j2", page_facts(ctx, entries, client)).encode()
    return _pdf(ctx, entries, client)


def as_csv(entries: Sequence[RegisterEntry]) -> str:
    """Return one line for each incident. A cell that a spreadsheet would take for a formula is quoted."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for entry in entries:
        said = plain(entry)
        times = {name: show_utc(at) for name, at in entry.times.items()}
        lines = {
            "duties": [f"{each.duty}: {each.state}" for each in entry.duties],
            "decisions": [f"{each.duty}: {each.decided} by {each.by}: {each.reason}" for each in entry.decisions],
            "facts": [f"{each.path} = {_cell(each.value)} ({each.by})" for each in entry.facts],
        }
        writer.writerow([_safe(_cell({**said, **times, **lines}.get(column, ""))) for column in _COLUMNS])
    return written.getvalue()


def plain(entry: RegisterEntry) -> dict[str, object]:
    """Return an entry as plain data; times in UTC."""
    return {
        "incident": entry.incident,
        "title": entry.title,
        "state": entry.state,
        "outcome": entry.outcome,
        "cause": entry.cause,
        "kinds": list(entry.kinds),
        "systems": list(entry.systems),
        "whose_data": list(entry.whose),
        "data": list(entry.data),
        "people": entry.people,
        "occurred": dict(entry.occurred),
        "times": {name: show_utc(at) for name, at in entry.times.items()},
        "aware_by": entry.aware_by,
        "aware_reason": entry.aware_reason,
        "effects": entry.effects,
        "remedial_action": list(entry.remedy),
        "risks": dict(entry.risks),
        "facts": [_plain(each) for each in entry.facts],
        "duties": [_plain(each) for each in entry.duties],
        "decisions": [_plain(each) for each in entry.decisions],
    }


def quarter_data(quarter: Quarter) -> dict[str, object]:
    """Return a quarter as plain data."""
    return {**asdict(quarter), "kinds": dict(quarter.kinds), "causes": dict(quarter.causes)}


def page_facts(ctx: Context, entries: Sequence[RegisterEntry], client: str | None) -> dict[str, object]:
    """Return everything the page shows, as plain data."""
    workspace = ctx.workspace
    quarters = trends(entries, workspace.organisation.timezone)
    return {
        "organisation": workspace.organisation.name,
        "client": workspace.clients[client].name if client else None,
        "written_at": show_utc(ctx.clock.now()),
        "years": workspace.organisation.breach_record_years,
        "entries": [plain(each) for each in entries],
        "quarters": [quarter_data(each) for each in quarters],
        "bars": [*_bars(quarters, "incidents"), *_bars(quarters, "people")],
    }


def _bars(quarters: Sequence[Quarter], what: str) -> list[dict[str, object]]:
    """Return one picture: a bar for each quarter, its height out of a hundred."""
    values = [int(getattr(each, what)) for each in quarters]
    most = max(values, default=0) or 1
    bars = [
        {"x": 20 + 70 * number, "height": round(_TALLEST * value / most), "value": value, "quarter": each.quarter}
        for number, (each, value) in enumerate(zip(quarters, values, strict=True))
    ]
    return [{"title": {"incidents": "Incidents", "people": "People affected"}[what], "bars": bars}] if bars else []


def _pdf(ctx: Context, entries: Sequence[RegisterEntry], client: str | None) -> bytes:
    try:
        typst = import_module("typst")
    except ImportError:
        raise UsageError(
            "To write PDF, Tocsin needs the package typst: install tocsin[pdf]. Nothing was written. HTML is "
            "always there: --format html, and any browser prints it to PDF."
        ) from None
    facts = json.dumps(page_facts(ctx, entries, client), ensure_ascii=False)
    template = starter() / "templates" / "reports" / "register.typ"
    return bytes(typst.compile(template.read_bytes(), sys_inputs={"register": facts}))


def _plain(part: Fact | DutyTold | DecisionTold) -> dict[str, object]:
    return {name: _plain_value(getattr(part, name)) for name in type(part).__slots__}


def _plain_value(value: object) -> object:
    if isinstance(value, datetime):
        return show_utc(value)
    return list(value) if isinstance(value, tuple) else value


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(str(each) for each in value)
    if isinstance(value, dict):
        return "; ".join(f"{name} {each}" for name, each in value.items())
    return "" if value is None else str(value)


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
