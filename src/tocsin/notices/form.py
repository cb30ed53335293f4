"""A regulator's form, filled from a fact sheet. The form is data (`data/ico-form.yaml`), versioned, with sources.

Each field key has one function here that answers it. A question nobody can answer yet is answered "Not yet
known." and owed: it goes into the report in its place, and into the list of what will follow (Art 33(4)).
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from tocsin.model.vocabulary import Kind
from tocsin.model.yaml_text import load_model, parse_yaml
from tocsin.notices.sheet import Answer, FactSheet, FormPart, Owed
from tocsin.notices.words import CYBER, KINDS, NOT_YET_KNOWN, WHAT_HAPPENED, joined, sentence

Facts = Mapping[str, object]

_CYBER_WORDS = frozenset(WHAT_HAPPENED[cause] for cause in CYBER)


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Field(_Data):
    """One question. `status` says how it is known, `law` what makes an answer compulsory."""

    key: str
    question: str
    status: str
    law: str | None = None


class Part(_Data):
    """Questions that stand together; `cyber` for those asked about cyber incidents only."""

    title: str
    fields: tuple[Field, ...]
    cyber: bool = False


class Form(_Data):
    """A regulator's form as it was last read."""

    form: str
    version: date
    source: str
    note: str
    parts: tuple[Part, ...]


@cache
def ico_form() -> Form:
    """Return the ICO's form."""
    name = "data/ico-form.yaml"
    return load_model(Form, parse_yaml(files("tocsin.notices").joinpath(name).read_text("utf-8"), name))


def filled_form(sheet: FactSheet, facts: Facts) -> tuple[tuple[FormPart, ...], tuple[Owed, ...]]:
    """Return the form's parts with answers, and what is owed beside the facts."""
    cyber = sheet.incident.cause in _CYBER_WORDS
    parts = tuple(
        FormPart(part.title, tuple(_answered(field, sheet, facts) for field in part.fields))
        for part in ico_form().parts
        if cyber or not part.cyber
    )
    owed = tuple(
        Owed(answer.key, f"the answer to “{answer.question}”")
        for part in parts
        for answer in part.answers
        if answer.owed and answer.key not in _OWED_AS_FACTS
    )
    return parts, owed


def _answered(field: Field, sheet: FactSheet, facts: Facts) -> Answer:
    text = ANSWERS[field.key](sheet, facts)
    return Answer(field.key, field.question, text or "Not yet known.", not text, field.status)


def _said(facts: Facts, path: str) -> str:
    found: object = facts
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return "" if found in (None, "unknown") else str(found)


def _known(words: str) -> str:
    return "" if words == NOT_YET_KNOWN else sentence(words)


def _what_happened(sheet: FactSheet, facts: Facts) -> str:
    return " ".join(sheet.known) if sheet.incident.cause else ""


def _cyber(sheet: FactSheet, facts: Facts) -> str:
    if not sheet.incident.cause:
        return ""
    return "Yes." if sheet.incident.cause in _CYBER_WORDS else "No."


def _discovered(sheet: FactSheet, facts: Facts) -> str:
    alert = f"First alert: {sheet.incident.first_alert}."
    aware = sheet.incident.aware
    return f"{alert} We were reasonably certain of a personal data breach: {aware}." if aware else alert


def _consequences(sheet: FactSheet, facts: Facts) -> str:
    if not sheet.consequences:
        return ""
    harm = (
        "We know of harm that has already come to people."
        if _said(facts, "misuse_seen") in {"yes", "True"}
        else "Whether anybody has come to harm is not yet known."
    )
    faced = "\n".join(f"- {consequence}" for consequence in sheet.consequences)
    return f"People could face:\n\n{faced}\n\n{harm}"


def _likelihood(sheet: FactSheet, facts: Facts) -> str:
    risk = sheet.judgement.risk
    return "" if risk == "unclear" else f"Our assessment so far: {sheet.judgement.risk_words}."


def _which_of_the_three(sheet: FactSheet, facts: Facts) -> str:
    listed = facts.get("kinds")
    kinds = [kind for kind in KINDS if isinstance(listed, list | tuple) and kind in {str(each) for each in listed}]
    return f"Yes: {joined(tuple(str(kind) for kind in kinds))}." if kinds else ""


def _recovery(sheet: FactSheet, facts: Facts) -> str:
    if _said(facts, "restored.done") in {"yes", "True"}:
        return "Complete: what was lost has been recovered."
    kinds = facts.get("kinds")
    if isinstance(kinds, list | tuple) and kinds and Kind.AVAILABILITY not in kinds and "unknown" not in kinds:
        return "No data was made unavailable, so there is nothing to recover."
    return ""


def _delay(sheet: FactSheet, facts: Facts) -> str:
    return "" if sheet.late else "The report is made within 72 hours of our becoming aware."


def _measures(sheet: FactSheet, facts: Facts) -> str:
    return "\n".join(f"- {measure}" for measure in sheet.measures)


def _people_told(sheet: FactSheet, facts: Facts) -> str:
    return {"yes": "No, but we plan to.", "no": "No."}.get(sheet.judgement.people, "Not decided yet.")


def _overseas(sheet: FactSheet, facts: Facts) -> str:
    countries = facts.get("countries")
    if not isinstance(countries, list | tuple) or not countries or "unknown" in countries:
        return ""
    abroad = tuple(str(each) for each in countries if str(each) != "GB")
    return f"Yes: {joined(abroad)}." if abroad else "No."


def _contact(sheet: FactSheet, facts: Facts) -> str:
    contact = sheet.organisation.contact
    return ", ".join(words for words in (contact.name, contact.function, contact.email, contact.phone) if words)


ANSWERS: dict[str, Callable[[FactSheet, Facts], str]] = {
    "report.type": lambda sheet, facts: (
        "Initial report. More information will follow." if sheet.owed else "Initial."
    ),
    "report.spoken_to_ico": lambda sheet, facts: "We have no contact with the ICO about this breach on record.",
    "breach.what_happened": _what_happened,
    "breach.cyber": _cyber,
    "breach.how_discovered": lambda sheet, facts: "",
    "breach.discovered_at": _discovered,
    "breach.occurred_at": lambda sheet, facts: _known(sheet.incident.occurred),
    "breach.data_categories": lambda sheet, facts: _known(sheet.data),
    "breach.records_count": lambda sheet, facts: "",
    "breach.people_count": lambda sheet, facts: _known(sheet.count),
    "breach.people_categories": lambda sheet, facts: _known(sheet.people),
    "breach.consequences": _consequences,
    "breach.detriment_likelihood": _likelihood,
    "breach.preventive_measures_before": lambda sheet, facts: "",
    "cyber.cia_affected": _which_of_the_three,
    "cyber.org_impact": lambda sheet, facts: "",
    "cyber.recovery": _recovery,
    "staff.training_2y": lambda sheet, facts: "",
    "staff.training_desc": lambda sheet, facts: "",
    "report.delay_reason": _delay,
    "action.taken": _measures,
    "action.people_told": _people_told,
    "action.orgs_told": lambda sheet, facts: "",
    "report.overseas": _overseas,
    "org.name": lambda sheet, facts: sheet.organisation.name,
    "org.registration_no": lambda sheet, facts: sheet.organisation.registration,
    "org.sector": lambda sheet, facts: sheet.organisation.sector,
    "org.registered_address": lambda sheet, facts: sheet.organisation.address,
    "org.dpo": _contact,
}
"""One answer for each key of the form; an empty text means that it is not yet known."""

_OWED_AS_FACTS = frozenset(
    {
        "breach.what_happened",
        "breach.occurred_at",
        "breach.data_categories",
        "breach.people_count",
        "breach.people_categories",
        "breach.records_count",
        "cyber.cia_affected",
        "cyber.recovery",
    }
)
"""Questions whose missing answer is a fact that is listed as owed already."""
