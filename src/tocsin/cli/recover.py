"""`tocsin recover`: bring data back from a snapshot, verified."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.recovery import Intent, LedgerSnapshot, Recovered


@click.command()
@click.argument("plan")
@click.option(
    "--to", "destination", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where to put it."
)
@click.option("--snapshot", metavar="ID", help="This snapshot, by its id or its first digits.")
@click.option("--before", metavar="TIME", help="The newest good one taken at or before this time.")
@click.option(
    "--include", type=click.Path(path_type=Path), multiple=True, metavar="PATH", help="Only this; may be repeated."
)
@click.option("--replace", is_flag=True, help="Move what is at DIR aside first; it is never deleted.")
@click.option("--accept-damage", is_flag=True, help="Bring back the sound files where some are damaged.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@common_options
def command(
    plan: str,
    destination: Path,
    snapshot: str | None,
    before: str | None,
    include: tuple[Path, ...],
    replace: bool,
    accept_damage: bool,
    dry_run: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> int:
    """Bring the data of the backup plan PLAN back, every file compared with what was backed up.

    Without --snapshot or --before the newest good snapshot is taken. After an attack, give --before with a time
    from before it began. What came back is put in place only when all of it is right.

    \b
    Examples:
      tocsin recover files --to /srv/share-restored
      tocsin recover files --to /srv/share --replace --before 2026-11-20T17:00+00:00
      tocsin recover files --to /tmp/look --include contracts/2026
    """
    from tocsin.cli.progress import followed
    from tocsin.recovery import Wish, plan_recovery, recover
    from tocsin.wiring import open_context

    if snapshot and before:
        raise UsageError("Give --snapshot or --before, not both.")
    target = Path.cwd() / destination.expanduser()
    wish = Wish(target, snapshot, _moment(before), replace=replace, include=include, accept_damage=accept_damage)
    with open_context(workspace_folder) as ctx:
        if dry_run:
            would = plan_recovery(ctx, plan, wish)
            emit(_planned_data(would), _planned(would), as_json=as_json)
            return 0
        with followed(as_json=as_json) as shown:
            done = recover(ctx, plan, wish, on_progress=shown.on_progress, on_stage=shown.on_stage)
    emit(_data(done), _told(done), as_json=as_json)
    return 1 if done.left_out else 0


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--before {text!r} is not a time. Write one such as 2026-11-20T17:00+00:00.") from None
    if moment.tzinfo is None:
        raise UsageError(
            f"--before {text!r} does not say its time zone. Write {moment:%Y-%m-%dT%H:%M}Z for UTC, or "
            f"{moment:%Y-%m-%dT%H:%M}+01:00 for British Summer Time."
        )
    return moment


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
