"""Every table, in the order of their lives. Only the journal is append-only by trigger; the rest are its shadow.

A row here is always written in the transaction that writes the journal entry telling of it.
"""

from tocsin.store.tables.actions import (
    action,
    action_check,
    action_document,
    action_told,
    readiness_week,
    review,
    review_proposal,
)
from tocsin.store.tables.backups import hold, observation, repository_check, snapshot
from tocsin.store.tables.chat import chat_message, chat_seen
from tocsin.store.tables.doors import reporter_message, webhook_cursor, webhook_delivery
from tocsin.store.tables.entries import journal, journal_head, journal_private
from tocsin.store.tables.evidence import custody, evidence_item
from tocsin.store.tables.exercises import exercise, exercise_inject
from tocsin.store.tables.findings import finding
from tocsin.store.tables.incidents import decision, duty, fact, incident, incident_system
from tocsin.store.tables.notices import delivery, notice, notice_version
from tocsin.store.tables.operations import alarm, alarm_message, operation, pause, schedule
from tocsin.store.tables.practices import (
    consent,
    practice,
    practice_check,
    practice_done,
    practice_sheet,
    practice_told,
)
from tocsin.store.tables.publications import publication
from tocsin.store.tables.recipients import recipient, recipient_list
from tocsin.store.tables.response import incident_circle, incident_role, page, report, rota_override
from tocsin.store.tables.runs import approval, run, step
from tocsin.store.tables.shape import ONLY_WHERE, metadata, restrict_indexes

__all__ = [
    "ONLY_WHERE",
    "action",
    "action_check",
    "action_document",
    "action_told",
    "alarm",
    "alarm_message",
    "approval",
    "chat_message",
    "chat_seen",
    "consent",
    "custody",
    "decision",
    "delivery",
    "duty",
    "evidence_item",
    "exercise",
    "exercise_inject",
    "fact",
    "finding",
    "hold",
    "incident",
    "incident_circle",
    "incident_role",
    "incident_system",
    "journal",
    "journal_head",
    "journal_private",
    "metadata",
    "notice",
    "notice_version",
    "observation",
    "operation",
    "page",
    "pause",
    "practice",
    "practice_check",
    "practice_done",
    "practice_sheet",
    "practice_told",
    "publication",
    "readiness_week",
    "recipient",
    "recipient_list",
    "report",
    "reporter_message",
    "repository_check",
    "restrict_indexes",
    "review",
    "review_proposal",
    "rota_override",
    "run",
    "schedule",
    "snapshot",
    "step",
    "webhook_cursor",
    "webhook_delivery",
]
