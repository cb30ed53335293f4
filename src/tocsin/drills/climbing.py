"""How far up the ladder of proof a drill came. Pure."""

from collections.abc import Sequence

from tocsin.drills.asking import Answered
from tocsin.drills.loading import LoadedDatabase
from tocsin.drills.seen import Code, PlanStep, Seen
from tocsin.model.ladder import Rung

_LOST = frozenset({Code.NO_SNAPSHOT, Code.SNAPSHOT_GONE, Code.RESTORE_FAILED, Code.LEDGER_ALTERED})


def climb(seen: Seen) -> tuple[Rung | None, Rung | None]:
    """Return the highest rung that held with all below it, and the lowest that was tried and did not hold.

    A rung that this drill has nothing on (no database in a folder of letters) keeps nobody from the next one.
    """
    restored = seen.comparison.is_whole if seen.comparison and seen.restore else None
    if seen.restore is not None and (not seen.restore.ok or (seen.manifest_problem and not seen.comparison)):
        restored = False
    streamed = seen.streamed.is_whole if seen.streamed else None
    ran = _all_ok(seen.steps or ())
    if restored is None:
        restored = ran or None  # a plan that came to its end has restored and compared
    gone = any(finding.fails and finding.code in _LOST for finding in seen.broken)
    checked = seen.check.ok if seen.check else None
    tried = (
        (Rung.L0, False if _will_not_open(seen) else seen.opened if seen.opened is not None else checked),
        (Rung.L1, False if seen.damaged else checked),
        (Rung.L2, False if gone else restored if restored is not None else streamed),
        (Rung.L3, restored),
        (Rung.L4, _all_ok(seen.databases)),
        (Rung.L5, _all_ok(seen.checks or ())),
        (Rung.L6, ran),
    )
    reached: Rung | None = None
    for rung, held in tried:
        if held is False:
            return reached, rung
        if held:
            reached = rung
        elif rung.height < Rung.L4.height:
            break
    # A plan that broke before anything was compared still broke.
    return reached, Rung.L6 if ran is False else None


def _will_not_open(seen: Seen) -> bool:
    return any(finding.code is Code.WILL_NOT_OPEN for finding in seen.broken)


def _all_ok(found: Sequence[LoadedDatabase | Answered | PlanStep]) -> bool | None:
    return all(each.ok for each in found) if found else None
