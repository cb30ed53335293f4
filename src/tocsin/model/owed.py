"""One thing that a label asks for and does not have, in words that end a sentence."""

from dataclasses import dataclass

from tocsin.model.finding import Severity
from tocsin.model.handling import Rule


@dataclass(frozen=True, slots=True)
class Owed:
    """`words` follow "so it needs"; `fix` is the line to write or what to do; `practice` is what it belongs to."""

    rule: Rule
    code: str
    words: str
    fix: str
    practice: str
    severity: Severity = Severity.MUST
