"""Prevention actions: somebody answers for each, by a day, and each has a check that must pass to close it.

    open_action(ctx, Wanted(...)) -> "ACT-2026-001"     check(ctx, id)     close(ctx, id)     drop / agree_to_drop
    go_action_round(ctx)        check again, open again what fails, remind: part of the watch's round

`open_in(tx, workspace, Wanted(...))` is for those who open one beside rows of their own: reviews, drills,
exercises, worksheets. There is no way to close one but `close`, and the table itself refuses another.
"""

from typing import TYPE_CHECKING

from tocsin.lazily import handed_out

if TYPE_CHECKING:
    from tocsin.actions.checking import Verdict
    from tocsin.actions.ledger import (
        Action,
        Checked,
        Document,
        action_named,
        actions,
        checks_of,
        documents_of,
        overdue,
        promised_against,
        today,
    )
    from tocsin.actions.opening import Wanted, open_action, open_in
    from tocsin.actions.proof import KINDS, Proof, check_proof, kept_proof
    from tocsin.actions.reminding import ActionRound, go_action_round
    from tocsin.actions.settling import Looked, agree_to_drop, approve, attach, check, close, drop

_HOMES = {
    "checking": ("Verdict",),
    "ledger": (
        "Action",
        "Checked",
        "Document",
        "action_named",
        "actions",
        "checks_of",
        "documents_of",
        "overdue",
        "promised_against",
        "today",
    ),
    "opening": ("Wanted", "open_action", "open_in"),
    "proof": ("KINDS", "Proof", "check_proof", "kept_proof"),
    "reminding": ("ActionRound", "go_action_round"),
    "settling": ("Looked", "agree_to_drop", "approve", "attach", "check", "close", "drop"),
}
__getattr__ = handed_out(__name__, _HOMES)

__all__ = [
    "KINDS",
    "Action",
    "ActionRound",
    "Checked",
    "Document",
    "Looked",
    "Proof",
    "Verdict",
    "Wanted",
    "action_named",
    "actions",
    "agree_to_drop",
    "approve",
    "attach",
    "check",
    "check_proof",
    "checks_of",
    "close",
    "documents_of",
    "drop",
    "go_action_round",
    "kept_proof",
    "open_action",
    "open_in",
    "overdue",
    "promised_against",
    "today",
]
