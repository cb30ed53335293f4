"""The fact sheet: everything a template may see, and nothing that does not concern its addressee.

One frozen tree, built by pure functions. What is not known is said to be not yet known and listed as owed;
nothing is guessed and nothing unknown reads as "no". See `facts_sheet` in `tocsin.notices.drawing`.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

ICO = "ico"
ICO_NAME = "Information Commissioner's Office"
REGULATOR, CONTROLLERS = "regulator", "controllers"


@dataclass(frozen=True, slots=True)
class Draft:
    """A text for an outside addressee: subject on one line, body in Markdown."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, for people: `str` gives the local time with its zone, and UTC beside it."""

    utc: datetime
    zone: str

    @property
    def local(self) -> datetime:
        """The same moment on the organisation's clock."""
        return self.utc.astimezone(ZoneInfo(self.zone))

    def __str__(self) -> str:
        local = self.local
        day = f"{local:%A} {local.day} {local:%B %Y}"
        return f"{local:%H:%M} {local.tzname()} on {day} ({self.utc:%Y-%m-%d %H:%M} UTC)"


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """Somebody to write to or to call; empty text where we have none."""

    name: str
    email: str = ""
    phone: str = ""
    function: str = ""


@dataclass(frozen=True, slots=True)
class OurOrganisation:
    """Who sends the notice. `contact` is the data protection lead or who stands in for them."""

    name: str
    registration: str
    sector: str
    address: str
    contact: ContactPoint


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """One dataset of the addressee's that lived on a system that was hit."""

    id: str
    title: str
    data: str
    groups: str
    count: str


@dataclass(frozen=True, slots=True)
class Addressee:
    """To whom the notice goes. `kind` is `regulator` or `controllers`; `id` is `ico` or a client's id."""

    kind: str
    id: str
    name: str
    contract: str = ""
    notice_hours: int | None = None
    contacts: tuple[ContactPoint, ...] = ()
    datasets: tuple[DatasetFacts, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """The mail addresses a notice to them goes to, each once, sorted."""
        return tuple(sorted({contact.email for contact in self.contacts if contact.email}))


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """The incident as its addressee may know it: `systems` holds titles of those with their data on.

    `title` is our own working title. It may say more than this addressee should read; the shipped
    templates leave it out.
    """

    id: str
    title: str
    cause: str
    systems: tuple[str, ...]
    declared: Moment
    first_alert: Moment
    aware: Moment | None
    due: Moment | None
    occurred: str


@dataclass(frozen=True, slots=True)
class Owed:
    """A fact that is not yet known and will have to follow (Art 33(4)): its path, and words for it."""

    fact: str
    words: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was assessed: `risk` as a code and in words, and each duty's answer."""

    risk: str
    risk_words: str
    regulator: str
    people: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One field of a regulator's form, filled. `owed` where it is not yet known."""

    key: str
    question: str
    text: str
    owed: bool
    status: str


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part of a regulator's form, its answers in the form's order."""

    title: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class FactSheet:
    """What a template sees."""

    organisation: OurOrganisation
    incident: IncidentFacts
    addressee: Addressee
    judgement: Judgement
    known: tuple[str, ...]
    owed: tuple[Owed, ...]
    data: str
    people: str
    count: str
    consequences: tuple[str, ...]
    measures: tuple[str, ...]
    next_update: Moment
    late: bool
    form: tuple[FormPart, ...] = ()
