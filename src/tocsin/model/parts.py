"""The parts of a workspace file: people, clients, systems, datasets, repositories, backup plans, channels."""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, WithJsonSchema, model_validator

from tocsin.model.fields import (
    Country,
    Cron,
    Duration,
    Id,
    Line,
    MailAddress,
    PublicKey,
    SecretReference,
    Text,
    TimeZone,
    TrueFalse,
    Whole,
    YesWord,
    is_hourly,
)
from tocsin.model.regulated import Regulated, Size
from tocsin.model.vocabulary import (
    DataCode,
    Label,
    LawfulBasis,
    MailSecurity,
    OrganisationRole,
    PeopleGroup,
    PersonRole,
    SystemKind,
    YesNoUnknown,
)

_DESKS = frozenset(
    {
        "accounts",
        "admin",
        "administrator",
        "billing",
        "director",
        "everyone",
        "finance",
        "guest",
        "info",
        "it",
        "mail",
        "marketing",
        "office",
        "reception",
        "sales",
        "shared",
        "staff",
        "support",
        "team",
        "webmaster",
    }
)
_MACHINES = frozenset(
    {
        "all",
        "anyone",
        "backup",
        "contact",
        "hello",
        "help",
        "helpdesk",
        "hr",
        "nobody",
        "operator",
        "postmaster",
        "root",
        "security",
        "service",
        "sysadmin",
        "system",
        "test",
        "user",
    }
)
SHARED_NAMES = _DESKS | _MACHINES
"""Names that say a desk, not a person: whoever approves must be one person who can be asked."""
SHARED_LOGINS = _DESKS
"""The narrower list for logins: one person may well work as `user` on their own machine, or as `root`."""

LOCAL_ZONE = "Europe/London"
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})
_PASSWORD_IN_URL = re.compile(r"://[^/@\s]*:[^/@\s]+@")


class Part(BaseModel):
    """A piece of a workspace file. A key with nothing after it counts as left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, data: Any) -> Any:  # noqa: ANN401 - what a file holds, before it is checked
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


class Named(Part):
    """A part that stands in a map and is known by its key there."""

    _id: str = PrivateAttr("")

    @property
    def id(self) -> str:
        """The key this part stands under."""
        return self._id

    def known_as(self, key: str) -> Self:
        """Take the map's key as id and return the part."""
        self._id = key
        return self


def check_location(text: str) -> str:
    """Return a repository's or store's location, refusing a password in its address (and not showing it)."""
    if _PASSWORD_IN_URL.search(text):
        raise ValueError(
            "a password stands in this address. Leave it out and give it where programs look for it "
            "(repositories: environment with a secret reference; PostgreSQL: PGPASSFILE), and change it."
        )
    return text


def _check_person_id(text: str) -> str:
    if text in SHARED_NAMES:
        raise ValueError(
            f"{text!r} names a desk, not a person. Give each person an id of their own, such as 'maya'."
        )
    return text


def _check_login(text: str) -> str:
    if text.lower() in SHARED_LOGINS:
        raise ValueError(f"{text!r} is a login that several people share. Each person needs one of their own.")
    return text


Location = Annotated[Line, AfterValidator(check_location), WithJsonSchema({"type": "string", "minLength": 1})]
PersonId = Annotated[Id, AfterValidator(_check_person_id)]
Login = Annotated[Line, AfterValidator(_check_login)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Contact(Part):
    """Somebody to write to."""

    name: Line
    email: MailAddress | None = None
    phone: Line | None = None
    hours: Line | None = None
    """When they can be reached, such as `Monday to Friday, 9am to 5pm`; letters to people say it."""


class Insurance(Part):
    """An insurance policy that may answer for a breach."""

    policy: Line
    """Its number, or how we call it."""
    insurer: Line
    notice_hours: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Hours the policy gives us to tell the insurer; absent means promptly."""
    contact: Contact | None = None
    """The hotline or broker to call first."""


class Organisation(Part):
    """Who we are."""

    name: Line
    role: OrganisationRole = OrganisationRole.BOTH
    """What we are for the data we hold: controller, processor or both."""
    registration: Line | None = None
    """The number under which the data protection fee is paid."""
    sector: Line | None = None
    address: Text | None = None
    contact: Contact | None = None
    timezone: TimeZone = LOCAL_ZONE
    countries: tuple[Country, ...] = ("GB",)
    regulated_as: tuple[Regulated, ...] | None = None
    """What we are regulated as beside data protection; [] says nothing else. Left out, an incident asks."""
    size: Size | None = None
    """Small means fewer than 50 staff and a turnover under ten million euros."""
    insurance: tuple[Insurance, ...] | None = None
    """Policies that may answer for a breach; [] says there is none."""
    breach_record_years: Annotated[int, Field(strict=True, ge=1)] = 6
    """How long a closed incident stays in the breach register; an open one is never let go."""


class Person(Named):
    """One of our own people. `login` is their system user: it is how they approve on the command line."""

    name: Line
    email: MailAddress | None = None
    phone: Line | None = None
    roles: tuple[PersonRole, ...] = ()
    deputy: Id | None = None
    login: Login | None = None
    slack: Line | None = None
    """The Slack member id."""
    ssh_key: PublicKey | None = None
    """A public key, to sign approvals with."""


class Client(Named):
    """An organisation whose data we hold for it; it is the controller, we are its processor."""

    name: Line
    contract: Line | None = None
    notice_hours: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Hours the contract gives us to tell the client; absent means without undue delay."""
    contacts: tuple[Contact, ...] = ()
    countries: tuple[Country, ...] = ("GB",)


class System(Named):
    """Something that holds datasets. `paths` are relative to the workspace, or absolute."""

    title: Line
    kind: SystemKind
    paths: tuple[Line, ...] = ()
    owner: Id | None = None
    encrypted: Annotated[YesNoUnknown, YesWord] = YesNoUnknown.UNKNOWN
    depends_on: tuple[Id, ...] = ()


class DatasetPeople(Part):
    """Whom a dataset is about, and how many they are."""

    groups: tuple[PeopleGroup, ...] = ()
    count: Whole | None = None


class Dataset(Named):
    """One entry of the inventory, our record of processing. Without `client` it is our own."""

    title: Line
    label: Label
    data: tuple[DataCode, ...] = ()
    people: DatasetPeople = DatasetPeople.model_construct()
    client: Id | None = None
    systems: tuple[Id, ...] = ()
    purpose: Text | None = None
    lawful_basis: LawfulBasis | None = None
    retention: Duration | None = None
    backup_plan: Id | None = None


class Checking(Part):
    """How often a repository is checked, and within what time all of its data has been read once."""

    schedule: Cron
    read_all_over: Duration = Field(default="90d", validate_default=True)


class Maintenance(Part):
    """When a repository is checked, thinned out and pruned, and with whose rights.

    `password`, `location` and `environment` are for a repository whose hosts may only add: give the ones that may
    delete to the machine that prunes, and to no other. `host` names that machine; others leave it alone.
    """

    check: Checking | None = None
    forget: Cron | None = None
    prune: Cron | None = None
    timezone: TimeZone = "UTC"
    host: Line | None = None
    location: Location | None = None
    password: SecretReference | None = None
    environment: dict[VariableName, SecretReference] = Field(default_factory=dict)


class Repository(Named):
    """A restic repository. `location` is a path relative to the workspace, or an address restic knows."""

    location: Location
    password: SecretReference
    offsite: TrueFalse = False
    append_only: TrueFalse = False
    environment: dict[VariableName, SecretReference] = Field(default_factory=dict)
    maintenance: Maintenance | None = None


class Source(Part):
    """What a backup plan reads."""

    paths: tuple[Line, ...] = Field(min_length=1)
    exclude: tuple[Line, ...] = ()


class Retention(Part):
    """How many snapshots to keep of each kind."""

    last: Whole | None = None
    daily: Whole | None = None
    weekly: Whole | None = None
    monthly: Whole | None = None
    yearly: Whole | None = None

    @model_validator(mode="after")
    def _keep_something(self) -> Self:
        if not any((self.last, self.daily, self.weekly, self.monthly, self.yearly)):
            raise ValueError("this would keep no snapshot at all. Give last, daily, weekly, monthly or yearly.")
        return self


class Scheduled(Named):
    """A part that runs by the clock."""

    timezone: TimeZone | None = None

    def zone_of(self, cron: str) -> str:
        """Return the zone its schedule is meant in.

        Daily and rarer schedules follow the office's clock. Hourly and finer ones are in UTC unless the
        file says otherwise: when the clocks go back, an hour of runs would be lost.
        """
        return self.timezone or ("UTC" if is_hourly(cron) else LOCAL_ZONE)


class BackupPlan(Scheduled):
    """What is backed up where, when, for how long, and how much may be lost or waited for."""

    title: Line
    sources: tuple[Source, ...] = Field(min_length=1)
    repositories: tuple[Id, ...] = Field(min_length=1)
    schedule: Cron
    rpo: Duration
    """The most work that may be lost: the age of the newest good snapshot."""
    rto: Duration
    """The longest that bringing it back may take."""
    retention: Retention | None = None
    canaries: tuple[Line, ...] = ()
    """Files inside the sources that nobody has a reason to touch: a change of one is an alarm."""
    tags: tuple[Annotated[str, Field(pattern=r"^[^\s,]+$")], ...] = ()

    @property
    def zone(self) -> str:
        """The time zone of the schedule."""
        return self.zone_of(self.schedule)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every source's paths, as written."""
        return tuple(path for source in self.sources for path in source.paths)

    @property
    def exclude(self) -> tuple[str, ...]:
        """Every source's exclusions, as written."""
        return tuple(pattern for source in self.sources for pattern in source.exclude)


class MailChannel(Part):
    """The mail server that notices and alarms go out by."""

    host: Line
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] = 587
    security: MailSecurity = MailSecurity.STARTTLS
    username: Line | None = None
    password: SecretReference | None = None
    sender: MailAddress

    @model_validator(mode="after")
    def _keep_the_password_private(self) -> Self:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together: give both or neither.")
        if self.password and self.security is MailSecurity.NONE and self.host not in _THIS_MACHINE:
            raise ValueError("with security: none the password would cross the network in clear. Use starttls.")
        return self


class SlackChannel(Part):
    """Where our own people are told in Slack."""

    channel: Line
    token: SecretReference | None = None


PersonsNeeded = Annotated[int, Field(strict=True, ge=1, le=2)]


class Approvals(Part):
    """How many people have to approve the same text before it may leave, by whom it is for: one or two."""

    regulator: PersonsNeeded = 1
    controllers: PersonsNeeded = 1
    """Notices to clients."""
    people: PersonsNeeded = 1
    """Letters to the people concerned."""
    insurer: PersonsNeeded = 1
    police: PersonsNeeded = 1
    ncsc: PersonsNeeded = 1
    bank: PersonsNeeded = 1
    staff: PersonsNeeded = 1
    press: PersonsNeeded = 1
    supplier: PersonsNeeded = 1
    sector: PersonsNeeded = 1
    """Reports to other regulators."""

    def needed(self, kind: str) -> int:
        """Return how many people a notice of this kind needs."""
        needed: int = getattr(self, kind, 1)
        return needed


class Channels(Part):
    """The ways out of the house. `outbox` is a folder that always works."""

    mail: MailChannel | None = None
    slack: SlackChannel | None = None
    outbox: Line = "outbox"
