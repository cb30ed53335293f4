"""The restore drill: really restore, check every byte, load, ask, measure, judge, keep the evidence.

    outcome = run_drill(ctx, "files-quarterly")      journalled, whatever comes of it
    drill_if_due(ctx, "files-quarterly", now)        the same, when its schedule says so
    prove_it_can_fail(ctx, "files-quarterly")        the same on a copy that we damage: it must fail
    proven_systems(connection, workspace)            how far up the ladder each system is proven, and when
    watch_drills(ctx)                                alarms for drills that are overdue, failed or were never run

How far a drill goes is a rung of the ladder of proof (`tocsin.model.ladder`): a pass means that everything up to
it was proven, in no more time and with no older data than the targets allow.
"""

from typing import TYPE_CHECKING

from tocsin.lazily import handed_out

if TYPE_CHECKING:
    from tocsin.drills.alarming import watch_drills
    from tocsin.drills.evidence import export_evidence
    from tocsin.drills.history import PastDrill, drill_history, last_drill, last_shown_to_fail
    from tocsin.drills.ladder import SystemProof, proven_systems
    from tocsin.drills.must_fail import ShownToFail, prove_it_can_fail
    from tocsin.drills.proving import verify_evidence
    from tocsin.drills.report import Report
    from tocsin.drills.running import DrillOutcome, drill_if_due, drill_named, run_drill
    from tocsin.drills.verdict import DrillVerdict, Finding, Verdict, judge_drill

__all__ = [
    "DrillOutcome",
    "DrillVerdict",
    "Finding",
    "PastDrill",
    "Report",
    "ShownToFail",
    "SystemProof",
    "Verdict",
    "drill_history",
    "drill_if_due",
    "drill_named",
    "export_evidence",
    "judge_drill",
    "last_drill",
    "last_shown_to_fail",
    "prove_it_can_fail",
    "proven_systems",
    "run_drill",
    "verify_evidence",
    "watch_drills",
]

# Reading what earlier drills said must not wait for what a drill itself needs.
__getattr__ = handed_out(
    __name__,
    {
        "alarming": ("watch_drills",),
        "evidence": ("export_evidence",),
        "history": (
            "PastDrill",
            "drill_history",
            "last_drill",
            "last_shown_to_fail",
        ),
        "ladder": (
            "SystemProof",
            "proven_systems",
        ),
        "must_fail": (
            "ShownToFail",
            "prove_it_can_fail",
        ),
        "proving": ("verify_evidence",),
        "report": ("Report",),
        "running": (
            "DrillOutcome",
            "drill_if_due",
            "drill_named",
            "run_drill",
        ),
        "verdict": (
            "DrillVerdict",
            "Finding",
            "Verdict",
            "judge_drill",
        ),
    },
)
