"""What a worksheet asks, row by row, worked out from the inventory. Pure.

A row's key names what it is about and never changes between two worksheets, so that they can be compared.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tocsin.model.access import Access
from tocsin.model.fields import spell_duration
from tocsin.model.vocabulary import LawfulBasis, SystemKind
from tocsin.model.workspace import Workspace
from tocsin.practices.practice import Practice

YES, NO = "yes", "no"
YES_NO = (YES, NO)
NONE = "none"
NOT_TERMINALS = frozenset({SystemKind.PAPER, SystemKind.REMOVABLE})


@dataclass(frozen=True, slots=True)
class Row:
    """One question. `facts` are what the person should see; `good` is the answer that asks for nothing.

    `code` and `asks` are the finding that any other answer becomes.
    """

    key: str
    facts: tuple[tuple[str, str], ...]
    question: str
    answers: tuple[str, ...]
    good: tuple[str, ...]
    code: str
    asks: str
    answer: str = ""
    note: str = ""

    @property
    def wants(self) -> bool:
        """Tell whether its answer asks for something to be done."""
        return bool(self.answer) and self.answer not in self.good

    def answered(self, answer: str, note: str) -> "Row":
        """Return the row with an answer."""
        return replace(self, answer=answer, note=note)

    def kept(self) -> dict[str, object]:
        """Return it as its worksheet keeps it."""
        return {
            "key": self.key,
            "facts": [[*fact] for fact in self.facts],
            "question": self.question,
            "answers": [*self.answers],
            "good": [*self.good],
            "code": self.code,
            "asks": self.asks,
            "answer": self.answer,
            "note": self.note,
        }


def kept_row(kept: Mapping[str, object]) -> Row:
    """Return a row from what its worksheet keeps."""
    values = {**kept}
    for name in ("answers", "good"):
        values[name] = tuple(kept[name])  # type: ignore[arg-type]  # what `kept` above wrote
    values["facts"] = tuple(tuple(fact) for fact in kept["facts"])  # type: ignore[attr-defined]  # likewise
    return Row(**values)  # type: ignore[arg-type]  # likewise


@dataclass(frozen=True, slots=True)
class Known:
    """What else a worksheet may show: what machine checks found, and how many consents each dataset has."""

    checked: Mapping[str, str] = field(default_factory=dict)
    consents: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def rows_of(workspace: Workspace, practice: Practice, known: Known) -> tuple[Row, ...]:
    """Return the rows of a practice's worksheet, in the inventory's order."""
    return tuple(_MAKERS[practice.sheet](workspace, practice, known))


def _access(workspace: Workspace, _: Practice, __: Known) -> Iterator[Row]:
    for system in workspace.systems.values():
        held = ", ".join(one.title for one in workspace.datasets_on([system.id]))
        # Where nobody has written down who may use it, everybody may: each is asked about.
        listed = system.access if system.access is not None else tuple(Access(who=key) for key in workspace.people)
        for entry in listed:
            yield _access_row(workspace, system.id, system.title, held, entry)
    for dataset in workspace.datasets.values():
        for entry in dataset.access or ():
            yield _access_row(workspace, dataset.id, dataset.title, ", ".join(dataset.data), entry)


def _access_row(workspace: Workspace, thing: str, title: str, held: str, entry: Access) -> Row:
    person = workspace.people[entry.who].name if entry.who in workspace.people else entry.spoken
    known = (
        ("to", title),
        ("person", person),
        ("login", entry.login or ""),
        ("why", entry.why or ""),
        ("since", entry.since.isoformat() if entry.since else ""),
        ("holds", held),
    )
    return Row(
        "/".join(word for word in (thing, entry.who or entry.name, entry.login) if word),
        tuple((name, said) for name, said in known if said),
        "Does this person still need access?",
        (YES, NO, NONE),
        (YES, NONE),
        "access-removal",
        f"{entry.spoken} no longer needs access to {thing}: take it away.",
    )


def _data(workspace: Workspace, _: Practice, __: Known) -> Iterator[Row]:
    for dataset in workspace.datasets.values():
        facts = (
            ("dataset", dataset.title),
            ("label", str(dataset.label)),
            ("client", dataset.client or ""),
            ("holds", ", ".join(dataset.data)),
            ("purpose", dataset.purpose or "none written down"),
            (
                "each field for",
                "; ".join(f"{code}: {use.purpose}" for code, use in dataset.fields.items() if use.purpose),
            ),
            ("kept for", spell_duration(dataset.retention) if dataset.retention else "no end written down"),
        )
        asks = f"Not all of {dataset.id} is needed any more: delete what is not, and correct the inventory."
        yield Row(dataset.id, facts, "Do you still need all this data?", YES_NO, (YES,), "data-removal", asks)


def _contracts(workspace: Workspace, _: Practice, __: Known) -> Iterator[Row]:
    for client in workspace.clients.values():
        facts = (
            ("client", client.name),
            ("contract", client.contract or "none written down"),
            ("notice", f"{client.notice_hours} hours" if client.notice_hours else "no hours written down"),
            ("contacts", ", ".join(contact.name for contact in client.contacts) or "none"),
        )
        question = "Are the contract, the notice hours and the contacts right and current?"
        asks = f"The contract or the contacts of {client.id} need work."
        yield Row(client.id, facts, question, YES_NO, (YES,), "contract-gap", asks)


def _suppliers(workspace: Workspace, _: Practice, __: Known) -> Iterator[Row]:
    outside = [(one.id, one.title, "service") for one in workspace.systems.values() if one.kind is SystemKind.SAAS]
    outside += [(one.id, one.id, "backups") for one in workspace.repositories.values() if one.offsite]
    for key, title, kind in outside:
        facts = (("supplier", title), ("holds", kind))
        question = "Is there a current contract, with how fast they tell us of a breach?"
        asks = f"The supplier {key} gives too little assurance, or none that is written down."
        yield Row(key, facts, question, YES_NO, (YES,), "supplier-gap", asks)


def _updates(workspace: Workspace, _: Practice, known: Known) -> Iterator[Row]:
    for system in workspace.systems.values():
        if system.kind in NOT_TERMINALS:
            continue
        seen = known.checked.get(system.id, "")
        facts = (("system", system.title), ("kind", str(system.kind)), ("machine check", seen or "none"))
        asks = f"{system.id} is not up to date, or nobody knows."
        question = "Is everything on it up to date?"
        row = Row(system.id, facts, question, (YES, NO, "unknown"), (YES,), "update-missing", asks)
        # What a machine says of itself needs no person to say it again; they may still correct it.
        yield row.answered(YES, "by the machine check") if seen == "up to date" else row


def _people(workspace: Workspace, practice: Practice, _: Known) -> Iterator[Row]:
    documents = ", ".join(practice.choice.documents)
    for about in practice.abouts if practice.people else workspace.people:
        who, _slash, topic = about.partition("/")
        person = workspace.people[who]
        shown = (("topic", topic), ("documents", documents))
        facts = (("person", person.name), *((name, said) for name, said in shown if said))
        question = _PEOPLE_QUESTIONS.get(practice.name, f"{practice.title}: done by this person?")
        yield Row(about, facts, question, YES_NO, (YES,), "", "")


def _contacts(workspace: Workspace, _: Practice, __: Known) -> Iterator[Row]:
    reach: list[tuple[str, str, str]] = [
        (f"person/{one.id}", one.name, one.phone or one.email or "no address") for one in workspace.people.values()
    ]
    for client in workspace.clients.values():
        reach += [
            (
                f"client/{client.id}/{number}",
                f"{contact.name} ({client.name})",
                contact.phone or contact.email or "",
            )
            for number, contact in enumerate(client.contacts, 1)
        ]
    for number, policy in enumerate(workspace.organisation.insurance or (), 1):
        said = policy.contact.phone or policy.contact.email or "" if policy.contact else ""
        reach.append((f"insurer/{number}", policy.insurer, said))
    for key, name, address in reach:
        facts = (("who", name), ("by", address or "no address"))
        asks = f"{key} could not be reached: correct the address."
        yield Row(key, facts, "Were they reached?", YES_NO, (YES,), "contact-gap", asks)


def _consent(workspace: Workspace, _: Practice, known: Known) -> Iterator[Row]:
    for dataset in workspace.datasets.values():
        if dataset.lawful_basis is not LawfulBasis.CONSENT:
            continue
        valid, withdrawn = known.consents.get(dataset.id, (0, 0))
        facts = (
            ("dataset", dataset.title),
            ("people", str(dataset.people.count) if dataset.people.count is not None else "not counted"),
            ("consents on record", str(valid)),
            ("withdrawn", str(withdrawn)),
        )
        question = "Has everybody in it a record, and is who withdrew out of it?"
        asks = (
            f"In {dataset.id} somebody has no record of consent, or has withdrawn it: take them out, or ask them."
        )
        yield Row(dataset.id, facts, question, YES_NO, (YES,), "consent-gap", asks)


def _checklist(_: Workspace, practice: Practice, __: Known) -> Iterator[Row]:
    asked = practice.questions or ("Is it done?",)
    for number, question in enumerate(asked, 1):
        asks = f"Question {number} of {practice.name} was answered no."
        yield Row(f"question-{number}", (), question, YES_NO, (YES,), "gap", asks)


_PEOPLE_QUESTIONS = {
    "staff-training": "Has this person done the training on this topic since it was last due?",
    "breach-briefing": "Was this person briefed: whom to call, what to say, what not to touch?",
    "policy-read": "Has this person read the policies and confirmed it?",
}
_MAKERS: Mapping[str, Callable[[Workspace, Practice, Known], Iterator[Row]]] = {
    "access": _access,
    "data": _data,
    "contracts": _contracts,
    "suppliers": _suppliers,
    "training": _people,
    "updates": _updates,
    "contacts": _contacts,
    "people": _people,
    "consent": _consent,
    "checklist": _checklist,
}
