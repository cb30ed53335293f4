"""Notices to the outside: drawn from facts, guarded, versioned, approved to the letter, and sent once.

    case      → facts_sheet → render     what one addressee may know, in words       drawing, templates
    draft     → edit → shown             versions; the exact text and its hash       register
    guard                                what must be there, and what must not       guard, strangers
    approve   | reject                   a named person, that exact text             approval
    send      → resolve | record         outbox, mail, files, by hand                sending, outbox
    recipients → send → bounces → forget one letter to thousands                     recipients, posting

Called by playbook steps and by `tocsin notice`. It decides nothing and knows no incident's register: the
caller hands over a `Case`.
"""

from tocsin.notices.addressees import addressed, client_of, is_about_all
from tocsin.notices.approval import Approval, approvals_of, approve_notice, approvers, reject_notice, still_needed
from tocsin.notices.by_hand import record_sent
from tocsin.notices.deliveries import Delivery, deliveries, unknown_deliveries
from tocsin.notices.drafting import drawn
from tocsin.notices.drawing import Case, IncidentView, facts_sheet
from tocsin.notices.following import Earlier, Prevention
from tocsin.notices.guard import GuardFinding, check_notice
from tocsin.notices.register import Notice, Shown, draft_notice, edit_notice, notice_for, notice_of, notices, shown
from tocsin.notices.sending import Retried, SentToMany, resolve_delivery, retry_due, send_notice
from tocsin.notices.sheet import Draft, FactSheet
from tocsin.notices.signed import approve_signed, statement_for
from tocsin.notices.templates import render

__all__ = [
    "Approval",
    "Case",
    "Delivery",
    "Draft",
    "Earlier",
    "FactSheet",
    "GuardFinding",
    "IncidentView",
    "Notice",
    "Prevention",
    "Retried",
    "SentToMany",
    "Shown",
    "addressed",
    "approvals_of",
    "approve_notice",
    "approve_signed",
    "approvers",
    "check_notice",
    "client_of",
    "deliveries",
    "draft_notice",
    "drawn",
    "edit_notice",
    "facts_sheet",
    "is_about_all",
    "notice_for",
    "notice_of",
    "notices",
    "record_sent",
    "reject_notice",
    "render",
    "resolve_delivery",
    "retry_due",
    "send_notice",
    "shown",
    "statement_for",
    "still_needed",
    "unknown_deliveries",
]
