"""The drill's evidence, written three times from the same facts: JSON for programs, HTML and PDF for people.

An auditor reads here what was restored from where, every check with its result, times against targets, how far
recovery is proven, what was found, and that the scratch copy is gone. Of the restored data nothing appears but the
paths of files that failed. The journal holds the files' hashes; `evidence` signs them.
"""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from tocsin.context import Context
from tocsin.drills.history import PastDrill
from tocsin.drills.loading import LoadedDatabase
from tocsin.drills.notebook import Notebook
from tocsin.drills.paper import drill_pdf
from tocsin.drills.trend import drawn, trend
from tocsin.drills.verdict import DrillVerdict
from tocsin.drills.wording import instant, milliseconds
from tocsin.durable import private_folder, write_durably
from tocsin.model.drill import Drill
from tocsin.model.ladder import Rung
from tocsin.pages import render_page
from tocsin.recovery import spell_bytes, spell_span
from tocsin.store.heads import Head

FORM = "tocsin drill report 2"
TEMPLATE = "reports/drill.html.j2"
HTML, JSON, PDF = "report.html", "report.json", "report.pdf"

# Steps of a recovery plan that show an application at work.
_APPLICATION = ("process.", "http.", "verify.http", "verify.command")

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Report:
    """The folder it lies in, and the hashes that the journal keeps of it. Without typst there is no PDF."""

    folder: Path
    html_sha256: str
    json_sha256: str
    pdf_sha256: str | None = None

    @property
    def html(self) -> Path:
        """The page for people."""
        return self.folder / HTML

    @property
    def json(self) -> Path:
        """The same facts for programs."""
        return self.folder / JSON

    @property
    def pdf(self) -> Path | None:
        """The page on paper."""
        return self.folder / PDF if self.pdf_sha256 else None


def write_report(
    ctx: Context,
    drill: Drill,
    operation: str,
    verdict: DrillVerdict,
    notebook: Notebook,
    history: Sequence[PastDrill],
) -> Report:
    """Write the files into a folder of their own below `reports/drills/` of the workspace, durably.

    Raises OperationFailed when they cannot be written, ConfigurationError when a template of the workspace's
    own is wrong.
    """
    facts = report_facts(ctx, drill, operation, verdict, notebook)
    data = (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
    page = drill_page(ctx, facts, history).encode()
    paper = drill_pdf(ctx, facts, drawn(trend(history, facts)))
    name = f"{notebook.began:%Y%m%dT%H%M%SZ}"
    home = ctx.workspace.root / "reports" / "drills" / drill.id
    if (home / name).exists():
        name = f"{name}-{operation[:8]}"
    folder = private_folder(home / name)
    write_durably(folder / JSON, data)
    if paper:
        write_durably(folder / PDF, paper)
    write_durably(folder / HTML, page)
    return Report(folder, _sha256(page), _sha256(data), _sha256(paper) if paper else None)


def report_facts(
    ctx: Context,
    drill: Drill,
    operation: str,
    verdict: DrillVerdict,
    notebook: Notebook,
) -> Facts:
    """Return the report as plain data: times in UTC, spans in milliseconds, sizes in bytes."""
    seen, plan = notebook.seen(), ctx.workspace.backup_plans[drill.backup_plan]
    repository = ctx.workspace.repositories.get(notebook.repository)
    return {
        "form": FORM,
        "organisation": ctx.workspace.organisation.name,
        "drill": {
            "id": drill.id,
            "title": drill.title,
            "schedule": drill.schedule,
            "timezone": drill.zone,
            "recovery_plan": drill.recovery_plan,
        },
        "operation": operation,
        "verdict": str(verdict.verdict),
        "files_are_right": verdict.files_are_right,
        "reason": verdict.obstacle.sentence if verdict.obstacle else None,
        "findings": [
            {"code": str(found.code), "thing": found.thing, "sentence": found.sentence, "fails": found.fails}
            for found in verdict.findings
        ],
        "ladder": _ladder(drill.integrity, verdict, notebook),
        "reached": verdict.reached and str(verdict.reached),
        "part": list(notebook.part),
        "began_at": instant(notebook.began),
        "ended_at": instant(ctx.clock.now()),
        "person": ctx.actor.person,
        "door": ctx.actor.door,
        "owner": _named(ctx, drill.owner),
        "participants": [_named(ctx, person) for person in notebook.participants],
        "machine": platform.node(),
        "versions": {
            "tocsin": version("tocsin"),
            "restic": notebook.restic_version or None,
            "python": platform.python_version(),
            "databases": sorted({f"{each.engine} {each.version}" for each in notebook.databases if each.version}),
        },
        "isolation": notebook.isolation or None,
        "backup_plan": {"id": plan.id, "title": plan.title, "paths": list(plan.paths)},
        "repository": {
            "id": notebook.repository,
            "offsite": bool(repository and repository.offsite),
            "append_only": bool(repository and repository.append_only),
        },
        "snapshot": _snapshot_facts(notebook),
        "check": {
            "ok": None if notebook.check is None else notebook.check.ok,
            "part": list(notebook.check_part),
            "took_ms": milliseconds(notebook.check_took),
        },
        "streamed": _stream_facts(notebook),
        "restore": _restore_facts(notebook),
        "databases": [_database_facts(each) for each in notebook.databases],
        "checks": [
            {"name": each.name, "ok": each.ok, "problem": each.problem, "took_ms": milliseconds(each.took)}
            for each in notebook.checks or ()
        ],
        "steps": [
            {
                "name": each.name,
                "uses": each.uses,
                "ok": each.ok,
                "problem": each.problem,
                "took_ms": milliseconds(each.took),
            }
            for each in notebook.steps or ()
        ],
        "phases_ms": {
            name: milliseconds(getattr(seen.phases, name)) for name in ("fetch", "load", "verify", "start")
        }
        if seen.phases
        else None,
        "forecast_ms": milliseconds(seen.forecast),
        "rto": {"target_ms": milliseconds(seen.targets.rto), "measured_ms": milliseconds(seen.rto)},
        "rpo": {"target_ms": milliseconds(seen.targets.rpo), "measured_ms": milliseconds(seen.rpo)},
        "newest_record": {"at": instant(notebook.newest_record), "age_ms": milliseconds(seen.records_age)},
        "scratch_removed": notebook.scratch_removed,
        "journal": _head_facts(notebook.head),
    }


def _ladder(wanted: Rung, verdict: DrillVerdict, notebook: Notebook) -> list[Facts]:
    """Return every rung with what this drill says of it: proven, failed, not tried, or nothing to try."""
    height = verdict.reached.height if verdict.reached else -1
    uses = [step.uses for step in notebook.steps or ()]
    empty = {
        Rung.L4: not notebook.databases and not any("database" in each or "sql" in each for each in uses),
        Rung.L5: not notebook.checks and not any(each.startswith(_APPLICATION) for each in uses),
    }

    def state(rung: Rung) -> str:
        if rung is verdict.broken:
            return "failed"
        if rung.height > height:
            return "not tried"
        return "nothing to try" if empty.get(rung) else "proven"

    return [
        {
            "rung": str(rung),
            "meaning": rung.meaning,
            "state": state(rung),
            "wanted": rung.height <= wanted.height,
        }
        for rung in Rung
    ]


def _named(ctx: Context, person: str | None) -> str | None:
    found = ctx.workspace.people.get(person) if person else None
    return found.name if found else person


def _head_facts(head: Head | None) -> Facts | None:
    return {"seq": head.seq, "hash": head.hash, "at": head.at, "key": head.key} if head else None


def _stream_facts(notebook: Notebook) -> Facts | None:
    if (streamed := notebook.streamed) is None:
        return None
    return {
        "files_matching": streamed.matching,
        "bytes_hashed": streamed.hashed_bytes,
        "missing": len(streamed.missing),
        "changed": len(streamed.changed),
        "took_ms": milliseconds(notebook.stream_took),
    }


def _database_facts(database: LoadedDatabase) -> Facts:
    return {
        "dump": database.dump,
        "engine": database.engine,
        "version": database.version or None,
        "ok": database.ok,
        "problem": database.problem,
        "faults": list(database.faults),
        "tables": len(database.rows),
        "rows": sum(database.rows.values()),
        "start_ms": milliseconds(database.start),
        "load_ms": milliseconds(database.load),
        "verify_ms": milliseconds(database.verify),
        "newest": instant(database.newest),
        "assertions": [
            {"query": each.query, "wanted": each.wanted, "found": each.value, "problem": each.problem}
            for each in database.asserted
        ],
    }


def _snapshot_facts(notebook: Notebook) -> Facts | None:
    if (snapshot := notebook.snapshot) is None:
        return None
    return {
        "id": snapshot.id,
        "why": notebook.why_this,
        "tree": notebook.tree,
        "taken_at": instant(snapshot.time),
        "files": snapshot.files,
        "bytes": snapshot.bytes,
        "manifest_sha256": snapshot.manifest_sha256,
    }


def _restore_facts(notebook: Notebook) -> Facts | None:
    if (restored := notebook.restored) is None:
        return None
    comparison = restored.comparison
    return {
        "restic_ok": restored.summary.ok,
        "restic_errors": len(restored.summary.errors),
        "manifest_bound": restored.manifest_problem is None,
        "files_matching": comparison.matching if comparison else None,
        "bytes_hashed": comparison.hashed_bytes if comparison else None,
        "missing": len(comparison.missing) if comparison else None,
        "changed": len(comparison.changed) if comparison else None,
        "extra": len(comparison.extra) if comparison else None,
        "changed_during_backup": len(comparison.changed_during_backup) if comparison else None,
        "fetch_ms": milliseconds(restored.fetch),
        "verify_ms": milliseconds(restored.verify),
    }


def drill_page(ctx: Context, facts: Facts, history: Sequence[PastDrill]) -> str:
    """Return the page for people."""
    filters = {"span": lambda milliseconds: spell_span(timedelta(milliseconds=milliseconds)), "size": spell_bytes}
    return render_page(ctx.workspace, TEMPLATE, {**facts, "picture": drawn(trend(history, facts))}, filters)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
