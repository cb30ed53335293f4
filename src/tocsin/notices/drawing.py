"""Draw the fact sheet of one notice from a case: pure, the same sheet from the same case.

A case is what the incident's side hands over: the incident as it stands, the facts in force for this
addressee's data, their assessment, what has been done, and the moment of drafting. Only datasets of the
addressee that lived on a system that was hit are read; other clients' never come near the sheet.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tocsin.law import Assessment
from tocsin.model.vocabulary import PersonRole
from tocsin.model.workspace import Dataset, Person, Workspace
from tocsin.notices.addressees import addressed, datasets_for
from tocsin.notices.following import Earlier, Prevention, answers_then, merged_answer
from tocsin.notices.form import FACT_OF_KEY, NEVER_NEWS, filled_form
from tocsin.notices.known import KnownFacts
from tocsin.notices.letter import letter_to_people
from tocsin.notices.sheet import (
    PEOPLE,
    REGULATOR,
    Change,
    ContactPoint,
    FactSheet,
    FollowUp,
    FormPart,
    IncidentFacts,
    Judgement,
    Moment,
    OurOrganisation,
    Owed,
)
from tocsin.notices.words import sentence

REGULATOR_HOURS = 72
NEXT_UPDATE = timedelta(hours=24)
_MORNING, _EVENING = 8, 20

_RISKS = {
    "none": "no risk to people's rights and freedoms",
    "unlikely": "a risk to people's rights and freedoms is unlikely",
    "risk": "a risk to people's rights and freedoms is likely",
    "high_risk": "a high risk to people's rights and freedoms is likely",
    "unclear": "the risk to people cannot be judged yet from what is known",
}


@dataclass(frozen=True, slots=True)
class IncidentView:
    """The incident as its register holds it; `systems` are the ids of those that were hit."""

    id: str
    title: str
    cause: str | None
    systems: tuple[str, ...]
    declared_at: datetime
    first_alert_at: datetime
    aware_at: datetime | None


@dataclass(frozen=True, slots=True)
class Case:
    """What one notice is drawn from. `facts` is the facts document in force for this addressee's data.

    `measures` are plain sentences about what has been done; `next_update_at` is when we will write again.
    `earlier` is what a follow-up follows, `prevention` the steps against a repeat that it may tell,
    `told` who has been told already, in words that name no client.
    """

    incident: IncidentView
    facts: Mapping[str, object]
    assessment: Assessment
    measures: tuple[str, ...] = ()
    next_update_at: datetime | None = None
    earlier: Earlier | None = None
    prevention: tuple[Prevention, ...] = ()
    told: tuple[str, ...] = ()


def facts_sheet(workspace: Workspace, case: Case, addressee: str, now: datetime) -> FactSheet:
    """Return the sheet for one addressee, see `addressees`. Raises UsageError for somebody we do not know."""
    zone = workspace.organisation.timezone
    datasets = datasets_for(workspace, case.incident.systems, addressee)
    known = KnownFacts(case.facts, case.incident.cause, datasets)
    whom = addressed(workspace, addressee, datasets)
    hours = REGULATOR_HOURS if whom.kind == REGULATOR else whom.notice_hours
    aware = case.incident.aware_at
    due = aware + timedelta(hours=hours) if aware and hours else None
    sheet = FactSheet(
        organisation=ourselves(workspace),
        incident=IncidentFacts(
            id=case.incident.id,
            title=case.incident.title,
            cause=known.cause_words,
            systems=_system_titles(workspace, case.incident, datasets),
            declared=Moment(case.incident.declared_at, zone),
            first_alert=Moment(case.incident.first_alert_at, zone),
            aware=Moment(aware, zone) if aware else None,
            due=Moment(due, zone) if due else None,
            occurred=known.occurred(zone),
        ),
        addressee=whom,
        judgement=_judgement(case.assessment),
        known=known.sentences,
        owed=known.owed,
        data=known.data_words,
        people=known.people_words,
        count=known.count_words,
        consequences=known.consequences,
        measures=tuple(sentence(measure) for measure in case.measures if measure.strip()),
        next_update=Moment(case.next_update_at or _while_people_work(now + NEXT_UPDATE, zone), zone),
        told=case.told,
        late=due is not None and _first_told(case, now) > due,
    )
    if whom.kind == PEOPLE:
        return replace(sheet, letter=letter_to_people(known, sheet, zone))
    if whom.kind != REGULATOR:
        return sheet
    if case.earlier:
        sent = Moment(case.earlier.sent_at, zone)
        sheet = replace(sheet, follow_up=FollowUp(case.earlier.reference, sent, ()))
    parts, owed = filled_form(sheet, case.facts, case.prevention)
    if case.earlier is None or sheet.follow_up is None:
        return replace(sheet, form=parts, owed=(*sheet.owed, *owed))
    return _followed_up(sheet, parts, owed, case.earlier)


def _followed_up(
    sheet: FactSheet, parts: tuple[FormPart, ...], owed: tuple[Owed, ...], earlier: Earlier
) -> FactSheet:
    """Keep what a person had written into the form, and list what changed since it was sent."""
    drafted, sent = answers_then(earlier.drafted), answers_then(earlier.sent)
    merged, changes = [], list[Change]()
    for part in parts:
        both = [merged_answer(answer, drafted, sent) for answer in part.answers]
        merged.append(FormPart(part.title, tuple(answer for answer, _ in both)))
        changes += [change for answer, change in both if change and answer.key not in NEVER_NEWS]
    answered = {answer.key for part in merged for answer in part.answers if not answer.owed}
    told = {fact for key, fact in FACT_OF_KEY.items() if key in answered}
    left = tuple(each for each in (*sheet.owed, *owed) if each.fact not in answered | told)
    follow_up = sheet.follow_up and replace(sheet.follow_up, changes=tuple(changes))
    return replace(sheet, form=tuple(merged), owed=left, follow_up=follow_up)


def _system_titles(workspace: Workspace, incident: IncidentView, datasets: tuple[Dataset, ...]) -> tuple[str, ...]:
    concerned = {system for dataset in datasets for system in dataset.systems}
    return tuple(
        workspace.systems[system].title
        for system in incident.systems
        if system in workspace.systems and system in concerned
    )


def ourselves(workspace: Workspace) -> OurOrganisation:
    """Return who writes, and how we are reached."""
    organisation = workspace.organisation
    return OurOrganisation(
        name=organisation.name,
        registration=organisation.registration or "",
        sector=organisation.sector or "",
        address=organisation.address or "",
        contact=_contact_point(workspace),
        desk=_desk(workspace),
    )


def _contact_point(workspace: Workspace) -> ContactPoint:
    """Return the contact of Art 33(3)(b): data protection lead, else the organisation's own, else commander."""
    if leads := workspace.people_with(PersonRole.DPO):
        return _as_contact(leads[0], "data protection lead")
    if contact := workspace.organisation.contact:
        return ContactPoint(contact.name, contact.email or "", contact.phone or "", "contact point")
    if commanders := workspace.people_with(PersonRole.COMMANDER):
        return _as_contact(commanders[0], "in charge of the response")
    return ContactPoint(workspace.organisation.name)


def _desk(workspace: Workspace) -> ContactPoint:
    """Return whom the public writes to or calls."""
    if contact := workspace.organisation.contact:
        return ContactPoint(contact.name, contact.email or "", contact.phone or "", hours=contact.hours or "")
    return _contact_point(workspace)


def _as_contact(person: Person, function: str) -> ContactPoint:
    return ContactPoint(person.name, person.email or "", person.phone or "", function)


def _judgement(assessment: Assessment) -> Judgement:
    risk = str(assessment.risk)
    return Judgement(
        risk=risk,
        risk_words=_RISKS[risk],
        regulator=str(assessment.duty("regulator").required),
        people=str(assessment.duty("people").required),
    )


def _first_told(case: Case, now: datetime) -> datetime:
    """Return when they were told first: now, or when the first notice left."""
    return (case.earlier.first_sent_at or case.earlier.sent_at) if case.earlier else now


def _while_people_work(moment: datetime, zone: str) -> datetime:
    """Return the next full hour; of the night, the evening before: midnight is read wrongly, and nobody writes."""
    whole = moment.replace(minute=0, second=0, microsecond=0)
    whole = whole if whole == moment else whole + timedelta(hours=1)
    hour = whole.astimezone(ZoneInfo(zone)).hour
    if _MORNING <= hour <= _EVENING:
        return whole
    return whole - timedelta(hours=(hour - _EVENING) % 24)
