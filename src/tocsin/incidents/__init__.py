"""Incidents: declared, confirmed, answered by playbooks, told of in time, registered, closed."""

from tocsin.incidents.alarms import DeadlineAlarm, Standing, acknowledge, raise_due_alarms, standing_alarms
from tocsin.incidents.clocks import IncidentClock, all_incidents, clocks_of, left
from tocsin.incidents.declaring import Declaration, Declared, add_playbook, confirm, declare, simulate_playbook
from tocsin.incidents.life import Closing, call_it, close, reach
from tocsin.incidents.playbooks import PlaybookFile, check_playbooks, choose_playbook, playbook_files
from tocsin.incidents.story import Story, write_story

__all__ = [
    "Closing",
    "DeadlineAlarm",
    "Declaration",
    "Declared",
    "IncidentClock",
    "PlaybookFile",
    "Standing",
    "Story",
    "acknowledge",
    "add_playbook",
    "all_incidents",
    "call_it",
    "check_playbooks",
    "choose_playbook",
    "clocks_of",
    "close",
    "confirm",
    "declare",
    "left",
    "playbook_files",
    "raise_due_alarms",
    "reach",
    "simulate_playbook",
    "standing_alarms",
    "write_story",
]
