"""How `tocsin backup run` tells of what it did, or would do."""

from typing import TYPE_CHECKING

from tocsin.cli.backup_clean import suspicion_data

if TYPE_CHECKING:
    from tocsin.backups import Copied, Copy, LedgerEntry, PlannedBackup


def spell_size(count: int) -> str:
    """Return a number of bytes as people say it."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - disks are sold in thousands
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def copy_text(plan: str, copy: "Copy") -> str:
    """Return what became of a plan in one repository, for people."""
    entry = copy.entry
    what = ""
    if entry is not None:
        size, added = spell_size(entry.bytes), spell_size(entry.added_bytes)
        what = f", snapshot {entry.short_id}: {entry.files} files, {size}, {added} added"
    lines = [f"{plan} → {copy.repository}: {copy.judged.verdict}{what}."]
    lines += [
        f"  dump {one.dump}, snapshot {one.short_id}: {spell_size(one.bytes)}, "
        f"{spell_size(one.added_bytes)} added."
        for one in copy.dumps
    ]
    lines += [f"  {one.sentence}" for one in copy.settled]
    lines += [f"  {sentence}" for sentence in (*copy.judged.reasons, *copy.judged.notes)]
    if suspicion := copy.suspicion:
        lines.append(
            f"  NOT PLAUSIBLE since {suspicion.since:%Y-%m-%d %H:%M} UTC; nothing is pruned, the last clean "
            "snapshots are held:"
        )
        lines += [f"    {sentence}" for sentence in suspicion.sentences]
        lines.append(
            f"  Look at the files now. Say what it was with 'tocsin backup explain {plan} --expected|--damage'."
        )
    return "\n".join(lines)


def copy_data(plan: str, copy: "Copy") -> dict[str, object]:
    """Return what became of a plan in one repository, for programs."""
    return {
        "plan": plan,
        "repository": copy.repository,
        "verdict": str(copy.judged.verdict),
        "reasons": list(copy.judged.reasons),
        "notes": list(copy.judged.notes),
        "snapshot": entry_data(copy.entry) if copy.entry else None,
        "dumps": [entry_data(one) for one in copy.dumps],
        "suspicion": suspicion_data(copy.suspicion) if copy.suspicion else None,
        "hashed": {"files": copy.hashed_files, "bytes": copy.hashed_bytes},
        "settled": [
            {
                "operation": one.operation,
                "repository": one.repository,
                "snapshot": one.snapshot,
                "text": one.sentence,
            }
            for one in copy.settled
        ],
    }


def copied_text(copied: "Copied") -> str:
    """Return what was copied from one repository into another, for people."""
    what = f"{len(copied.entries)} snapshot{'' if len(copied.entries) == 1 else 's'} copied from {copied.source}"
    lines = [f"{copied.plan} → {copied.repository}: {what}."]
    lines += [f"  {one.series}, snapshot {one.short_id}: {spell_size(one.bytes)}." for one in copied.entries]
    lines += [
        f"  snapshot {one.id[:8]} of {one.time:%Y-%m-%d %H:%M} UTC was NOT copied: {copied.source} does not have "
        "it as we saved it. 'tocsin watch' says more."
        for one in copied.absent
    ]
    return "\n".join(lines)


def copied_data(copied: "Copied") -> dict[str, object]:
    """Return what was copied from one repository into another, for programs."""
    return {
        "plan": copied.plan,
        "repository": copied.repository,
        "copied_from": copied.source,
        "verdict": "ok" if copied.is_ok else "incomplete",
        "snapshots": [entry_data(one) for one in copied.entries],
        "absent": [one.id for one in copied.absent],
    }


def entry_data(entry: "LedgerEntry") -> dict[str, object]:
    """Return a row of the ledger for programs."""
    return {
        "id": entry.id,
        "copy_id": entry.copy_id,
        "repository": entry.repository,
        "plan": entry.backup_plan,
        "time": entry.time.isoformat(),
        "verdict": entry.verdict,
        "plausibility": entry.plausibility,
        "files": entry.files,
        "bytes": entry.bytes,
        "added_bytes": entry.added_bytes,
        "manifest_sha256": entry.manifest_sha256,
        "dump": entry.dump or None,
        "dump_sha256": entry.dump_sha256,
        "changed_during_backup": list(entry.changed),
    }


def planned_text(planned: "PlannedBackup") -> str:
    """Return what a backup would do, for people."""
    lines = [f"{planned.plan} → {', '.join(planned.repositories) or 'nothing is backed up'}"]
    lines += [f"  reads {path}{f'  ({fault})' if fault else ''}" for path, fault in planned.sources]
    lines += [
        f"  dumps {name}{f'  ({missing} is not here)' if missing else ''}" for name, missing in planned.dumps
    ]
    lines += [f"  leaves out {pattern}" for pattern in planned.exclude]
    lines += [
        f"  copies to {name} from {source}{f', with {waiting} snapshots that wait' if waiting else ''}"
        for name, source, waiting in planned.copies
    ]
    return "\n".join(lines)


def planned_data(planned: "PlannedBackup") -> dict[str, object]:
    """Return what a backup would do, for programs."""
    return {
        "plan": planned.plan,
        "sources": [{"path": str(path), "fault": fault and str(fault)} for path, fault in planned.sources],
        "dumps": [{"dump": name, "missing": missing or None} for name, missing in planned.dumps],
        "exclude": list(planned.exclude),
        "repositories": list(planned.repositories),
        "copies": [
            {"repository": name, "from": source, "waiting": waiting} for name, source, waiting in planned.copies
        ],
    }
