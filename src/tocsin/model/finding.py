"""A finding of the inventory: what is wrong or unsaid, where in the files, and what mends it."""

from dataclasses import dataclass
from enum import StrEnum

from tocsin.errors import Place
from tocsin.model.handling import Departure, Rule


class Severity(StrEnum):
    """How a finding weighs. `ask`: nobody has said, which is neither a no nor a yes."""

    MUST = "must"
    SHOULD = "should"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    `subject` is `dataset:ID`, `system:ID`, `backup_plan:ID`, `client:ID` or `departure:NUMBER`; `fix` is the line
    to write or what to do; `practice` is the good practice it belongs to. `departure` is the agreed exception that
    holds it today: such a finding is shown and does not count.
    """

    code: str
    severity: Severity
    subject: str
    sentence: str
    fix: str
    place: Place
    clients: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    practice: str = ""
    rule: Rule | None = None
    departure: Departure | None = None

    @property
    def waived(self) -> bool:
        """Whether an agreed departure holds it today."""
        return self.departure is not None
