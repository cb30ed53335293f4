"""What a flow leaves for a person: one sentence, and a table of what was done. Pure; knows nothing of Prefect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tocsin.backups import BackupOutcome, Copy, Maintained, Skipped, Verdict
from tocsin.drills import DrillOutcome
from tocsin.drills import Verdict as DrillVerdict
from tocsin.errors import TocsinError
from tocsin.practices import PracticeRound
from tocsin.recovery import spell_bytes, spell_span
from tocsin.runbook.engine import Progressed
from tocsin.runbook.readiness import Look
from tocsin.serve.rounds import Round

MOST_NAMED = 20

Line = Sequence[str]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one flow. `rows` belong below `head`, `notes` are sentences, `report` is a page for people."""

    sentence: str
    is_well: bool = True
    is_skipped: bool = False
    head: Line = ()
    rows: Sequence[Line] = ()
    notes: Sequence[str] = ()
    report: Path | None = None

    def markdown(self, seconds: float) -> str:
        """Return the artifact's text."""
        parts = [escaped(self.sentence)]
        if self.rows:
            table = [self.head, ["---"] * len(self.head), *self.rows]
            parts.append("\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in table))
        if self.notes:
            parts.append("\n".join(f"- {escaped(note)}" for note in self.notes[:MOST_NAMED]))
        if len(self.notes) > MOST_NAMED:
            parts.append(f"{len(self.notes) - MOST_NAMED} more stand in the journal.")
        parts.append(f"It took {spell_span(timedelta(seconds=seconds))}.")
        return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text if set(text) == {"-"} else escaped(text) or "&nbsp;"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is: a file's name may hold anything."""
    flat = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#!" else letter for letter in flat)


def told_of_failure(title: str, error: TocsinError) -> Told:
    """Tell of an operation that ended in an error."""
    return Told(f"{title}: {error}", is_well=False)


def told_of_backup(outcome: BackupOutcome | Skipped) -> Told:
    """Tell of a backup that ran, or was skipped."""
    if isinstance(outcome, Skipped):
        return Told(f"The backup of {outcome.plan} was skipped. {outcome.reason}", is_skipped=True)
    is_ok = outcome.verdict is Verdict.OK
    said = (
        f"The backup of {outcome.plan} is ok." if is_ok else f"The backup of {outcome.plan} is {outcome.verdict}."
    )
    settled = [one.sentence for copy in outcome.copies for one in copy.settled]
    settled += [
        f"{len(one.entries)} snapshots were copied from {one.source} to {one.repository}; {len(one.absent)} could "
        "not be."
        for one in outcome.copied
    ]
    notes = dict.fromkeys(note for copy in outcome.copies for note in copy.judged.notes)
    return Told(
        " ".join([said, *outcome.reasons[:1]]),
        is_well=is_ok,
        head=("Plan", "Repository", "Snapshot", "Files", "Size", "Added", "Verdict"),
        rows=[row for copy in outcome.copies for row in _copy_rows(outcome.plan, copy)],
        notes=[*outcome.reasons, *notes, *settled],
    )


def told_of_maintenance(done: Sequence[Maintained]) -> Told:
    """Tell what came of a repository's checks, forgetting and pruning."""
    if not done:
        return Told("Nothing of the repository's maintenance is due here.", is_skipped=True)
    worst = next((one for one in done if not one.is_well), done[0])
    others = [one.sentence for one in done if one != worst]
    return Told(worst.sentence, is_well=all(one.is_well for one in done), notes=others)


def told_of_practices(done: PracticeRound) -> Told:
    """Tell what a round of the practices did."""
    said = done.sentences
    if not said:
        return Told("Nothing of the practices is due for Tocsin to do.", is_skipped=True)
    return Told(said[0] if len(said) == 1 else f"The practices' round did {len(said)} things.", notes=said)


def _copy_rows(plan: str, copy: Copy) -> Sequence[Line]:
    """Return a line for the files' snapshot and one for each dump's."""
    if not copy.entries:
        return [(plan, copy.repository, "none", "", "", "", str(copy.judged.verdict))]
    return [
        (
            f"{plan}/{entry.dump}" if entry.dump else plan,
            copy.repository,
            entry.short_id,
            str(entry.files),
            spell_bytes(entry.bytes),
            spell_bytes(entry.added_bytes),
            str(copy.judged.verdict),
        )
        for entry in copy.entries
    ]


def told_of_drill(outcome: DrillOutcome | None) -> Told:
    """Tell of a drill that ran, or was not due."""
    if outcome is None:
        said = "The drill was skipped: it is not due, or its backup plan has no good snapshot to restore yet."
        return Told(said, is_skipped=True)
    verdict, seen = outcome.verdict, outcome.notebook.seen()
    is_well = verdict.verdict is DrillVerdict.PASSED and outcome.report is not None
    why = verdict.obstacle.sentence if verdict.obstacle else next((one.sentence for one in verdict.findings), "")
    rows = [
        ("Backup plan", outcome.drill.backup_plan),
        ("Repository", outcome.notebook.repository),
        ("Snapshot", outcome.notebook.snapshot.id[:8] if outcome.notebook.snapshot else "none"),
        ("Verdict", str(verdict.verdict)),
        ("Time to restore and verify", _against(seen.rto, seen.targets.rto)),
        ("Age of the snapshot", _against(seen.rpo, seen.targets.rpo)),
        ("Scratch copy removed", "yes" if outcome.notebook.scratch_removed else "no"),
        ("Report", str(outcome.report.html) if outcome.report else f"none: {outcome.report_problem}"),
    ]
    said = f"The drill {outcome.drill.id} {str(verdict.verdict).replace('-', ' ')}."
    return Told(
        f"{said} {'' if is_well else why}".strip(),
        is_well=is_well,
        head=("What", "Result"),
        rows=rows,
        notes=[finding.sentence for finding in verdict.findings],
        report=outcome.report.html if outcome.report else None,
    )


def _against(measured: timedelta | None, target: timedelta) -> str:
    return f"{spell_span(measured) if measured is not None else 'not measured'} (target {spell_span(target)})"


def told_of_run(progressed: Progressed) -> Told:
    """Tell where a playbook's run stands after one wake-up. A run that waits for people is well."""
    run, waiting = progressed.run, progressed.waiting
    failed = [seen.row.key for seen in progressed.looks if seen.row.state == "failed"]
    said = f"{run.id} ({run.playbook}) is {progressed.state}; {len(progressed.acted)} steps were taken"
    if waiting:
        said += f", {len(waiting)} wait for people"
    if failed:
        said += f"; failed: {', '.join(failed)}"
    return Told(
        f"{said}.",
        is_well=progressed.state != "failed",
        head=("Step", "State", "Taken now", "Why"),
        rows=[_step_row(seen, progressed.acted) for seen in progressed.looks],
    )


def _step_row(seen: Look, acted: Sequence[str]) -> Line:
    return (seen.row.key, seen.row.state, "yes" if seen.row.key in acted else "", seen.why or "")


def told_of_round(done: Round) -> Told:
    """Tell what the watch saw and did."""
    rows = [
        (plan.plan, str(plan.state), f"{plan.last_ok:%Y-%m-%d %H:%M} UTC" if plan.last_ok else "none")
        for plan in done.watched.plans
    ]
    standing = done.watched.standing
    notes = [*(alarm.text for alarm in done.deadline_alarms), *(alarm.text for alarm in standing)]
    notes += [
        f"{one.kind} {one.subject} was left by a process that is gone; its outcome is unknown."
        for one in done.unknown
    ]
    notes += [f"A scratch copy was removed: {name}." for name in done.scratch_removed]
    notes += [f"{run.run.id} is {run.state}; {len(run.acted)} steps were taken." for run in done.advanced]
    notes += done.mail.sentences
    notes += done.faults
    said = f"{len(standing)} alarms stand" if standing else "No alarm stands"
    if done.faults:
        said += f"; {len(done.faults)} things could not be done: {done.faults[0]}"
    return Told(
        said.removesuffix(".") + ".",
        is_well=not done.faults,
        head=("Backup plan", "State", "Last good snapshot"),
        rows=rows,
        notes=notes,
    )
