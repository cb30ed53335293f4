"""Say in plain sentences what is wrong with a document, where, and what was probably meant.

pydantic finds the faults; nobody should have to read its words for them. Unknown keys and wrong choices
come with the nearest right word, found by walking the model along the fault's path.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from tocsin.errors import ConfigurationError, Problem, nearest
from tocsin.model.document import Data, Document, Path

Model = TypeVar("Model", bound=BaseModel)

_TEXT = "must be text"
_NUMBER = "must be a whole number"
_YES_NO = "must be true or false"
_MAP = "must be a map of 'key: value' lines"
_LIST = "must be a list"
_WANTED = {
    "string_type": _TEXT,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": _NUMBER,
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "decimal_parsing": "must be a number",
    "decimal_type": "must be a number",
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "dict_type": _MAP,
    "mapping_type": _MAP,
    "model_type": _MAP,
    "model_attributes_type": _MAP,
    "dataclass_type": _MAP,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "datetime_type": "must be a time such as 2026-11-20T17:40:00+00:00",
    "datetime_parsing": "must be a time such as 2026-11-20T17:40:00+00:00",
    "datetime_from_date_parsing": "must be a time such as 2026-11-20T17:40:00+00:00",
    "timezone_aware": "must say its time zone, such as 2026-11-20T17:40:00+00:00 or ...Z",
    "date_type": "must be a date such as 2026-11-20",
    "date_parsing": "must be a date such as 2026-11-20",
    "date_from_datetime_parsing": "must be a date such as 2026-11-20",
}


def load_model(model_type: type[Model], document: Document) -> Model:
    """Return the document as a `model_type`, or raise ConfigurationError with all its problems."""
    if document.data is None:
        raise ConfigurationError(Problem(document.place(()), "The file is empty."))
    try:
        return model_type.model_validate(document.data)
    except ValidationError as error:
        raise ConfigurationError(problems_of(error, document, model_type)) from None


def problems_of(
    error: ValidationError, document: Document, model_type: type[BaseModel] | None = None
) -> list[Problem]:
    """Translate pydantic's findings into our problems, in the file's order, one for each spot.

    `model_type` is what was validated; without it unknown keys come without a suggestion.
    """
    problems: dict[Path, Problem] = {}
    faults = error.errors(include_url=False)
    for fault in faults:
        if fault["type"] == "too_short" and any(_is_inside(other["loc"], fault["loc"]) for other in faults):
            continue  # pydantic left the wrong ones out before it counted: only they are wrong
        path, is_key = _path_in(document, fault["loc"], missing=fault["type"] == "missing")
        if path not in problems:
            problems[path] = _problem(fault, path, document, model_type, is_key=is_key)
    return sorted(
        problems.values(), key=lambda problem: (problem.place.name, problem.place.line, problem.place.column)
    )


def _is_inside(loc: tuple[str | int, ...], outer: tuple[str | int, ...]) -> bool:
    return len(loc) > len(outer) and loc[: len(outer)] == outer


def _path_in(document: Document, loc: tuple[str | int, ...], *, missing: bool) -> tuple[Path, bool]:
    """Return the fault's path as the file has it, without the union tags and `[key]` that pydantic adds."""
    is_key = bool(loc) and loc[-1] == "[key]"
    steps = loc[:-1] if is_key else loc
    path: Path = ()
    for position, step in enumerate(steps):
        found = document.at(path)
        inside = (
            step in found
            if isinstance(found, dict)
            else isinstance(found, list) and isinstance(step, int) and step < len(found)
        )
        if inside or (missing and position == len(steps) - 1):
            path = (*path, step)
    return path, is_key


def _problem(
    fault: Any,  # noqa: ANN401 - pydantic's ErrorDetails, whose `ctx` is untyped
    path: Path,
    document: Document,
    model_type: type[BaseModel] | None,
    *,
    is_key: bool,
) -> Problem:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        key = str(path[-1])
        known = _known_keys(model_type, path[:-1], document)
        return Problem(
            document.key_place(path),
            f"Unknown key {key!r}{_inside(path[:-1])}.{_keys(key, known)}",
            nearest(key, known),
        )
    if kind == "missing":
        written = path in document.keys
        place = document.key_place(path) if written else document.key_place(path[:-1])
        why = "has no value" if written else "is missing"
        return Problem(place, f"{spell(path)} {why}.")
    if is_key:
        return Problem(document.key_place(path), _key_sentence(fault, path))
    value = document.at(path)
    if value is None and path in document.keys and kind in _WANTED:
        return Problem(document.key_place(path), f"{spell(path)} has no value.")
    if kind.startswith("union_tag") and (tag := re.fullmatch(r"'(.+)'", str(context.get("discriminator")))):
        path = (*path, tag[1])
        value = document.at(path)
    if kind == "union_tag_not_found":
        return Problem(document.key_place(path), f"{spell(path)} is missing.")
    if kind in {"enum", "literal_error", "union_tag_invalid"}:
        expected = str(context.get("expected", context.get("expected_tags", "")))
        choices = re.findall(r"'([^']*)'", expected) or expected.split(" or ")
        return _wrong_choice(value, choices, path, document)
    return Problem(document.place(path), _sentence(kind, context, fault["msg"], path, value))


def _wrong_choice(value: Data, choices: Sequence[str], path: Path, document: Document) -> Problem:
    meant = nearest(value, choices) if isinstance(value, str) else None
    listed = "" if meant else f" It is {_alternatives(choices)}."
    return Problem(document.place(path), f"{spell(path)} cannot be {_shown(value)}.{listed}", meant)


def _alternatives(choices: Sequence[str]) -> str:
    return f"one of: {', '.join(choices)}" if len(choices) > 1 else f"always {choices[0]}"


def _key_sentence(fault: Mapping[str, Any], path: Path) -> str:
    if fault["type"] == "value_error":
        return f"{fault['ctx']['error']}"
    choices = re.findall(r"'([^']*)'", str(fault.get("ctx", {}).get("expected", "")))
    listed = f" Known: {', '.join(choices)}." if choices else ""
    return f"The key {str(path[-1])!r} cannot stand here.{listed}"


def _sentence(kind: str, context: Mapping[str, Any], said: str, path: Path, value: Data) -> str:
    subject = spell(path)
    if kind in {"value_error", "assertion_error"}:
        return f"{subject}: {context['error']}"
    if wanted := _WANTED.get(kind):
        return f"{subject} {wanted}, not {_shown(value)}.{_remedy(wanted, value)}"
    if kind in {"greater_than_equal", "greater_than", "less_than_equal", "less_than"}:
        bound = {"greater_than_equal": "at least", "greater_than": "more than", "less_than_equal": "at most"}
        limit = context.get("ge", context.get("gt", context.get("le", context.get("lt"))))
        return f"{subject} must be {bound.get(kind, 'less than')} {limit}, not {_shown(value)}."
    if kind in {"too_short", "string_too_short"}:
        return f"{subject} must not be empty."
    if kind in {"too_long", "string_too_long"}:
        return f"{subject} is too long: at most {context.get('max_length')}."
    words = re.sub(r"^(Input|Value|String) should", "must", said)
    return f"{subject} {words[0].lower()}{words[1:]}."


def _remedy(wanted: str, value: Data) -> str:
    if wanted == _TEXT and isinstance(value, bool | int | float):
        return " Put it in quotes."
    if wanted == _LIST and isinstance(value, str):
        return f" Write [{value}]."
    return ""


def _shown(value: Data) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")  # noqa: PLR2004 - a line's worth
    return f"the number {value}"


def spell(path: Path) -> str:
    """Return a path as a person reads it: `clients.acme.contacts[0].email`."""
    words = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return words.removeprefix(".") or "The file"


def _inside(path: Path) -> str:
    return f" in {spell(path)}" if path else ""


def _keys(key: str, known: Iterable[str]) -> str:
    known = sorted(known)
    return f" Known: {', '.join(known)}." if known and not nearest(key, known) else ""


def _known_keys(model_type: type[BaseModel] | None, path: Path, document: Document) -> set[str]:
    """Return the keys that may stand at `path`, found by walking the model's annotations."""
    kinds: list[Any] = [model_type]
    for depth, step in enumerate(path):
        kinds = [inner for kind in kinds for inner in _inside_of(kind, step)]
        kinds = _tagged(kinds, document.at(path[: depth + 1]))
    return {
        info.alias or name
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for name, info in kind.model_fields.items()
    }


def _inside_of(kind: Any, step: str | int) -> list[Any]:  # noqa: ANN401 - annotations have no type of their own
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = {info.alias or name: info for name, info in kind.model_fields.items()}
        return _unwrapped(fields[step].annotation) if isinstance(step, str) and step in fields else []
    arguments = [argument for argument in get_args(kind) if argument is not Ellipsis]
    return _unwrapped(arguments[-1]) if arguments else []


def _unwrapped(annotation: Any) -> list[Any]:  # noqa: ANN401
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return [kind for part in get_args(annotation) for kind in _unwrapped(part)]
    return [annotation]


def _tagged(kinds: list[Any], value: Data) -> list[Any]:
    """Keep the union members whose `Literal` keys agree with what the file says."""
    if len(kinds) <= 1 or not isinstance(value, dict):
        return kinds
    return [kind for kind in kinds if _agrees(kind, value)] or kinds


def _agrees(kind: Any, value: dict[str, Data]) -> bool:  # noqa: ANN401
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return False
    tags = {
        name: get_args(info.annotation)
        for name, info in kind.model_fields.items()
        if get_origin(info.annotation) is Literal
    }
    return all(value.get(name) in allowed for name, allowed in tags.items())
