"""Whom a notice may go to, and whose data it may speak of.

    ico            the regulator                          data of which we are the controller
    CLIENT         a client, the controller               that client's alone
    people         the people concerned in our own data   our own
    people:CLIENT  the people concerned in a client's     that client's alone
    insurer        the first policy's; `insurer:2` the second's
    police ncsc bank staff press supplier sector:WORD     the incident as a whole; no client is named

Names and ways of reaching the last are data (`data/addressees.yaml`), with their sources.
"""

from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tocsin.errors import UsageError, did_you_mean
from tocsin.model.holdings import Dataset
from tocsin.model.people import Contact, Insurance
from tocsin.model.workspace import Workspace
from tocsin.model.yaml_text import load_model, parse_yaml
from tocsin.notices.sheet import (
    CONTROLLERS,
    ICO,
    ICO_NAME,
    INSURER,
    PEOPLE,
    REGULATOR,
    SECTOR,
    Addressee,
    ContactPoint,
    DatasetFacts,
)
from tocsin.notices.words import DATA, NOT_YET_KNOWN, listed
from tocsin.notices.words import PEOPLE as GROUPS

HEARS_OF_CLIENTS = frozenset({REGULATOR, INSURER, "police", "ncsc", SECTOR})
"""Who may have to hear whose data it is, if somebody answers for it; nobody else ever does."""


class _Known(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    how: str
    status: Literal["seen", "reported", "recalled"]
    source: str


class _Directory(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: date
    addressees: dict[str, _Known]
    sectors: dict[str, _Known]


@cache
def directory() -> _Directory:
    """Return everybody who is known by name."""
    name = "data/addressees.yaml"
    return load_model(_Directory, parse_yaml(files("tocsin.notices").joinpath(name).read_text("utf-8"), name))


def reserved_clients(workspace: Workspace) -> tuple[str, ...]:
    """Return the clients whose id is the name of another addressee, so that no notice could reach them."""
    return tuple(client for client in workspace.clients if _is_apart(client))


def client_of(addressee: str) -> str | None:
    """Return the client whose data alone is spoken of; None for our own data, or for the whole incident."""
    kind, _, rest = addressee.partition(":")
    if kind == PEOPLE:
        return rest or None
    return None if _is_apart(addressee) else addressee


def is_about_all(addressee: str) -> bool:
    """Tell whether this addressee hears of the incident as a whole rather than of one controller's data."""
    return addressee.partition(":")[0] not in {PEOPLE, ICO} and _is_apart(addressee)


def datasets_for(workspace: Workspace, systems: Iterable[str], addressee: str) -> tuple[Dataset, ...]:
    """Return the datasets on these systems that this addressee may hear of."""
    hit = workspace.datasets_on(systems)
    if is_about_all(addressee):
        return hit
    whose = client_of(addressee)
    return tuple(dataset for dataset in hit if dataset.client == whose)


def addressed(workspace: Workspace, addressee: str, datasets: Iterable[Dataset] = ()) -> Addressee:
    """Return who is written to. Raises UsageError for somebody we do not know."""
    facts = tuple(_as_facts(dataset) for dataset in datasets)
    if addressee == ICO:
        return Addressee(REGULATOR, ICO, ICO_NAME, datasets=facts)
    kind, _, rest = addressee.partition(":")
    if kind == PEOPLE:
        return _people(workspace, addressee, facts)
    if kind == INSURER:
        return _insurer(workspace, addressee)
    known = directory().addressees.get(addressee) or (directory().sectors.get(rest) if kind == SECTOR else None)
    if known is not None:
        return Addressee(kind, addressee, known.name, how=known.how)
    client = workspace.clients.get(addressee)
    if client is None:
        raise _nobody(workspace, addressee)
    return Addressee(
        CONTROLLERS,
        client.id or addressee,
        client.name,
        contract=client.contract or "",
        notice_hours=client.notice_hours,
        contacts=tuple(_point(each) for each in client.contacts),
        datasets=facts,
        client=client.id or addressee,
    )


def _people(workspace: Workspace, addressee: str, facts: tuple[DatasetFacts, ...]) -> Addressee:
    how = "A letter or a message of its own to each person, by a channel the attacker does not control."
    key = client_of(addressee)
    if key is None:
        return Addressee(PEOPLE, addressee, "the people concerned", datasets=facts, how=how)
    client = workspace.clients.get(key)
    if client is None:
        raise _nobody(workspace, addressee)
    controller = _point(client.contacts[0], client.name) if client.contacts else ContactPoint(client.name)
    return Addressee(
        PEOPLE,
        addressee,
        f"the people concerned, for {client.name}",
        datasets=facts,
        client=key,
        controller=controller,
        how=f"{how} Only when {client.name} has asked for it in writing.",
    )


def _insurer(workspace: Workspace, addressee: str) -> Addressee:
    policies = workspace.organisation.insurance or ()
    number = addressee.partition(":")[2] or "1"
    if not number.isascii() or not number.isdigit() or not 0 < int(number) <= len(policies):
        raise UsageError(
            f"There is no insurance policy {number} to write to: organisation.insurance in tocsin.yaml "
            f"names {len(policies)}. No notice was drafted."
        )
    policy: Insurance = policies[int(number) - 1]
    how = "Before suppliers are hired or anything is admitted: the hotline or broker that the policy names."
    return Addressee(
        INSURER,
        addressee,
        policy.insurer,
        contract=policy.policy,
        notice_hours=policy.notice_hours,
        contacts=(_point(policy.contact),) if policy.contact else (),
        how=how,
    )


def _as_facts(dataset: Dataset) -> DatasetFacts:
    return DatasetFacts(
        dataset.id,
        dataset.title,
        listed(DATA, dataset.data) or NOT_YET_KNOWN,
        listed(GROUPS, dataset.people.groups) or NOT_YET_KNOWN,
        f"{dataset.people.count:,}" if dataset.people.count else NOT_YET_KNOWN,
    )


def _point(contact: Contact, name: str = "") -> ContactPoint:
    return ContactPoint(name or contact.name, contact.email or "", contact.phone or "", hours=contact.hours or "")


def _is_apart(addressee: str) -> bool:
    kind = addressee.partition(":")[0]
    return kind in {ICO, PEOPLE, INSURER, SECTOR} or addressee in directory().addressees


def _nobody(workspace: Workspace, addressee: str) -> UsageError:
    sectors = (f"{SECTOR}:{word}" for word in directory().sectors)
    people = (PEOPLE, *(f"{PEOPLE}:{client}" for client in workspace.clients))
    known = (*workspace.clients, ICO, *people, INSURER, *directory().addressees, *sectors)
    return UsageError(f"There is nobody {addressee!r} to write a notice to.{did_you_mean(addressee, known)}")
