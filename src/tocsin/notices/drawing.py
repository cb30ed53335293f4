"""Draw the fact sheet of one notice from a case: pure, the same sheet from the same case.

A case is what the incident's side hands over: the incident as it stands, the facts in force for this
addressee's data, their assessment, what has been done, and the moment of drafting. Only datasets of the
addressee that lived on a system that was hit are read; other clients' never come near the sheet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tocsin.errors import UsageError, did_you_mean
from tocsin.law import Assessment
from tocsin.model.vocabulary import (
    PersonRole,
)
from tocsin.model.workspace import Dataset, Person, Workspace
from tocsin.notices.form import filled_form
from tocsin.notices.known import KnownFacts, listed
from tocsin.notices.sheet import (
    CONTROLLERS,
    ICO,
    ICO_NAME,
    REGULATOR,
    Addressee,
    ContactPoint,
    DatasetFacts,
    FactSheet,
    IncidentFacts,
    Judgement,
    Moment,
    OurOrganisation,
)
from tocsin.notices.words import (
    DATA,
    NOT_YET_KNOWN,
    PEOPLE,
    sentence,
)

REGULATOR_HOURS = 72
NEXT_UPDATE = timedelta(hours=24)

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
    """

    incident: IncidentView
    facts: Mapping[str, object]
    assessment: Assessment
    measures: tuple[str, ...] = ()
    next_update_at: datetime | None = None


def facts_sheet(workspace: Workspace, case: Case, addressee: str, now: datetime) -> FactSheet:
    """Return the sheet for `ico` or a client's id. Raises UsageError for somebody we do not know."""
    zone = workspace.organisation.timezone
    datasets = _datasets(workspace, case.incident, addressee)
    known = KnownFacts(case.facts, case.incident.cause, datasets)
    whom = addressed(workspace, addressee, datasets)
    hours = REGULATOR_HOURS if whom.kind == REGULATOR else whom.notice_hours
    aware = case.incident.aware_at
    due = aware + timedelta(hours=hours) if aware and hours else None
    sheet = FactSheet(
        organisation=_ourselves(workspace),
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
        next_update=Moment(case.next_update_at or _next_full_hour(now + NEXT_UPDATE), zone),
        late=due is not None and now > due,
    )
    if whom.kind != REGULATOR:
        return sheet
    parts, owed = filled_form(sheet, case.facts)
    return replace(sheet, form=parts, owed=(*sheet.owed, *owed))


def addressed(workspace: Workspace, addressee: str, datasets: Iterable[Dataset] = ()) -> Addressee:
    """Return who is written to. Raises UsageError for somebody we do not know."""
    facts = tuple(
        DatasetFacts(
            dataset.id,
            dataset.title,
            listed(DATA, dataset.data) or NOT_YET_KNOWN,
            listed(PEOPLE, dataset.people.groups) or NOT_YET_KNOWN,
            f"{dataset.people.count:,}" if dataset.people.count else NOT_YET_KNOWN,
        )
        for dataset in datasets
    )
    if addressee == ICO:
        return Addressee(REGULATOR, ICO, ICO_NAME, datasets=facts)
    client = workspace.clients.get(addressee)
    if client is None:
        known = (*workspace.clients, ICO)
        raise UsageError(f"There is nobody {addressee!r} to write a notice to.{did_you_mean(addressee, known)}")
    return Addressee(
        CONTROLLERS,
        client.id or addressee,
        client.name,
        contract=client.contract or "",
        notice_hours=client.notice_hours,
        contacts=tuple(ContactPoint(each.name, each.email or "", each.phone or "") for each in client.contacts),
        datasets=facts,
    )


def _datasets(workspace: Workspace, incident: IncidentView, addressee: str) -> tuple[Dataset, ...]:
    """Return the addressee's own datasets on the systems that were hit; the ICO hears of those we control."""
    whose = None if addressee == ICO else addressee
    return tuple(dataset for dataset in workspace.datasets_on(incident.systems) if dataset.client == whose)


def _system_titles(workspace: Workspace, incident: IncidentView, datasets: tuple[Dataset, ...]) -> tuple[str, ...]:
    concerned = {system for dataset in datasets for system in dataset.systems}
    return tuple(
        workspace.systems[system].title
        for system in incident.systems
        if system in workspace.systems and system in concerned
    )


def _ourselves(workspace: Workspace) -> OurOrganisation:
    organisation = workspace.organisation
    return OurOrganisation(
        name=organisation.name,
        registration=organisation.registration or "",
        sector=organisation.sector or "",
        address=organisation.address or "",
        contact=_contact_point(workspace),
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


def _next_full_hour(moment: datetime) -> datetime:
    whole = moment.replace(minute=0, second=0, microsecond=0)
    return whole if whole == moment else whole + timedelta(hours=1)
