"""Every fact that can be stated: its path, what may be said of it, and the plain question that asks for it.

The paths and choices come from the document's own model, the questions from `data/questions.yaml`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from tocsin.law.facts.document import Facts
from tocsin.law.files import read_data
from tocsin.model.vocabulary import YesNo

RAISING = frozenset(
    {
        "personal_data",
        "exploited",
        "insight",
        "people.vulnerable",
        "recipient.hostile",
        "misuse_seen",
        "safety_risk",
    }
)
"""Facts that only make things worse; unset, they do not move the verdict (`personal_data` is presumed yes)."""

Answer = Literal["yes_no", "choice", "choices", "number", "time", "names"]


@dataclass(frozen=True, slots=True)
class FactPath:
    """One fact that can be stated. `choices` is empty for numbers, times and free names."""

    path: str
    answer: Answer
    choices: tuple[str, ...]
    question: str

    @property
    def raising(self) -> bool:
        """Whether this fact can only raise the verdict while it is unset."""
        return self.path in RAISING


@lru_cache(maxsize=1)
def fact_paths() -> dict[str, FactPath]:
    """Return every fact by its path, such as `recipient.type`, in the document's order."""
    questions = read_data("questions")["questions"]
    return {path: _described(path, annotation, questions[path]) for path, annotation in _walk(Facts, "")}


def _walk(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, info in model.model_fields.items():
        path = f"{prefix}{info.alias or name}"
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _walk(info.annotation, f"{path}.")
        else:
            yield path, info.annotation


def _described(path: str, annotation: Any, question: str) -> FactPath:  # noqa: ANN401 - annotations have no type
    parts = list(_unwrapped(annotation))
    listed = any(get_origin(part) is tuple for part in parts)
    inner = [kind for part in parts for kind in (_unwrapped(get_args(part)[0]) if get_args(part) else [part])]
    words = next((kind for kind in inner if isinstance(kind, type) and issubclass(kind, StrEnum)), None)
    if words is YesNo:
        return FactPath(path, "yes_no", ("yes", "no"), question)
    if words:
        return FactPath(path, "choices" if listed else "choice", tuple(str(word) for word in words), question)
    if listed:
        return FactPath(path, "names", (), question)
    return FactPath(path, "number" if int in inner else "time", (), question)


def _unwrapped(annotation: Any) -> Iterator[Any]:  # noqa: ANN401
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _unwrapped(get_args(annotation)[0])
    elif origin in {Union, UnionType}:
        for part in get_args(annotation):
            yield from _unwrapped(part)
    elif annotation is not type(None):
        yield annotation
