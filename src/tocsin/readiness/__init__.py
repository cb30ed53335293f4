"""Readiness on one page: what would hurt tonight, the worst first, each with the command that fixes it. No score.

readiness(ctx)                         the firm's own lines; readiness(ctx, client=ID) one client's
write_readiness(ctx, seen, folder)     HTML and PDF, for a client's security questionnaire too
keep_week_if_due(ctx)                  the round keeps one row of counts a week: the trend
"""

from tocsin.readiness.looking import Readiness, readiness
from tocsin.readiness.page import page_facts, trend, write_readiness
from tocsin.readiness.row import KINDS, Kind, Row
from tocsin.readiness.weeks import Week, keep_week_if_due, weeks

__all__ = [
    "KINDS",
    "Kind",
    "Readiness",
    "Row",
    "Week",
    "keep_week_if_due",
    "page_facts",
    "readiness",
    "trend",
    "weeks",
    "write_readiness",
]
