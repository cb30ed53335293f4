"""The drill's evidence, written twice from the same facts: JSON for programs, one self-contained page for people.

An auditor reads here what was restored from where, every check with its result, times against targets, what
was found, and that the scratch copy is gone. Of the restored data nothing appears but the paths of files that
failed. The journal holds both files' hashes.
"""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from tocsin.context import Context
from tocsin.drills.history import PastDrill
from tocsin.drills.seeing import Notebook
from tocsin.drills.trend import trend
from tocsin.drills.verdict import DrillVerdict
from tocsin.durable import private_folder, write_durably
from tocsin.model.drill import Drill
from tocsin.pages import render_page
from tocsin.recovery import spell_bytes, spell_span

FORM = "tocsin drill report 1"
TEMPLATE = "reports/drill.html.j2"

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Report:
    """Where the report lies, and the hashes that the journal keeps of it."""

    html: Path
    json: Path
    html_sha256: str
    json_sha256: str


def write_report(
    ctx: Context,
    drill: Drill,
    operation: str,
    verdict: DrillVerdict,
    notebook: Notebook,
    history: Sequence[PastDrill],
) -> Report:
    """Write both files below `reports/drills/` of the workspace, durably.

    Raises OperationFailed when they cannot be written, ConfigurationError when a template of the workspace's
    own is wrong.
    """
    facts = report_facts(ctx, drill, operation, verdict, notebook)
    data = (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
    page = drill_page(ctx, facts, history).encode()
    folder = private_folder(ctx.workspace.root / "reports" / "drills" / drill.id)
    name = f"{notebook.began:%Y%m%dT%H%M%SZ}"
    if (folder / f"{name}.json").exists():
        name = f"{name}-{operation[:8]}"
    report = Report(folder / f"{name}.html", folder / f"{name}.json", _sha256(page), _sha256(data))
    write_durably(report.json, data)
    write_durably(report.html, page)
    return report


def report_facts(ctx: Context, drill: Drill, operation: str, verdict: DrillVerdict, notebook: Notebook) -> Facts:
    """Return the report as plain data: times in UTC, spans in milliseconds, sizes in bytes."""
    seen, plan = notebook.seen(), ctx.workspace.backup_plans[drill.backup_plan]
    repository = ctx.workspace.repositories.get(notebook.repository)
    return {
        "form": FORM,
        "organisation": ctx.workspace.organisation.name,
        "drill": {"id": drill.id, "title": drill.title, "schedule": drill.schedule, "timezone": drill.zone},
        "operation": operation,
        "verdict": str(verdict.verdict),
        "files_are_right": verdict.files_are_right,
        "reason": verdict.obstacle.sentence if verdict.obstacle else None,
        "findings": [
            {"code": str(found.code), "thing": found.thing, "sentence": found.sentence, "fails": found.fails}
            for found in verdict.findings
        ],
        "began_at": _instant(notebook.began),
        "ended_at": _instant(ctx.clock.now()),
        "person": ctx.actor.person,
        "door": ctx.actor.door,
        "machine": platform.node(),
        "versions": {
            "tocsin": version("tocsin"),
            "restic": notebook.restic_version or None,
            "python": platform.python_version(),
        },
        "backup_plan": {"id": plan.id, "title": plan.title, "paths": list(plan.paths)},
        "repository": {
            "id": notebook.repository,
            "offsite": bool(repository and repository.offsite),
            "append_only": bool(repository and repository.append_only),
        },
        "snapshot": _snapshot_facts(notebook),
        "check": {
            "ok": None if notebook.check is None else notebook.check.ok,
            "took_ms": _ms(notebook.check_took),
        },
        "restore": _restore_facts(notebook),
        "rto": {"target_ms": _ms(seen.targets.rto), "measured_ms": _ms(seen.rto)},
        "rpo": {"target_ms": _ms(seen.targets.rpo), "measured_ms": _ms(seen.rpo)},
        "scratch_removed": notebook.scratch_removed,
    }


def _snapshot_facts(notebook: Notebook) -> Facts | None:
    if (snapshot := notebook.snapshot) is None:
        return None
    return {
        "id": snapshot.id,
        "tree": notebook.tree,
        "taken_at": _instant(snapshot.time),
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
        "fetch_ms": _ms(restored.fetch),
        "verify_ms": _ms(restored.verify),
    }


def drill_page(ctx: Context, facts: Facts, history: Sequence[PastDrill]) -> str:
    """Return the page for people."""
    filters = {"span": lambda milliseconds: spell_span(timedelta(milliseconds=milliseconds)), "size": spell_bytes}
    return render_page(ctx.workspace, TEMPLATE, {**facts, "trend": trend(history, facts)}, filters)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _ms(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds() * 1000)
