"""What the regimes must know of the organisation. Anything left None is not known, and is then asked for."""

from dataclasses import dataclass

from tocsin.model.regulated import Regulated

__all__ = ["REGULATED_WORDS", "ClientTerms", "Policy", "Profile", "Regulated"]

REGULATED_WORDS = {
    Regulated.ELECTRONIC_COMMUNICATIONS: "a provider of public electronic communications",
    Regulated.DIGITAL_SERVICE: "a digital service provider (marketplace, search engine, cloud)",
    Regulated.ESSENTIAL_SERVICE: "an operator of essential services",
    Regulated.MANAGED_SERVICE: "a managed service provider or data centre",
    Regulated.TELECOMS: "a telecoms provider",
    Regulated.TRUST_SERVICE: "a trust service provider",
    Regulated.FCA: "a firm authorised by the FCA",
    Regulated.SRA: "a law firm regulated by the SRA",
    Regulated.BAR: "barristers",
    Regulated.SCOTTISH_SOLICITORS: "Scottish solicitors",
    Regulated.CHARITY_ENGLAND_WALES: "a charity in England or Wales",
    Regulated.CHARITY_SCOTLAND: "a charity in Scotland",
    Regulated.CHARITY_NORTHERN_IRELAND: "a charity in Northern Ireland",
    Regulated.NHS_DATA: "an organisation with access to NHS data",
    Regulated.CARE_PROVIDER: "a care provider",
    Regulated.LISTED_ISSUER: "a listed company",
}
"""What each means, to go after "we are" and "are we"."""


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
