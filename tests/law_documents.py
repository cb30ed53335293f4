"""The guideline's cases and ways to change one fact of a document."""

from copy import deepcopy
from pathlib import Path

import yaml

from tocsin.law import assess
from tocsin.law.facts import parse_facts

CASES_FILE = Path(__file__).parent / "golden" / "edpb-01-2021.yaml"
CASES = {case["id"]: case for case in yaml.safe_load(CASES_FILE.read_text(encoding="utf-8"))["cases"]}
ANSWERS = {"no": 0, "unclear": 1, "yes": 2}


def judged(document):
    return assess(parse_facts(document))


def changed(document, **facts):
    """Return a copy with facts changed; `recipient__type="public"` reaches into a group, None takes away."""
    found = deepcopy(document)
    for name, value in facts.items():
        *groups, last = name.split("__")
        target = found
        for group in groups:
            target = target.setdefault(group, {})
        if value is None:
            target.pop(last, None)
        else:
            target[last] = value
    return found


def answers(assessment):
    return {duty.to: duty.required for duty in assessment.duties}


def told(document):
    """Return (regulator, people) as the words of the guideline."""
    found = answers(judged(document))
    return found["regulator"], found["people"]


def weight(assessment):
    """Return the two duties as numbers that grow with what is owed."""
    return tuple(ANSWERS[assessment.duty(to).required] for to in ("regulator", "people"))
