"""Draw the fact sheet of one notice from a case: pure, the same sheet from the same case.

A case is what the incident's side hands over: the incident as it stands, the facts in force for this
addressee's data, their assessment, what has been done, and the moment of drafting. Only datasets of the
addressee that lived on a system that was hit are read; other clients' never come near the sheet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from tocsin.errors import UsageError, did_you_mean
from tocsin.law import Assessment
from tocsin.model.vocabulary import (
    FAMILY_CODES,
    BackupState,
    Cause,
    DataCode,
    DataFamily,
    Exfiltration,
    Kind,
    Logs,
    PeopleGroup,
    PersonRole,
)
from tocsin.model.workspace import Dataset, Person, Workspace
from tocsin.notices.form import filled_form
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
    Owed,
)
from tocsin.notices.words import (
    BACKUPS,
    DATA,
    EXFILTRATION,
    KINDS,
    NOT_YET_KNOWN,
    OWED,
    PEOPLE,
    WHAT_HAPPENED,
    joined,
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

E = TypeVar("E", bound=StrEnum)


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
    known = _Known(case.facts, case.incident.cause, datasets)
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
            _listed(DATA, dataset.data) or NOT_YET_KNOWN,
            _listed(PEOPLE, dataset.people.groups) or NOT_YET_KNOWN,
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
    """Return the contact of Art 33(3)(b): the data protection lead, else the organisation's own, else the commander."""
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


def _listed(words: Mapping[E, str], codes: Iterable[E]) -> str:
    return joined(tuple(words[code] for code in dict.fromkeys(codes)))


class _Known:
    """The facts document, read in words. What it does not hold the inventory may: data, groups, counts."""

    def __init__(self, facts: Mapping[str, object], cause: str | None, datasets: tuple[Dataset, ...]) -> None:
        self._facts = facts
        self._cause = read(facts, "cause") or cause
        self._datasets = datasets
        self._data = self._codes("data", DataCode) or tuple(code for each in datasets for code in each.data)
        groups = tuple(group for each in datasets for group in each.people.groups)
        self._groups = self._codes("people.groups", PeopleGroup) or groups
        self._kinds = self._codes("kinds", Kind)
        stated = read(facts, "exfiltration")
        # Without logs nothing can be ruled out: the statement contradicts itself and counts as not known.
        unbelievable = stated == Exfiltration.RULED_OUT and read(facts, "logs") == Logs.MISSING
        self._exfiltration = "" if stated is None or unbelievable else str(stated)

    @property
    def cause_words(self) -> str:
        return WHAT_HAPPENED[Cause(str(self._cause))] if self._cause else ""

    @property
    def data_words(self) -> str:
        return _listed(DATA, self._data) or NOT_YET_KNOWN

    @property
    def people_words(self) -> str:
        return _listed(PEOPLE, self._groups) or NOT_YET_KNOWN

    @property
    def count_words(self) -> str:
        """Return the number of people; sums over datasets may count one person twice, and say so."""
        count = read(self._facts, "people.count")
        if isinstance(count, int):
            exact = read(self._facts, "people.count_basis") == "exact"
            return f"{count:,}" if exact else f"about {count:,} (our best estimate so far)"
        counted = [each.people.count for each in self._datasets if each.people.count]
        if not counted:
            return NOT_YET_KNOWN
        several = "; somebody may be in more than one dataset" if len(counted) > 1 else ""
        return f"up to {sum(counted):,} (from our inventory{several})"

    def occurred(self, zone: str) -> str:
        begun, ended = (_moment(read(self._facts, path), zone) for path in ("occurred.from", "occurred.to"))
        if begun and ended:
            return f"between {begun} and {ended}"
        if begun or ended:
            return f"from {begun}; when it ended is {NOT_YET_KNOWN}" if begun else f"until {ended}"
        return NOT_YET_KNOWN

    @property
    def sentences(self) -> tuple[str, ...]:
        """What may be said as known, each a whole sentence."""
        said = [self.cause_words]
        if self._kinds:
            said.append(sentence(f"as far as we know, {', and '.join(KINDS[kind] for kind in self._kinds)}"))
        if self._exfiltration:
            said.append(EXFILTRATION[Exfiltration(self._exfiltration)])
        if (backup := read(self._facts, "backup.state")) and Kind.AVAILABILITY in self._kinds:
            said.append(BACKUPS[BackupState(str(backup))])
        if read(self._facts, "restored.done") in ("yes", True):
            said.append("The data has been restored.")
        return tuple(words for words in said if words)

    @property
    def owed(self) -> tuple[Owed, ...]:
        """What will have to follow. Of backups and restoring only where data may have been lost."""
        known: dict[str, object] = {
            "cause": self._cause,
            "data": self._data,
            "exfiltration": self._exfiltration,
            "people.groups": self._groups,
            "people.count": self.count_words != NOT_YET_KNOWN,
        }
        lost = not self._kinds or Kind.AVAILABILITY in self._kinds
        return tuple(
            Owed(path, words)
            for path, words in OWED.items()
            if not (known[path] if path in known else read(self._facts, path))
            and (lost or path not in {"backup.state", "restored.done"})
        )

    @property
    def consequences(self) -> tuple[str, ...]:
        """What people could face, by what the data is (Art 33(3)(c)); each completes "people could face"."""
        codes, found = set(self._data), list[str]()
        seen = not self._kinds or Kind.CONFIDENTIALITY in self._kinds
        if seen and codes & {DataCode.CONTACT, DataCode.ADDRESS, DataCode.NAME, DataCode.COMMUNICATIONS}:
            found.append("unwanted or fraudulent messages that use what was seen about them")
        if seen and DataCode.CREDENTIALS in codes:
            found.append("misuse of accounts that share the same password")
        if seen and codes & FAMILY_CODES[DataFamily.MONEY]:
            found.append("attempts at fraud or financial loss")
        if seen and codes & {DataCode.NATIONAL_ID, DataCode.ID_DOCUMENT, DataCode.DATE_OF_BIRTH}:
            found.append("misuse of their identity")
        if seen and codes & FAMILY_CODES[DataFamily.SPECIAL]:
            found.append("distress or unfair treatment because private matters became known")
        if Kind.AVAILABILITY in self._kinds:
            found.append("delay or loss of a service while their data cannot be reached")
        if Kind.INTEGRITY in self._kinds:
            found.append("decisions about them that rest on wrong data")
        if read(self._facts, "safety_risk") in ("yes", True):
            found.append("a risk to their physical safety")
        return tuple(found)

    def _codes(self, path: str, words: type[E]) -> tuple[E, ...]:
        listed = read(self._facts, path)
        given = listed if isinstance(listed, list | tuple | set | frozenset) else ()
        return tuple(code for code in words if code in {str(each) for each in given})


def read(facts: Mapping[str, object], path: str) -> object | None:
    """Return one fact, or None where it is absent, null or `unknown`: not yet known."""
    found: object = facts
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return None if found in ("unknown", "", [], ()) else found


def _moment(value: object, zone: str) -> Moment | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return Moment(value, zone) if isinstance(value, datetime) else None
