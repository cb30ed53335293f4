"""What is written of a backup when it has ended: the ledger's row and the journal's word, or neither."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from tocsin.backups.dumping import DumpDone
from tocsin.backups.judging import BackupFacts, BackupVerdict, Verdict, judge_backup, judge_files
from tocsin.backups.ledger import LedgerEntry, ledger_entry
from tocsin.backups.plausibility import Plausibility
from tocsin.backups.suspecting import Observed, Suspicion, keep_observation, standing_suspicion
from tocsin.context import Context
from tocsin.errors import TocsinError
from tocsin.manifest import SourceFault, TakenManifest
from tocsin.ports import BackupSummary
from tocsin.store.database import JsonValue, Transaction
from tocsin.store.operations import Operation, finish
from tocsin.store.tables import snapshot as snapshots


@dataclass(frozen=True, slots=True)
class Done:
    """Everything seen in one backup. Without a usable source there is no manifest and no summary.

    `read_at` is the moment that restic was started, by our clock: what was saved is no younger.
    """

    operation: Operation
    plan: str
    repository: str
    faults: dict[Path, SourceFault]
    taken: TakenManifest | None
    changed: tuple[str, ...]
    summary: BackupSummary | None
    read_at: datetime | None
    observed: Observed | None = None
    dumps: tuple[DumpDone, ...] = ()
    has_files: bool = True

    @property
    def facts(self) -> BackupFacts:
        """What the judge is shown."""
        return BackupFacts(
            faults={str(path): fault for path, fault in self.faults.items()},
            manifest_files=self.taken.files if self.taken else 0,
            unread=self.taken.unread if self.taken else (),
            changed=self.changed,
            summary=self.summary,
            has_files=self.has_files,
            dumps=tuple((one.dump, one.fault) for one in self.dumps),
        )

    @property
    def hashed_files(self) -> int:
        """How many files were read for the manifest."""
        return self.taken.hashed_files if self.taken else 0

    @property
    def hashed_bytes(self) -> int:
        """How much was read for the manifest."""
        return self.taken.hashed_bytes if self.taken else 0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was written: the verdict, the ledger's rows of files and of dumps, a suspicion that stands."""

    judged: BackupVerdict
    entry: LedgerEntry | None
    dumps: tuple[LedgerEntry, ...]
    suspicion: Suspicion | None


def record(ctx: Context, done: Done) -> Recorded:
    """Judge the backup, write its rows and its finish in one transaction, and sign the journal's head."""
    judged = judge_backup(done.facts)
    with ctx.store.write(ctx.actor) as tx:
        if done.observed is not None:
            keep_observation(ctx, tx, done.observed)
        suspicion = standing_suspicion(tx.connection, done.plan)
        entry = _write_row(tx, done, judge_files(done.facts), suspicion)
        dumps = _write_dumps(tx, done.operation, done.plan, done.repository, done.dumps)
        if told := [*judged.reasons, *judged.notes]:
            tx.record(
                "backup.judged",
                done.operation.subject,
                {"operation": done.operation.id, "verdict": str(judged.verdict)},
                private={"reasons": "\n".join(told)},
            )
        finish(tx, done.operation, str(judged.verdict), _payload(done, judged, entry) | _dumps_payload(dumps))
    ctx.store.sign_head(ctx.actor)
    return Recorded(judged, entry, dumps, suspicion)


@dataclass(frozen=True, slots=True)
class Failure:
    """An end in an error: `verdict` is `failed` or `interrupted`, `dumps` had ended before."""

    verdict: str
    fault: BaseException
    dumps: tuple[DumpDone, ...] = ()


def record_failure(ctx: Context, operation: Operation, plan: str, repository: str, failure: Failure) -> None:
    """Journal that the operation ended in an error, and enter what it had saved before."""
    fault = failure.fault
    # When the store is what failed, the person must hear of the first fault, and the next run sweeps this one.
    with suppress(TocsinError):
        with ctx.store.write(ctx.actor) as tx:
            tx.record(
                "backup.failed",
                operation.subject,
                {"operation": operation.id, "repository": repository},
                private={"why": str(fault) or type(fault).__name__},
            )
            saved = _dumps_payload(_write_dumps(tx, operation, plan, repository, failure.dumps))
            told: dict[str, JsonValue] = {"repository": repository, "error": type(fault).__name__}
            finish(tx, operation, failure.verdict, told | saved)
        ctx.store.sign_head(ctx.actor)


def _write_row(
    tx: Transaction, done: Done, judged: BackupVerdict, suspicion: Suspicion | None
) -> LedgerEntry | None:
    summary, taken = done.summary, done.taken
    if summary is None or summary.snapshot_id is None or taken is None:
        return None
    values: dict[str, Any] = {
        "id": summary.snapshot_id,
        "repository": done.repository,
        "backup_plan": done.plan,
        "tree": "",  # restic does not say it here, and asking is a second call; `watch` fills it in
        "time": done.read_at or tx.now,
        "verdict": str(judged.verdict),
        "files": summary.total_files,
        "bytes": summary.total_bytes,
        "added_bytes": summary.data_added_packed_bytes,
        "manifest_sha256": taken.sha256,
        "manifest_path": str(taken.folder),
        "paths": [str(path) for path in taken.paths],
        "changed": list(done.changed),
        "operation": done.operation.id,
        "plausibility": str(Plausibility.FLAGGED if suspicion else Plausibility.CLEAN),
        "suspicion": suspicion.id if suspicion else None,
    }
    tx.execute(insert(snapshots).values(values))
    return ledger_entry(values)


def _write_dumps(
    tx: Transaction, operation: Operation, plan: str, repository: str, dumps: tuple[DumpDone, ...]
) -> tuple[LedgerEntry, ...]:
    """Enter the dumps that were saved. A dump has no look of its own: a suspicion of the plan taints it."""
    suspicion = standing_suspicion(tx.connection, plan) if dumps else None
    written = []
    for dump in dumps:
        backup = dump.summary.backup
        if backup is None or backup.snapshot_id is None:
            continue
        values: dict[str, Any] = {
            "id": backup.snapshot_id,
            "repository": repository,
            "backup_plan": plan,
            "tree": "",
            "time": dump.read_at,
            "verdict": str(Verdict.OK),
            "files": 1,
            "bytes": dump.summary.bytes,
            "added_bytes": backup.data_added_packed_bytes,
            "paths": [dump.file_path],
            "operation": operation.id,
            "dump": dump.dump,
            "dump_sha256": dump.summary.sha256,
            "plausibility": str(Plausibility.FLAGGED if suspicion else Plausibility.CLEAN),
            "suspicion": suspicion.id if suspicion else None,
        }
        tx.execute(insert(snapshots).values(values))
        written.append(ledger_entry({"manifest_sha256": None, "manifest_path": None, "changed": (), **values}))
    return tuple(written)


def _dumps_payload(dumps: tuple[LedgerEntry, ...]) -> dict[str, JsonValue]:
    told: list[JsonValue] = [
        {"dump": one.dump, "snapshot": one.id, "sha256": one.dump_sha256, "bytes": one.bytes} for one in dumps
    ]
    return {"dumps": told} if told else {}


def _payload(done: Done, judged: BackupVerdict, entry: LedgerEntry | None) -> dict[str, JsonValue]:
    return {
        "repository": done.repository,
        "snapshot": entry.id if entry else None,
        "manifest_sha256": entry.manifest_sha256 if entry else None,
        "files": entry.files if entry else 0,
        "bytes": entry.bytes if entry else 0,
        "changed_during_backup": len(done.changed),
        "reasons": [str(code) for code in judged.codes],
        "plausibility": entry.plausibility if entry else None,
    }
