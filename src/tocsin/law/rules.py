"""The rules the assessment speaks by: named, dated, with basis, guidance and how sure each is.

The sentences live in `data/rules.yaml`; which of them fire is found by the evaluation itself.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tocsin.law.files import read_data

Status = Literal["verified", "reported", "recalled", "reading"]

_SURENESS: dict[Status, str] = {
    "verified": "",
    "reported": "",
    "recalled": "; recalled from memory, check this",
    "reading": "; our reading",
}


class Rule(BaseModel):
    """One rule. `facts` are the facts its sentence rests on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str
    says: str
    facts: tuple[str, ...] = ()
    basis: str
    guidance: str
    status: Status
    since: date

    @property
    def sentence(self) -> str:
        """What the rule says, its name and the guidance behind it, fit to paste into the record."""
        return f"{self.says} [{self.id}: {self.basis}; {self.guidance}{self.doubt}]"

    @property
    def doubt(self) -> str:
        """How unsure the rule is, in words, where the guidance does not already say so."""
        said = _SURENESS[self.status]
        return "" if said.removeprefix("; ") in self.guidance else said


@lru_cache(maxsize=1)
def rules() -> Mapping[str, Rule]:
    """Return every rule by its name."""
    return {entry["id"]: Rule.model_validate(entry) for entry in read_data("rules")["rules"]}
