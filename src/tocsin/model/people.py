"""The people of a workspace file: who we are, our own people, our clients."""

from typing import Annotated

from pydantic import AfterValidator, Field

from tocsin.model.fields import Country, Id, Line, MailAddress, PublicKey, Text, TimeZone
from tocsin.model.parts import LOCAL_ZONE, Named, Part
from tocsin.model.regulated import Regulated, Size
from tocsin.model.vocabulary import OrganisationRole, PersonRole

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


PersonId = Annotated[Id, AfterValidator(_check_person_id)]
Login = Annotated[Line, AfterValidator(_check_login)]


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
