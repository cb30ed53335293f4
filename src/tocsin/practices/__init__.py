"""Practices: recurring obligations of good practice, done only with evidence.

    practices_of(workspace)                      those the firm keeps, with owner, rhythm, grace
    standing(connection, workspace, now)         how each stands: settled, due, overdue
    opened / answer / sign_off                   worksheets from the inventory
    complete / skip                              done with evidence, or passed over with a reason
    go_practice_round(ctx)                       count drills, look at machines, tell people; any bell may ring it
    state_at(connection, workspace, name, t)     what it was worth on the night of a breach

The calendar is ours (`due`): downtime loses nothing, and whoever rings may ring late or twice.
"""

from tocsin.practices.catalogue import CataloguePractice, Source, as_of, catalogue, for_cause, sources_of
from tocsin.practices.checking import check_updates, check_updates_if_due
from tocsin.practices.checks import Check, last_check
from tocsin.practices.completing import (
    Evidence,
    Recorded,
    abouts_of,
    complete,
    kept_file,
    known_people,
    signer,
    skip,
)
from tocsin.practices.consents import (
    Consent,
    Imported,
    consents_in,
    export_consents,
    import_consents,
    withdraw,
    without_record,
)
from tocsin.practices.consents import counted as counted_consents
from tocsin.practices.drilled import count_drills
from tocsin.practices.due import DueDay, State
from tocsin.practices.ledger import (
    Done,
    Standing,
    done_since,
    history_of,
    overdue_at,
    standing,
    standing_of,
    state_at,
    today_of,
)
from tocsin.practices.practice import Practice, practice_named, practices_of
from tocsin.practices.reminding import Told, line_of, remind
from tocsin.practices.round import PracticeRound, go_practice_round
from tocsin.practices.rows import Row
from tocsin.practices.sheet_csv import read_csv, written_csv
from tocsin.practices.sheets import (
    Change,
    Sheet,
    Signed,
    answer,
    changes_between,
    last_signed,
    open_sheet,
    opened,
    sign_off,
)
from tocsin.practices.updates import MachineUpdates, Update

__all__ = [
    "CataloguePractice",
    "Change",
    "Check",
    "Consent",
    "Done",
    "DueDay",
    "Evidence",
    "Imported",
    "MachineUpdates",
    "Practice",
    "PracticeRound",
    "Recorded",
    "Row",
    "Sheet",
    "Signed",
    "Source",
    "Standing",
    "State",
    "Told",
    "Update",
    "abouts_of",
    "answer",
    "as_of",
    "catalogue",
    "changes_between",
    "check_updates",
    "check_updates_if_due",
    "complete",
    "consents_in",
    "count_drills",
    "counted_consents",
    "done_since",
    "export_consents",
    "for_cause",
    "go_practice_round",
    "history_of",
    "import_consents",
    "kept_file",
    "known_people",
    "last_check",
    "last_signed",
    "line_of",
    "open_sheet",
    "opened",
    "overdue_at",
    "practice_named",
    "practices_of",
    "read_csv",
    "remind",
    "sign_off",
    "signer",
    "skip",
    "sources_of",
    "standing",
    "standing_of",
    "state_at",
    "today_of",
    "withdraw",
    "without_record",
    "written_csv",
]
