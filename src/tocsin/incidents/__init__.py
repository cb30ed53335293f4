"""Incidents: declared, confirmed, answered by playbooks, followed to their end."""

from tocsin.incidents.declaring import Declaration, Declared, add_playbook, confirm, declare
from tocsin.incidents.playbooks import PlaybookFile, check_playbooks, choose_playbook, playbook_files

__all__ = [
    "Declaration",
    "Declared",
    "PlaybookFile",
    "add_playbook",
    "check_playbooks",
    "choose_playbook",
    "confirm",
    "declare",
    "playbook_files",
]
