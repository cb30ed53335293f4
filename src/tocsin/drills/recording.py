"""The end of a drill, written in one transaction: the verdict, the check of the packs, the findings."""

from sqlalchemy import insert

from tocsin.context import Context
from tocsin.drills.attributing import climbed_by_system
from tocsin.drills.notebook import Notebook
from tocsin.drills.report import Report
from tocsin.drills.verdict import DrillVerdict
from tocsin.drills.wording import milliseconds
from tocsin.findings import Found, note
from tocsin.model.drill import Drill
from tocsin.store.database import JsonValue, Transaction
from tocsin.store.operations import Operation, finish
from tocsin.store.tables import repository_check as checks

MOST_JOURNALLED = 20
_MOST_ERRORS = 100
SOURCE = "drill"


def record_finish(
    ctx: Context,
    drill: Drill,
    operation: Operation,
    verdict: DrillVerdict,
    notebook: Notebook,
    report: Report | None,
) -> None:
    """Journal the finish. What names files or quotes messages is private; codes and object ids are not."""
    with ctx.store.write(ctx.actor) as tx:
        _keep_check(tx, operation, notebook)
        kept: list[JsonValue] = [
            note(tx, Found(SOURCE, operation.id, operation.subject, str(found.code), found.sentence, found.thing))
            for found in verdict.failing[:MOST_JOURNALLED]
        ]
        private = {"obstacle": verdict.obstacle.sentence} if verdict.obstacle else {}
        private |= {
            f"note-{number}": found.sentence
            for number, found in enumerate([each for each in verdict.findings if not each.fails][:MOST_JOURNALLED])
        }
        if private:
            tx.record("drill.notes", operation.subject, {"operation": operation.id}, private)
        payload = {**_payload(ctx, verdict, notebook, report), "kept_findings": kept}
        payload["proved"] = _proved(ctx, drill, notebook)
        finish(tx, operation, verdict.verdict, payload)
    ctx.store.sign_head(ctx.actor)


def _proved(ctx: Context, drill: Drill, notebook: Notebook) -> dict[str, JsonValue]:
    """Return how far each system was proven: the rung reached, and the one that broke."""
    by_system = climbed_by_system(ctx.workspace, drill, notebook.seen(), notebook.plan_systems)
    return {system: [rung and str(rung) for rung in pair] for system, pair in by_system.items()}


def _keep_check(tx: Transaction, operation: Operation, notebook: Notebook) -> None:
    """Remember what the drill read of the repository, as `tocsin backup check` does."""
    if (check := notebook.check) is None:
        return
    part, parts = notebook.check_part
    row = {"id": operation.id, "repository": notebook.repository, "at": tx.now, "ok": check.ok}
    errors = [*check.errors, *check.broken_packs][:_MOST_ERRORS]
    tx.execute(insert(checks).values(**row, part=part, parts=parts, errors=errors))


def _payload(
    ctx: Context, verdict: DrillVerdict, notebook: Notebook, report: Report | None
) -> dict[str, JsonValue]:
    seen, phases = notebook.seen(), notebook.phases
    compared = seen.comparison or seen.streamed
    codes: list[JsonValue] = [str(finding.code) for finding in verdict.findings[:MOST_JOURNALLED]]
    payload: dict[str, JsonValue] = {
        "repository": notebook.repository,
        "findings": codes,
        "findings_count": len(verdict.findings),
        "reached": verdict.reached and str(verdict.reached),
        "broken": verdict.broken and str(verdict.broken),
        "part": bool(notebook.part),
        "participants": [*notebook.participants],
        "rto_target_ms": milliseconds(seen.targets.rto),
        "rpo_target_ms": milliseconds(seen.targets.rpo),
        "rto_ms": milliseconds(seen.rto),
        "rpo_ms": milliseconds(seen.rpo),
        "check_ms": milliseconds(notebook.check_took),
        "scratch_removed": notebook.scratch_removed,
    }
    if phases:
        payload["phases_ms"] = {
            name: milliseconds(getattr(phases, name)) for name in ("fetch", "load", "verify", "start")
        }
    if seen.forecast is not None:
        payload["forecast_ms"] = milliseconds(seen.forecast)
    values: dict[str, JsonValue] = {
        each.key: each.value
        for database in notebook.databases
        for each in database.asserted
        if type(each.value) is int
    }
    if values:
        payload["values"] = values
    if snapshot := notebook.snapshot:
        payload |= {"snapshot": snapshot.id, "tree": notebook.tree, "manifest_sha256": snapshot.manifest_sha256}
    if compared:
        payload |= {"files": compared.matching, "bytes": compared.hashed_bytes}
    if report:
        path = report.html.relative_to(ctx.workspace.root)
        payload |= {"report": str(path), "report_sha256": report.html_sha256, "data_sha256": report.json_sha256}
        if report.pdf_sha256:
            payload["pdf_sha256"] = report.pdf_sha256
    return payload
