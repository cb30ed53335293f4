"""What the regimes must know of the organisation. Anything left None is not known, and is then asked for."""

from dataclasses import dataclass
from enum import StrEnum


class Regulated(StrEnum):
    """What an organisation may be regulated as, beside being a controller or processor."""

    ELECTRONIC_COMMUNICATIONS = "electronic_communications"
    DIGITAL_SERVICE = "digital_service"
    ESSENTIAL_SERVICE = "essential_service"
    MANAGED_SERVICE = "managed_service"
    TELECOMS = "telecoms"
    TRUST_SERVICE = "trust_service"
    FCA = "fca"
    SRA = "sra"
    BAR = "bar"
    SCOTTISH_SOLICITORS = "scottish_solicitors"
    CHARITY_ENGLAND_WALES = "charity_england_wales"
    CHARITY_SCOTLAND = "charity_scotland"
    CHARITY_NORTHERN_IRELAND = "charity_northern_ireland"
    NHS_DATA = "nhs_data"
    CARE_PROVIDER = "care_provider"
    LISTED_ISSUER = "listed_issuer"


@dataclass(frozen=True, slots=True)
class ClientTerms:
    """What a client's contract says of breaches. `notice_hours` None: no hours agreed."""

    id: str
    name: str
    notice_hours: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """An insurance policy that may answer. `notice_hours` None: the policy names no hours."""

    insurer: str
    reference: str
    notice_hours: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """The organisation. An empty set or tuple says "none of these"; None says "not known"."""

    regulated_as: frozenset[Regulated] | None = None
    small: bool | None = None
    """Fewer than 50 staff and a turnover under ten million euros (NIS Regulations, digital services)."""
    clients: tuple[ClientTerms, ...] | None = None
    policies: tuple[Policy, ...] | None = None
