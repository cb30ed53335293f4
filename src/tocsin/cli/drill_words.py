"""What the drill's commands say, in words and as data."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tocsin.drills import DrillOutcome, PastDrill, ShownToFail, SystemProof
    from tocsin.drills.seen import Seen
    from tocsin.findings import KeptFinding


def told(outcome: "DrillOutcome") -> str:
    """Return what a person reads of a drill that has ended."""
    from tocsin.drills import Verdict
    from tocsin.recovery import spell_bytes

    verdict, seen = outcome.verdict, outcome.notebook.seen()
    name = outcome.drill.id
    compared = seen.comparison or seen.streamed
    if verdict.verdict is Verdict.PASSED:
        lines = [f"{name}: passed."]
        if compared:
            size = spell_bytes(compared.hashed_bytes)
            lines[0] += f" {compared.matching} files ({size}) came back as they were backed up."
        lines[0] += f" Recovery is proven up to {verdict.reached}."
    elif verdict.verdict is Verdict.FAILED:
        lines = [f"{name}: FAILED."]
    else:
        lines = [
            f"{name}: could not run; nothing was proved. {verdict.obstacle.sentence if verdict.obstacle else ''}"
        ]
    if verdict.verdict is Verdict.FAILED and verdict.files_are_right:
        lines.append("  This plan's own files all came back as they were backed up.")
    lines += [f"  - {found.sentence}" for found in verdict.findings[:20]]
    if len(verdict.findings) > 20:  # noqa: PLR2004 - what fits a screen
        lines.append("  - and more, in the report")
    lines += _times(seen)
    if outcome.report:
        lines.append(f"  Report: {outcome.report.html}")
    if outcome.report_problem:
        lines.append(f"  {'Note' if outcome.report else 'No report'}: {outcome.report_problem}")
    return "\n".join(lines)


def _times(seen: "Seen") -> list[str]:
    from tocsin.recovery import spell_span

    lines = []
    if seen.rto is not None:
        lines.append(f"  Time to recover {spell_span(seen.rto)} (target {spell_span(seen.targets.rto)}).")
    if seen.forecast is not None:
        forecast, target = spell_span(seen.forecast), spell_span(seen.targets.rto)
        lines.append(f"  That was a part. At this rate the full restore takes {forecast}; the target is {target}.")
    if seen.rpo is not None:
        lines.append(f"  Snapshot {spell_span(seen.rpo)} old (target {spell_span(seen.targets.rpo)}).")
    return lines


def data_of(outcome: "DrillOutcome") -> dict[str, object]:
    """Return a drill's outcome as plain data."""
    seen = outcome.notebook.seen()
    return {
        "drill": outcome.drill.id,
        "operation": outcome.operation,
        "verdict": str(outcome.verdict.verdict),
        "exit_code": outcome.exit_code,
        "reason": outcome.verdict.obstacle.sentence if outcome.verdict.obstacle else None,
        "findings": [
            {"code": str(found.code), "thing": found.thing, "sentence": found.sentence, "fails": found.fails}
            for found in outcome.verdict.findings
        ],
        "reached": outcome.verdict.reached and str(outcome.verdict.reached),
        "must_reach": str(seen.targets.integrity),
        "broken": outcome.verdict.broken and str(outcome.verdict.broken),
        "repository": outcome.notebook.repository,
        "snapshot": outcome.notebook.snapshot.id if outcome.notebook.snapshot else None,
        "rto_seconds": seen.rto.total_seconds() if seen.rto is not None else None,
        "phases_seconds": {
            name: getattr(seen.phases, name).total_seconds() for name in ("fetch", "load", "verify", "start")
        }
        if seen.phases
        else None,
        "forecast_seconds": seen.forecast.total_seconds() if seen.forecast is not None else None,
        "rto_target_seconds": seen.targets.rto.total_seconds(),
        "rpo_seconds": seen.rpo.total_seconds() if seen.rpo is not None else None,
        "rpo_target_seconds": seen.targets.rpo.total_seconds(),
        "scratch_removed": outcome.notebook.scratch_removed,
        "report": str(outcome.report.html) if outcome.report else None,
        "report_problem": outcome.report_problem,
    }


def past_of(past: "PastDrill | None") -> dict[str, object] | None:
    """Return an earlier drill as plain data."""
    if past is None:
        return None
    return {
        "operation": past.operation,
        "verdict": past.verdict,
        "started_at": past.started_at.isoformat(),
        "reached": past.reached and str(past.reached),
        "rto_seconds": past.rto.total_seconds() if past.rto is not None else None,
        "report": past.report,
    }


def proven_of(one: "SystemProof") -> dict[str, object]:
    """Return how far a system is proven as plain data."""
    return {
        "system": one.system,
        "rung": one.proven.rung and str(one.proven.rung),
        "meaning": one.proven.rung.meaning if one.proven.rung else None,
        "at": one.proven.at.isoformat() if one.proven.at else None,
        "by": one.proven.by or None,
        "backup_plans": list(one.plans),
    }


def data_of_proof(proof: "ShownToFail") -> dict[str, object]:
    """Return what came of a drill that must fail as plain data."""
    return {
        "drill": proof.drill.id,
        "operation": proof.operation,
        "verdict": proof.verdict,
        "damaged": list(proof.damaged),
        "sentence": proof.sentence,
        "exit_code": proof.exit_code,
    }


def data_of_finding(one: "KeptFinding") -> dict[str, object]:
    """Return a finding as plain data."""
    return {
        "id": one.id,
        "source": one.source,
        "source_id": one.source_id,
        "subject": one.subject,
        "code": one.code,
        "thing": one.thing,
        "sentence": one.sentence,
        "found_at": one.found_at.isoformat(),
        "seen_at": one.seen_at.isoformat(),
        "times": one.times,
        "settled_at": one.settled_at.isoformat() if one.settled_at else None,
        "settled_by": one.settled_by,
        "settlement": one.settlement,
    }
