"""`tocsin recover PLAN --to DIR`: a backup plan's files, verified, then put in place."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.cli.output import emit

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.recovery import Choice, Intent, LedgerSnapshot, Recovered


@dataclass(frozen=True, slots=True)
class Flags:
    """How the files are brought back, and how that is shown."""

    include: tuple[Path, ...]
    replace: bool
    accept_damage: bool
    dry_run: bool
    as_json: bool


def bring_files(ctx: "Context", plan: str, choice: "Choice | None", target: Path, flags: Flags) -> int:
    """Bring a backup plan's files back to `target`, and return the exit code."""
    from tocsin.cli.progress import followed
    from tocsin.recovery import Wish, plan_recovery, recover

    named, not_after = _chosen(ctx, plan, choice)
    wish = Wish(
        target,
        named,
        not_after,
        replace=flags.replace,
        include=flags.include,
        accept_damage=flags.accept_damage,
    )
    if flags.dry_run:
        would = plan_recovery(ctx, plan, wish)
        emit(_planned_data(would), _planned(would), as_json=flags.as_json)
        return 0
    with followed(as_json=flags.as_json) as shown:
        done = recover(ctx, plan, wish, on_progress=shown.on_progress, on_stage=shown.on_stage)
    emit(_data(done), _told(done), as_json=flags.as_json)
    return 1 if done.left_out else 0


def _chosen(ctx: "Context", plan: str, choice: "Choice | None") -> tuple[str | None, datetime | None]:
    """Return the id of the snapshot that the words mean, or the time it must be from before."""
    from tocsin.recovery import Which, choose_wanted
    from tocsin.runbook.steps.choosing import Choosing, wanted

    if choice is None or choice.which in (Which.LATEST, Which.NAMED, Which.BEFORE):
        return (choice.snapshot_id, choice.before) if choice else (None, None)
    return choose_wanted(ctx, wanted(ctx, Choosing(backup_plan=plan, snapshot=choice.spelled))).id, None


def _planned(plan: "Intent") -> str:
    from tocsin.recovery import spell_bytes, spell_span

    snapshot, placement = plan.snapshot, plan.placement
    lines = [
        f"Would restore {snapshot.files} files ({spell_bytes(snapshot.bytes)}) to {placement.destination}.",
        _from(snapshot),
        f"Work of the last {spell_span(plan.age)} would not be in it.",
    ]
    if plan.include:
        lines.append(f"Only: {', '.join(map(str, plan.include))}.")
    if placement.aside:
        lines.append(f"What is there would be moved to {placement.aside}.")
    return "\n".join([*lines, "Nothing was done."])


def _told(done: "Recovered") -> str:
    from tocsin.recovery import spell_bytes, spell_span

    size = spell_bytes(done.bytes)
    lines = [
        f"Recovered {done.files} files ({size}) to {done.destination} in {spell_span(done.took)}.",
        "Each was compared with what was backed up.",
        _from(done.snapshot),
        f"Work of the last {spell_span(done.age)} is not in it.",
    ]
    if done.aside:
        lines.append(f"What was there before is at {done.aside}; remove it when nobody needs it.")
    if done.changed_during_backup:
        count = len(done.changed_during_backup)
        lines.append(f"{count} files changed while the backup ran and could not be compared; look at them:")
        lines += [f"  {path}" for path in done.changed_during_backup[:20]]
    if done.left_out:
        lines.append(f"NOT brought back, because the backup of them is damaged ({len(done.left_out)}):")
        lines += [f"  {path}" for path in done.left_out]
    return "\n".join(lines)


def _from(snapshot: "LedgerSnapshot") -> str:
    when = f"{snapshot.time:%Y-%m-%d %H:%M} UTC"
    where = f"repository {snapshot.repository}"
    return f"From snapshot {snapshot.short_id} of {when} (verdict {snapshot.verdict}), {where}."


def _planned_data(plan: "Intent") -> dict[str, object]:
    return {
        "dry_run": True,
        "snapshot": plan.snapshot.id,
        "taken_at": plan.snapshot.time.isoformat(),
        "verdict": plan.snapshot.verdict,
        "repository": plan.snapshot.repository,
        "files": plan.snapshot.files,
        "bytes": plan.snapshot.bytes,
        "destination": str(plan.placement.destination),
        "moved_aside_to": str(plan.placement.aside) if plan.placement.aside else None,
        "include": [str(path) for path in plan.include],
        "age_seconds": round(plan.age.total_seconds()),
    }


def _data(done: "Recovered") -> dict[str, object]:
    return {
        "snapshot": done.snapshot.id,
        "taken_at": done.snapshot.time.isoformat(),
        "repository": done.snapshot.repository,
        "destination": str(done.destination),
        "moved_aside_to": str(done.aside) if done.aside else None,
        "files": done.files,
        "bytes": done.bytes,
        "took_seconds": done.took.total_seconds(),
        "age_seconds": round(done.age.total_seconds()),
        "changed_during_backup": list(done.changed_during_backup),
        "left_out": list(done.left_out),
    }
