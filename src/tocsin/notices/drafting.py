"""From a case to a text: the sheet drawn, compared with what was sent before, put through its template."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from tocsin.errors import UsageError
from tocsin.model.workspace import Workspace
from tocsin.notices.drawing import Case, facts_sheet
from tocsin.notices.following import changed_sections
from tocsin.notices.sheet import REGULATOR, Change, Draft, FactSheet, FollowUp, Moment
from tocsin.notices.templates import render

FOLLOW_UP: Final = "/follow-up"
_STAYS: Final = frozenset({"What is not yet known", "How to reach us", "What you can do now"})
"""Sections of a client's notice that a follow-up always says anew: what changed in them is no news."""


def is_follow_up(template: str) -> bool:
    """Tell whether a template reports what is new since an earlier notice."""
    return template.endswith(FOLLOW_UP)


def drawn(workspace: Workspace, case: Case, template: str, addressee: str, now: datetime) -> Draft:
    """Return the draft. A follow-up says what changed since `case.earlier`; UsageError without one."""
    if is_follow_up(template) and case.earlier is None:
        raise UsageError(
            f"There is nothing to follow up: no notice to {addressee} in this incident has been sent or recorded "
            f"as sent. Draft the first one: {template.replace(FOLLOW_UP, '/initial')}. Nothing was drafted."
        )
    if not is_follow_up(template):
        return render(workspace, template, facts_sheet(workspace, replace(case, earlier=None), addressee, now))
    sheet = facts_sheet(workspace, case, addressee, now)
    return render(workspace, template, _with_changes(workspace, case, template, sheet))


def _with_changes(workspace: Workspace, case: Case, template: str, sheet: FactSheet) -> FactSheet:
    """Compare a text in prose with what was sent; a form's answers have been compared already."""
    if sheet.addressee.kind == REGULATOR or case.earlier is None:
        return sheet
    as_it_stands = render(workspace, template.replace(FOLLOW_UP, "/initial"), sheet).body
    changes: tuple[Change, ...] = tuple(
        each for each in changed_sections(case.earlier.sent, as_it_stands) if each.title not in _STAYS
    )
    sent = Moment(case.earlier.sent_at, workspace.organisation.timezone)
    return replace(sheet, follow_up=FollowUp(case.earlier.reference, sent, changes))
