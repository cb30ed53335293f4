"""The practices Tocsin knows, as dated data: what each asks, what backs it, how often, what proves it.

Where a source is recalled from memory, whoever reads it is told to check it. No I/O but reading our own data.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from tocsin.model.fields import Duration
from tocsin.model.practice import PracticeName, ProofWord, RhythmText
from tocsin.model.vocabulary import Cause, PersonRole

SheetWord = Literal[
    "access", "data", "contracts", "suppliers", "training", "updates", "contacts", "people", "consent", "checklist"
]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Entry):
    """Where something is said, and how sure we are of it."""

    title: str
    how_sure: Literal["verified", "reported", "recalled"]
    address: str

    @property
    def sentence(self) -> str:
        """Name it, with what a reader should know of how sure it is."""
        doubt = {
            "verified": "",
            "reported": " (reported by others)",
            "recalled": " (recalled from memory: check this)",
        }
        return f"{self.title}{doubt[self.how_sure]}"


class CataloguePractice(_Entry):
    """One practice as the catalogue has it. `role` is who answers for it where the firm names nobody."""

    title: str
    asks: str
    every: RhythmText
    grace: Duration
    role: PersonRole
    proof: tuple[ProofWord, ...]
    backed_by: tuple[str, ...]
    causes: tuple[Cause, ...]
    wording: str
    sheet: SheetWord | None = None
    questions: tuple[str, ...] = ()
    each_person: bool = False
    topics: tuple[str, ...] = ()
    urgent_within: Duration | None = None


class _Catalogue(_Entry):
    as_of: date
    sources: dict[str, Source]
    practices: dict[PracticeName, CataloguePractice]


@lru_cache(maxsize=1)
def _catalogue() -> _Catalogue:
    text = files("tocsin.practices").joinpath("data", "catalogue.yaml").read_text(encoding="utf-8")
    return _Catalogue.model_validate(yaml.load(text, Loader=_LOADER))  # noqa: S506 - a safe loader, for its speed


def catalogue() -> Mapping[str, CataloguePractice]:
    """Return every practice of ours by its name."""
    return {str(name): entry for name, entry in _catalogue().practices.items()}


def sources_of(entry: CataloguePractice) -> tuple[Source, ...]:
    """Return what backs a practice."""
    return tuple(_catalogue().sources[name] for name in entry.backed_by)


def as_of() -> date:
    """Return the day on which the catalogue was last compared with its sources."""
    return _catalogue().as_of


def for_cause(cause: Cause | str) -> Mapping[str, CataloguePractice]:
    """Return the practices that answer a cause of breaches, also those the firm has not switched on."""
    return {name: entry for name, entry in catalogue().items() if cause in entry.causes}
