"""Incidents: declared, confirmed, answered by playbooks, followed to their end."""

from tocsin.incidents.clocks import IncidentClock, all_incidents, clocks_of, left
from tocsin.incidents.declaring import Declaration, Declared, add_playbook, confirm, declare, simulate_playbook
from tocsin.incidents.playbooks import PlaybookFile, check_playbooks, choose_playbook, playbook_files
from tocsin.incidents.story import Story, write_story

__all__ = [
    "Declaration",
    "Declared",
    "IncidentClock",
    "PlaybookFile",
    "Story",
    "add_playbook",
    "all_incidents",
    "check_playbooks",
    "choose_playbook",
    "clocks_of",
    "confirm",
    "declare",
    "left",
    "playbook_files",
    "simulate_playbook",
    "write_story",
]
