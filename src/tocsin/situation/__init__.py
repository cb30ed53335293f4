"""What is known of an incident at this moment, what it obliges us to, and what was decided about it.

facts, stating      what is known, as versions; each statement lets its duties follow
blast_radius        whose data was on the systems that were hit
reading             one incident in one view of the store
owing, screened     what the facts come to: the law's own duties, every further regime
duties              what is owed, drafted, told, discharged or decided against
reconciling         keeps those in step with facts, decisions and notices
decisions           the one rule by which a person decides
"""

from tocsin.situation.blast_radius import (
    FROM_INVENTORY,
    OURSELVES,
    BlastRadius,
    blast_radius,
    facts_from_inventory,
)
from tocsin.situation.decisions import Decided, agree, decide, deciders
from tocsin.situation.duties import Decision, DutyRow, decisions_of, duties_of
from tocsin.situation.facts import FactVersion, add_fact
from tocsin.situation.reading import FURTHER, Situation, first_alert_of, situation_of
from tocsin.situation.reconciling import reconcile_duties, reconcile_in
from tocsin.situation.stating import state_fact

__all__ = [
    "FROM_INVENTORY",
    "FURTHER",
    "OURSELVES",
    "BlastRadius",
    "Decided",
    "Decision",
    "DutyRow",
    "FactVersion",
    "Situation",
    "add_fact",
    "agree",
    "blast_radius",
    "decide",
    "deciders",
    "decisions_of",
    "duties_of",
    "facts_from_inventory",
    "first_alert_of",
    "reconcile_duties",
    "reconcile_in",
    "situation_of",
    "state_fact",
]
