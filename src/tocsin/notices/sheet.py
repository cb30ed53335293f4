"""The fact sheet: everything a template may see, and nothing that does not concern its addressee.

One frozen tree, built by pure functions. What is not known is said to be not yet known and listed as owed;
nothing is guessed and nothing unknown reads as "no". See `facts_sheet` in `tocsin.notices.drawing`.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

ICO = "ico"
ICO_NAME = "Information Commission (ICO)"
REGULATOR, CONTROLLERS, PEOPLE = "regulator", "controllers", "people"
INSURER, SECTOR = "insurer", "sector"
OTHERS = ("police", "ncsc", "bank", "staff", "press", "supplier")
"""Kinds of addressee of which there is one each, known by name (`data/addressees.yaml`)."""
NAME_MARK, ADDRESS_MARK = "[[name]]", "[[address]]"
"""Where a letter to people takes each reader's own name and address when it is delivered, and nothing else."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text for an outside addressee: subject on one line, body in Markdown."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, for people: `str` gives the local time with its zone, and UTC beside it where that differs."""

    utc: datetime
    zone: str

    @property
    def local(self) -> datetime:
        """The same moment on the organisation's clock."""
        return self.utc.astimezone(ZoneInfo(self.zone))

    @property
    def day(self) -> str:
        """The day alone, as a letter says it."""
        return f"{self.local:%A} {self.local.day} {self.local:%B %Y}"

    def __str__(self) -> str:
        return f"{self.clock} on {self.day}{self._beside}"

    @property
    def clock(self) -> str:
        """The time of day alone, with its zone."""
        return f"{self.local:%H:%M} {self.local.tzname()}"

    @property
    def _beside(self) -> str:
        """UTC, where it is another time of day; with its day where that is another too."""
        local = self.local
        if not local.utcoffset():
            return ""
        day = "" if local.date() == self.utc.date() else f" on {self.utc:%A} {self.utc.day} {self.utc:%B}"
        return f" ({self.utc:%H:%M} UTC{day})"


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """Somebody to write to or to call; empty text where we have none."""

    name: str
    email: str = ""
    phone: str = ""
    function: str = ""
    hours: str = ""


@dataclass(frozen=True, slots=True)
class OurOrganisation:
    """Who sends the notice. `contact` is the data protection lead or who stands in for them."""

    name: str
    registration: str
    sector: str
    address: str
    contact: ContactPoint
    desk: ContactPoint
    """Whom the public writes to or calls: the organisation's own contact point, else `contact`."""


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
    """To whom the notice goes. `kind` is the duty it answers; `id` is `ico`, a client's id, `people`, `insurer`…

    `client` is whose data it is about, empty for our own or everybody's; `controller` is that client as the
    people concerned know it. `how` tells our own people how this addressee is reached; it is no part of the text.
    """

    kind: str
    id: str
    name: str
    contract: str = ""
    notice_hours: int | None = None
    contacts: tuple[ContactPoint, ...] = ()
    datasets: tuple[DatasetFacts, ...] = ()
    client: str = ""
    controller: ContactPoint | None = None
    how: str = ""
    readers: str = ""
    """The list of those a letter goes to one by one, in words with its hash; empty where none was loaded."""

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
class DatasetStated:
    """One dataset of a client's, as a statement tells of it; what the inventory does not hold reads so."""

    title: str
    label: str
    data: str
    people: str
    count: str
    purpose: str
    basis: str
    systems: tuple[str, ...]
    retention: str
    plan: str


@dataclass(frozen=True, slots=True)
class PlanStated:
    """How one backup plan protects that data: schedule, copies, promises, and what was last seen to hold."""

    title: str
    schedule: str
    copies: tuple[str, ...]
    rpo: str
    rto: str
    retention: str
    last_backup: str
    last_drill: str


@dataclass(frozen=True, slots=True)
class StatementSheet:
    """What the template of a client's statement sees."""

    organisation: OurOrganisation
    addressee: Addressee
    today: str
    datasets: tuple[DatasetStated, ...]
    plans: tuple[PlanStated, ...]
    unprotected: tuple[str, ...]
    version: int | None = None
    """Its number where it is published."""


@dataclass(frozen=True, slots=True)
class CardLine:
    """Whom to call for what: the person, then who takes over."""

    role: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CardSheet:
    """What the template of the staff card sees."""

    organisation: str
    today: str
    callees: tuple[CardLine, ...]
    turns: tuple[str, ...]
    answers: tuple[str, ...]
    """The kinds of breach that have a playbook, in words."""
    version: int | None = None


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
class Change:
    """What one field says now that it did not say before; `before` is empty where nothing was known."""

    title: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a follow-up follows: the reference it was given, when it left, and what changed since."""

    reference: str
    sent: Moment
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """What somebody can do for themselves about one kind of data."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """What the people concerned are told, in words that speak to "you". `found` is the day we found out."""

    happened: tuple[str, ...]
    yours: str
    could_mean: tuple[str, ...]
    advice: tuple[Advice, ...]
    found: str
    when: str
    open: tuple[str, ...]
    in_danger: bool
    regulator: str


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
    letter: Letter | None = None
    follow_up: FollowUp | None = None
    told: tuple[str, ...] = ()
