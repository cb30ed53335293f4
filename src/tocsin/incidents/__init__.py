"""Incidents: declared, confirmed, answered by playbooks, told of in time, registered, closed."""

from tocsin.incidents.acknowledging import acknowledge_all
from tocsin.incidents.alarms import DeadlineAlarm, Standing, acknowledge, raise_due_alarms, standing_alarms
from tocsin.incidents.clocks import IncidentClock, Listed, all_incidents, clocks_of, left
from tocsin.incidents.declaring import Declaration, Declared, add_playbook, confirm, declare, simulate_playbook
from tocsin.incidents.knowing import let_out, open_to_all, restrict
from tocsin.incidents.life import Closing, call_it, close, reach
from tocsin.incidents.merging import Merged, merge
from tocsin.incidents.oncall import ROLES, OnCall, Override, lift_override, on_call, overrides, place_override
from tocsin.incidents.paging import Page, acknowledge_page, escalate_pages, page, pages_of
from tocsin.incidents.playbooks import check_playbooks, choose_playbook
from tocsin.incidents.reporting import Said, accept_report, close_report, make_report, report_of, reports
from tocsin.incidents.reports import Report
from tocsin.incidents.roles import Holder, hand_over, role_history, roles_of, take
from tocsin.incidents.story import Story, write_story
from tocsin.incidents.widening import add_systems
from tocsin.runbook.library import PlaybookFile, playbook_files

__all__ = [
    "ROLES",
    "Closing",
    "DeadlineAlarm",
    "Declaration",
    "Declared",
    "Holder",
    "IncidentClock",
    "Listed",
    "Merged",
    "OnCall",
    "Override",
    "Page",
    "PlaybookFile",
    "Report",
    "Said",
    "Standing",
    "Story",
    "accept_report",
    "acknowledge",
    "acknowledge_all",
    "acknowledge_page",
    "add_playbook",
    "add_systems",
    "all_incidents",
    "call_it",
    "check_playbooks",
    "choose_playbook",
    "clocks_of",
    "close",
    "close_report",
    "confirm",
    "declare",
    "escalate_pages",
    "hand_over",
    "left",
    "let_out",
    "lift_override",
    "make_report",
    "merge",
    "on_call",
    "open_to_all",
    "overrides",
    "page",
    "pages_of",
    "place_override",
    "playbook_files",
    "raise_due_alarms",
    "reach",
    "report_of",
    "reports",
    "restrict",
    "role_history",
    "roles_of",
    "simulate_playbook",
    "standing_alarms",
    "take",
    "write_story",
]
