"""What prevents a cause, and what published cases teach: dated data that ships with us, with its sources."""

from datetime import date
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tocsin.model.practice import PracticeName
from tocsin.model.vocabulary import Cause
from tocsin.model.yaml_text import load_model, parse_yaml


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProofWanted(_Entry):
    """What would prove it; which drill is chosen by what was hit."""

    practice: PracticeName | None = None
    drill: bool = False
    document: str = ""

    @model_validator(mode="after")
    def _is_one(self) -> "ProofWanted":
        if sum((self.practice is not None, self.drill, bool(self.document))) != 1:
            raise ValueError("one of practice, drill or document proves it")
        return self


class Source(_Entry):
    """Where it is said; `check` where we know it from others, or from memory."""

    title: str
    address: str
    check: bool

    @property
    def sentence(self) -> str:
        """Name it with its address, and whether it is to be checked."""
        return f"{self.title}, {self.address}{' (check this)' if self.check else ''}"


class Lesson(_Entry):
    """One thing to do."""

    title: str
    risk: str
    days: int = Field(ge=1, le=365)
    proof: ProofWanted


class Measure(Lesson):
    """What prevents some causes."""

    causes: tuple[Cause, ...] = Field(min_length=1)
    sources: tuple[str, ...] = Field(min_length=1)


class Case(_Entry):
    """A published case and what it teaches."""

    who: str
    decided: str = Field(default="", pattern=r"^(\d{4}(-\d\d(-\d\d)?)?)?$")
    what: str
    check: bool
    source: str
    causes: tuple[Cause, ...] = Field(min_length=1)
    lessons: tuple[Lesson, ...] = Field(min_length=1)

    @property
    def sentence(self) -> str:
        """Tell the case in a line."""
        return f"{self.who}{f' ({self.decided[:4]})' if self.decided else ''}: {self.what}"


class Prevention(_Entry):
    """`data/prevention.yaml`."""

    as_of: date
    sources: dict[str, Source]
    measures: dict[str, Measure]

    @model_validator(mode="after")
    def _sources_are_known(self) -> "Prevention":
        for name, each in self.measures.items():
            if unknown := set(each.sources) - set(self.sources):
                raise ValueError(f"{name} names sources that are not there: {', '.join(sorted(unknown))}")
        return self


class Lessons(_Entry):
    """`data/lessons.yaml`."""

    as_of: date
    cases: dict[str, Case]


@lru_cache(maxsize=1)
def prevention() -> Prevention:
    """Return what prevents each cause."""
    return load_model(Prevention, parse_yaml(_text("data/prevention.yaml"), "data/prevention.yaml"))


@lru_cache(maxsize=1)
def lessons() -> Lessons:
    """Return what published cases teach."""
    return load_model(Lessons, parse_yaml(_text("data/lessons.yaml"), "data/lessons.yaml"))


def _text(name: str) -> str:
    return files("tocsin.reviews").joinpath(name).read_text("utf-8")
