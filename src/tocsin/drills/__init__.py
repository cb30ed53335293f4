"""The restore drill: really restore, check every byte, measure, judge, keep the evidence.

    outcome = run_drill(ctx, "files-quarterly")      journalled, whatever comes of it
    drill_if_due(ctx, "files-quarterly", now)        the same, when its schedule says so

A pass means: every pack was read, the newest good snapshot was restored without a cache, every file's content
is what the manifest recorded when it was backed up, and it took no longer and is no older than the targets.
"""

from typing import TYPE_CHECKING

from tocsin.lazily import handed_out

if TYPE_CHECKING:
    from tocsin.drills.history import PastDrill, drill_history, last_drill
    from tocsin.drills.report import Report
    from tocsin.drills.running import DrillOutcome, drill_if_due, drill_named, run_drill
    from tocsin.drills.verdict import DrillVerdict, Finding, Verdict, judge_drill

__all__ = [
    "DrillOutcome",
    "DrillVerdict",
    "Finding",
    "PastDrill",
    "Report",
    "Verdict",
    "drill_history",
    "drill_if_due",
    "drill_named",
    "judge_drill",
    "last_drill",
    "run_drill",
]

# Reading what earlier drills said must not wait for what a drill itself needs.
__getattr__ = handed_out(
    __name__,
    {
        "history": (
            "PastDrill",
            "drill_history",
            "last_drill",
        ),
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
