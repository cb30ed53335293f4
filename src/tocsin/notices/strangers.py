"""Who must not appear in a notice: every other client, by name, id, contact, mail, phone and dataset.

Two clients may have names of which one holds the other ("Acme", "Acme Health"). So a name counts only where
it is not part of a longer name that the addressee bears itself: "Acme Health" may be told of Acme Health,
and a lone "Acme" in its notice is still found; "Acme" is never told of "Acme Health".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.model.workspace import Client, Contact, Workspace
from tocsin.notices.folding import Folded, Span, squeezed, visible
from tocsin.notices.sheet import ICO, ICO_NAME

_LEGAL_FORM = re.compile(
    r"[\s,]+(?:ltd|limited|llp|lp|plc|cic|cio|inc|incorporated|llc|gmbh|& co|and co)\.?$", re.IGNORECASE
)
_PUBLIC_MAIL = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "hotmail.co.uk", "live.co.uk", "live.com"}
    | {
        "yahoo.com",
        "yahoo.co.uk",
        "icloud.com",
        "me.com",
        "btinternet.com",
        "proton.me",
        "protonmail.com",
        "aol.com",
    }
)
_SHORTEST_PHONE = 6
_SHORTEST_CONTACT = 3
_A_PAIR = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """Something by which one party is recognised. `what` says what it is, never the thing itself."""

    client: str
    what: str
    words: str


def strangers_named(text: str, workspace: Workspace, addressee: str) -> tuple[Mark, ...]:
    """Return every mark of another client that the text bears, each once."""
    folded, digits = Folded(text), _digits_of(text)
    own = _own_names(workspace, addressee)
    ours = tuple(span for words in own for span in folded.find(words))
    titles = tuple(
        span for dataset in workspace.datasets.values()
        if dataset.client == addressee
        for span in folded.find(dataset.title)
    )  # fmt: skip
    same = {squeezed(words) for words in own}
    own_phones = {_core(phone) for phone in _own_phones(workspace, addressee)}
    found = []
    for mark in _marks(workspace, addressee):
        if mark.what == "phone number":
            core = _core(mark.words)
            if len(core) >= _SHORTEST_PHONE and core not in own_phones and core in digits:
                found.append(mark)
            continue
        allowed = ours + titles if mark.what == "dataset" else ours
        if squeezed(mark.words) not in same and _stands_alone(folded.find(mark.words), allowed):
            found.append(mark)
    return tuple(dict.fromkeys(found))


def marks_of_others(workspace: Workspace, addressee: str) -> tuple[Mark, ...]:
    """Return every mark by which a client other than the addressee is recognised, each once."""
    return tuple(dict.fromkeys(_marks(workspace, addressee)))


def _stands_alone(spans: tuple[Span, ...], allowed: tuple[Span, ...]) -> bool:
    return any(not any(span.lies_in(own) for own in allowed) for span in spans)


def _marks(workspace: Workspace, addressee: str) -> Iterator[Mark]:
    for key, client in workspace.clients.items():
        if key == addressee:
            continue
        yield from (Mark(key, "name", words) for words in name_forms(client.name))
        yield Mark(key, "id", key)
        for contact in client.contacts:
            yield from _contact_marks(key, contact)
        yield from (Mark(key, "dataset", each.title) for each in workspace.datasets.values() if each.client == key)


def _contact_marks(key: str, contact: Contact) -> Iterator[Mark]:
    if len(squeezed(contact.name)) >= _SHORTEST_CONTACT:
        yield Mark(key, "contact", contact.name)
    if contact.email:
        yield Mark(key, "mail address", contact.email)
        domain = contact.email.rpartition("@")[2].lower()
        if domain not in _PUBLIC_MAIL:
            yield Mark(key, "mail domain", domain)
    if contact.phone:
        yield Mark(key, "phone number", contact.phone)


def name_forms(name: str) -> tuple[str, ...]:
    """Return the ways a name is written: without legal form or `the`, `and` for `&`, its first two words."""
    forms = [name]
    forms += [shorter for form in forms[:] if (shorter := _LEGAL_FORM.sub("", form.strip())) != form]
    forms += [
        shorter for form in forms[:] if (shorter := re.sub(r"^the\s+", "", form, flags=re.IGNORECASE)) != form
    ]
    forms += [other for form in forms[:] if (other := re.sub(r"\s*&\s*", " and ", form)) != form]
    forms += [
        other for form in forms[:] if (other := re.sub(r"\s+and\s+", " & ", form, flags=re.IGNORECASE)) != form
    ]
    forms += [
        f"{words[0]} {words[1]}"
        for form in forms[:]
        if len(words := form.split()) > _A_PAIR and _meaningful(words[1])
    ]
    return tuple(form for form in dict.fromkeys(forms) if squeezed(form))


def _meaningful(word: str) -> bool:
    return word.casefold() not in {"&", "and", "of", "for", "the", "in", "at", "on", "to"}


def _own_names(workspace: Workspace, addressee: str) -> tuple[str, ...]:
    """Return the names that may stand in the notice: the addressee's, ours, and our people's."""
    organisation = workspace.organisation
    contacts = [organisation.contact] if organisation.contact else []
    names = [*name_forms(organisation.name), *(person.name for person in workspace.people.values())]
    mails = [person.email for person in workspace.people.values()]
    if client := workspace.clients.get(addressee):
        names += [*name_forms(client.name), addressee]
        contacts += client.contacts
    if addressee == ICO:
        names.append(ICO_NAME)
    mails += [contact.email for contact in contacts]
    names += [contact.name for contact in contacts]
    whole = [mail for mail in mails if mail]
    return (*names, *whole, *(mail.rpartition("@")[2] for mail in whole))


def _own_phones(workspace: Workspace, addressee: str) -> Iterator[str]:
    client: Client | None = workspace.clients.get(addressee)
    contacts = [*([workspace.organisation.contact] if workspace.organisation.contact else [])]
    contacts += client.contacts if client else ()
    yield from (contact.phone for contact in contacts if contact.phone)
    yield from (person.phone for person in workspace.people.values() if person.phone)


def _digits_of(text: str) -> str:
    return re.sub(r"(?<=\d)[^\w\n]{1,3}(?=\d)", "", re.sub(r"(?<=\d)\s*\n\s*(?=\d)", " ", visible(text)))


def _core(phone: str) -> str:
    """Return the digits that stay the same with and without a country's prefix."""
    digits = re.sub(r"\D", "", phone.replace("(0)", ""))
    return re.sub(r"^(?:00)?44|^0+", "", digits)
