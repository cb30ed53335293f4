"""A regulator's form, filled from a fact sheet. The form is data (`data/ico-form.yaml`), versioned, with sources.

Each field key has one function here that answers it. A question nobody can answer yet is answered "Not yet
known." and owed: it goes into the report in its place, and into the list of what will follow (Art 33(4)).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from tocsin.model.vocabulary import Kind
from tocsin.model.yaml_text import load_model, parse_yaml
from tocsin.notices.following import Prevention
from tocsin.notices.sheet import Answer, FactSheet, FormPart, Owed
from tocsin.notices.words import COUNTRIES, CYBER, KINDS, NOT_YET_KNOWN, WHAT_HAPPENED, joined, sentence

Facts = Mapping[str, object]

_CYBER_WORDS = frozenset(WHAT_HAPPENED[cause] for cause in CYBER)


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Field(_Data):
    """One question. `status` says how it is known, `law` what makes an answer compulsory.

    `follow_up` marks one that is asked of follow-up reports only.
    """

    key: str
    question: str
    status: str
    law: str | None = None
    follow_up: bool = False


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


@dataclass(frozen=True, slots=True)
class Filing:
    """What an answer may draw on."""

    sheet: FactSheet
    facts: Facts
    prevention: tuple[Prevention, ...] = ()

    def said(self, path: str) -> str:
        """Return a fact as text; empty when it is not known."""
        found: object = self.facts
        for step in path.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        return "" if found in (None, "unknown") else str(found)

    def listed(self, name: str) -> tuple[str, ...]:
        """Return a list among the facts, `unknown` included where it is open."""
        found = self.facts.get(name)
        return tuple(str(each) for each in found) if isinstance(found, list | tuple) else ()


def filled_form(
    sheet: FactSheet, facts: Facts, prevention: tuple[Prevention, ...] = ()
) -> tuple[tuple[FormPart, ...], tuple[Owed, ...]]:
    """Return the form's parts with answers, and what is owed beside the facts."""
    filing = Filing(sheet, facts, prevention)
    cyber = sheet.incident.cause in _CYBER_WORDS
    parts = tuple(
        FormPart(
            part.title,
            tuple(_answered(each, filing) for each in part.fields if sheet.follow_up or not each.follow_up),
        )
        for part in ico_form().parts
        if cyber or not part.cyber
    )
    owed = tuple(
        Owed(answer.key, f"the answer to “{answer.question}”")
        for part in parts
        for answer in part.answers
        if answer.owed and answer.key not in FACT_OF_KEY
    )
    return parts, owed


def _asked(part: Part, sheet: FactSheet) -> tuple[Field, ...]:
    return tuple(field for field in part.fields if sheet.follow_up or not field.follow_up)


def _answered(field: Field, filing: Filing) -> Answer:
    text = ANSWERS[field.key](filing)
    return Answer(field.key, field.question, text or "Not yet known.", not text, field.status)


def _known(words: str) -> str:
    return "" if words == NOT_YET_KNOWN else sentence(words)


def _nobody_has_said(_: Filing) -> str:
    """Answer a question about which no fact is kept: a person fills it in, or it stays owed."""
    return ""


def _kind_of_report(filing: Filing) -> str:
    if followed := filing.sheet.follow_up:
        return f"Follow-up report. It follows our report of {followed.sent.day}."
    return "Initial report. More information will follow." if filing.sheet.owed else "Initial report."


def _spoken(filing: Filing) -> str:
    if followed := filing.sheet.follow_up:
        return f"Yes: our report of {followed.sent.day}."
    return "We have no contact with the ICO about this breach on record."


def _prevention(filing: Filing) -> str:
    return "\n".join(
        f"- {sentence(each.step).rstrip('.')}: "
        + (f"complete by {each.by.day} {each.by:%B %Y}." if each.by else "the date is not yet set.")
        for each in filing.prevention
    )


def _what_happened(filing: Filing) -> str:
    return " ".join(filing.sheet.known) if filing.sheet.incident.cause else ""


def _cyber(filing: Filing) -> str:
    cause = filing.sheet.incident.cause
    return ("Yes." if cause in _CYBER_WORDS else "No.") if cause else ""


def _discovered(filing: Filing) -> str:
    incident = filing.sheet.incident
    alert = f"First alert: {incident.first_alert}."
    return (
        f"{alert} We became aware that this is a personal data breach: {incident.aware}."
        if incident.aware
        else alert
    )


def _consequences(filing: Filing) -> str:
    if not filing.sheet.consequences:
        return ""
    faced = "\n".join(f"- {consequence}" for consequence in filing.sheet.consequences)
    harm = (
        "We know of harm that has already come to people."
        if filing.said("misuse_seen") in _YES
        else "Whether anybody has come to harm is not yet known."
    )
    return f"People could face:\n\n{faced}\n\n{harm}"


def _likelihood(filing: Filing) -> str:
    judged = filing.sheet.judgement
    return "" if judged.risk == "unclear" else f"Our assessment so far: {judged.risk_words}."


def _which_of_the_three(filing: Filing) -> str:
    kinds = tuple(str(kind) for kind in KINDS if kind in filing.listed("kinds"))
    return f"Yes: {joined(kinds)}." if kinds else ""


def _recovery(filing: Filing) -> str:
    if filing.said("restored.done") in _YES:
        return "Complete: what was lost has been recovered."
    kinds = filing.listed("kinds")
    nothing_lost = kinds and not {Kind.AVAILABILITY, "unknown"} & set(kinds)
    return "No data was made unavailable, so there is nothing to recover." if nothing_lost else ""


def _delay(filing: Filing) -> str:
    return "" if filing.sheet.late else "The report is made within 72 hours of our becoming aware."


def _measures(filing: Filing) -> str:
    return "\n".join(f"- {measure}" for measure in filing.sheet.measures)


def _people_told(filing: Filing) -> str:
    return {"yes": "No, but we plan to.", "no": "No."}.get(filing.sheet.judgement.people, "Not decided yet.")


def _overseas(filing: Filing) -> str:
    countries = filing.listed("countries")
    abroad = tuple(country for country in countries if country not in {"GB", "unknown"})
    if abroad:
        return f"Yes: {joined(tuple(COUNTRIES.get(country, country) for country in abroad))}."
    return "" if not countries or "unknown" in countries else "No."


def _contact(filing: Filing) -> str:
    contact = filing.sheet.organisation.contact
    return ", ".join(words for words in (contact.name, contact.function, contact.email, contact.phone) if words)


ANSWERS: dict[str, Callable[[Filing], str]] = {
    "report.type": _kind_of_report,
    "report.case_ref": lambda filing: filing.sheet.follow_up.reference if filing.sheet.follow_up else "",
    "report.spoken_to_ico": _spoken,
    "breach.what_happened": _what_happened,
    "breach.cyber": _cyber,
    "breach.how_discovered": _nobody_has_said,
    "breach.discovered_at": _discovered,
    "breach.occurred_at": lambda filing: _known(filing.sheet.incident.occurred),
    "breach.data_categories": lambda filing: _known(filing.sheet.data),
    "breach.records_count": _nobody_has_said,
    "breach.people_count": lambda filing: _known(filing.sheet.count),
    "breach.people_categories": lambda filing: _known(filing.sheet.people),
    "breach.consequences": _consequences,
    "breach.detriment_likelihood": _likelihood,
    "breach.preventive_measures_before": _nobody_has_said,
    "cyber.cia_affected": _which_of_the_three,
    "cyber.org_impact": _nobody_has_said,
    "cyber.recovery": _recovery,
    "staff.training_2y": _nobody_has_said,
    "staff.training_desc": _nobody_has_said,
    "report.delay_reason": _delay,
    "action.taken": _measures,
    "action.prevent_recurrence": _prevention,
    "action.people_told": _people_told,
    "action.orgs_told": _nobody_has_said,
    "report.overseas": _overseas,
    "org.name": lambda filing: filing.sheet.organisation.name,
    "org.registration_no": lambda filing: filing.sheet.organisation.registration,
    "org.sector": lambda filing: filing.sheet.organisation.sector,
    "org.registered_address": lambda filing: filing.sheet.organisation.address,
    "org.dpo": _contact,
}
"""One answer for each key of the form; an empty text means that it is not yet known."""

_YES = frozenset({"yes", "True"})
NEVER_NEWS = frozenset({"report.type", "report.case_ref", "report.spoken_to_ico"})
"""Answers that differ in every follow-up and tell nothing new."""
FACT_OF_KEY = {
    "breach.what_happened": "cause",
    "breach.occurred_at": "occurred.from",
    "breach.data_categories": "data",
    "breach.people_count": "people.count",
    "breach.people_categories": "people.groups",
    "breach.records_count": "records",
    "cyber.cia_affected": "kinds",
    "cyber.recovery": "restored.done",
}
"""Questions whose missing answer is a fact that is listed as owed already."""
