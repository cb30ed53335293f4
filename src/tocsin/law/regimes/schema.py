"""The shape of a regime in `data/regimes.yaml`, checked when it is read."""

from datetime import date
from functools import lru_cache
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tocsin.law.files import read_data
from tocsin.law.regimes.profile import Regulated
from tocsin.model.vocabulary import Cause, DataCode, Role, ServiceImpact

Status = Literal["verified", "reported", "recalled"]


class Entry(BaseModel):
    """A piece of the law's data."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Conditions(Entry):
    """What must hold, all of it. Every condition is answered yes, no, or not known."""

    personal_data: Literal[True] | None = None
    duty: Literal["regulator", "people", "controllers"] | None = None
    """The assessment requires this duty."""
    risk_at_least: Literal["risk", "high_risk"] | None = None
    role: tuple[Role, ...] = ()
    cause: tuple[Cause, ...] = ()
    data: tuple[DataCode, ...] = ()
    """One of these is among the data."""
    service_impact: tuple[ServiceImpact, ...] = ()
    confidentiality: Literal[True] | None = None
    """Confidentiality is among the kinds of breach."""
    sealed: Literal[False] | None = None
    """The data is not encrypted with a safe key."""
    exposed: Literal[True] | None = None
    """Others may have read the data."""
    crime: Literal[True] | None = None
    """Somebody did it on purpose."""
    cyber: Literal[True] | None = None
    """It came through the network or malware."""
    danger: Literal[True] | None = None
    """Somebody may come to physical harm."""
    small: Literal[False] | None = None
    """The organisation is not below the size limit."""


class InForce(Entry):
    """The days a regime holds, both included. `start` None: not in force."""

    start: date | None = Field(alias="from")
    end: date | None = Field(alias="to")

    def on(self, day: date) -> bool:
        """Tell whether it holds on a day."""
        return self.start is not None and self.start <= day and (self.end is None or day <= self.end)


class Regime(Entry):
    """One regime. `addressee: authority` is the data protection regulator by its name on the day."""

    id: str
    name: str
    to: Literal["regulator", "people", "controllers", "nis", "sector", "contract", "insurer", "police", "ncsc"]
    addressee: str
    who: tuple[Regulated, ...] = ()
    trigger: Conditions = Conditions()
    doubt: Conditions | None = None
    doubt_says: str | None = None
    judge: str | None = None
    each: Literal["clients", "policies", "eea_countries"] | None = None
    voluntary: bool = False
    within: int | None = None
    promptly: str | None = None
    form: str
    basis: str
    source: str
    status: Status
    in_force: InForce

    @model_validator(mode="after")
    def _says_how_soon(self) -> Self:
        if (self.within is None) == (self.promptly is None):
            raise ValueError(f"{self.id}: give either `within` hours or `promptly` in words.")
        return self


@lru_cache(maxsize=1)
def regimes() -> tuple[Regime, ...]:
    """Return every regime of the data file, in force or not."""
    return tuple(Regime.model_validate(entry) for entry in read_data("regimes")["regimes"])


@lru_cache(maxsize=1)
def eea_authorities() -> dict[str, str]:
    """Return the data protection authorities of the EEA by country code. Names recalled: check them."""
    return dict(read_data("eea-authorities")["authorities"])
