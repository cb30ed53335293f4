"""Readiness as one page: for the firm, or for one client's security questionnaire. HTML, and PDF where wanted."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.pages import render_page, render_pdf
from tocsin.readiness.looking import Readiness
from tocsin.readiness.row import KINDS
from tocsin.readiness.weeks import Week, weeks
from tocsin.store.database import JsonValue

TEMPLATE = "reports/readiness.html.j2"
PRINTED = "reports/readiness.typ"
_WIDTH, _HEIGHT = 720, 150


@dataclass(frozen=True, slots=True)
class Written:
    """One file and its SHA-256."""

    path: Path
    sha256: str


def write_readiness(ctx: Context, seen: Readiness, folder: Path, *, pdf: bool = True) -> tuple[Written, ...]:
    """Write the page as HTML and PDF to a folder, durably, and journal their hashes.

    Raises UsageError where PDF is wanted and typst is not installed; nothing is written then.
    """
    facts = page_facts(ctx, seen)
    name = f"readiness{f'-{seen.client}' if seen.client else ''}-{seen.at:%Y%m%d}"
    content = {f"{name}.html": render_page(ctx.workspace, TEMPLATE, facts).encode()}
    if pdf:
        content[f"{name}.pdf"] = render_pdf(PRINTED, facts)
    written = []
    for file, data in content.items():
        path = private_folder(folder) / file
        write_durably(path, data)
        written.append(Written(path, hashlib.sha256(data).hexdigest()))
    with ctx.store.write(ctx.actor) as tx:
        told: dict[str, JsonValue] = {"client": seen.client or None, "lines": len(seen.rows)}
        tx.record("readiness.written", "readiness", {**told, "files": [each.sha256 for each in written]})
    return tuple(written)


def page_facts(ctx: Context, seen: Readiness) -> dict[str, object]:
    """Return everything the page shows, as plain data: of a client's page nothing but what is that client's."""
    workspace = ctx.workspace
    with ctx.store.read() as connection:
        past = weeks(connection, seen.client)
    client = workspace.clients[seen.client].name if seen.client else ""
    sections = [
        {
            "title": KINDS[code].title,
            "why": KINDS[code].why,
            "rows": [{"sentence": row.sentence, "fix": row.fix} for row in rows],
        }
        for code, rows in groupby(seen.rows, key=lambda row: row.code)
    ]
    return {
        "organisation": workspace.organisation.name,
        "client": client,
        "written_at": seen.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "lines": len(seen.rows),
        "left_out": seen.left_out,
        "sections": sections,
        "well": [
            kind.title for code, kind in KINDS.items() if code not in seen.counts() and _is_told(code, client)
        ],
        "trend": trend(past),
    }


def trend(past: Sequence[Week]) -> dict[str, object]:
    """Return the weeks as a picture: a bar for each, its lines stacked in three parts. Pure."""
    most = max((week.lines for week in past), default=0) or 1
    step = _WIDTH / max(len(past), 12)
    bars = []
    for number, week in enumerate(past):
        bottom, parts = float(_HEIGHT), []
        for part, ranks in (("loss", range(40)), ("time", range(40, 80)), ("look", range(80, 100))):
            count = sum(
                found for code, found in week.counts.items() if code in KINDS and KINDS[code].rank in ranks
            )
            height = count / most * (_HEIGHT - 20)
            bottom -= height
            if count:
                parts.append({"part": part, "y": round(bottom, 1), "height": round(height, 1)})
        bars.append(
            {
                "x": round(number * step, 1),
                "width": round(step * 0.8, 1),
                "parts": parts,
                "text": f"{week.monday}: {week.lines}",
            }
        )
    marks = [{"x": round(i * step, 1), "text": f"{past[i].monday:%d %b}"} for i in range(0, len(past), 8)]
    return {"bars": bars, "marks": marks, "most": most, "width": _WIDTH, "height": _HEIGHT}


def _is_told(code: str, client: str) -> bool:
    """Tell whether a page may say that all is well there: a client's page does not look at everything."""
    return not client or code not in ("doctor", "review-owed")
