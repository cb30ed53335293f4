"""Hold a document against the tables of the standard: required properties, identifiers, times, vocabularies.

`judged` says everything that is not as the standard has it, graded by what it means for an import. Where steps
lead is judged by `graph`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from tocsin.cacao.findings import Finding, JsonPath, draft, note, quoted, reject
from tocsin.cacao.vocabulary import (
    ACTION,
    COMMAND_REQUIRED,
    END,
    FURTHER,
    PLAYBOOK,
    SPEC_VERSION,
    START,
    STEP_TYPES,
    STEPS,
    Anything,
    Flag,
    Identifier,
    ListOf,
    MapOf,
    Nullable,
    Shape,
    Table,
    Text,
    Time,
    Whole,
)
from tocsin.errors import nearest
from tocsin.model.document import Data

MOST_STEPS = 400
_IDENTIFIER = re.compile(
    r"([a-z][a-z0-9-]*[a-z0-9])--([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12})"
)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")
_MILLISECONDS = re.compile(r"T\d{2}:\d{2}:\d{2}\.\d{3}Z")
_VARIABLE = re.compile(r"__[a-zA-Z_][a-zA-Z0-9_-]{0,199}__")
_START_LINE = re.compile(r"[A-Z]{3,10} \S+( HTTP/[0-9](\.[0-9])?)?")
_REQUESTS = ("http-api", "openc2-http", "openc2")
_LONGEST_ID = 200
# Without these nothing can be told apart or followed.
_ESSENTIAL = frozenset({"workflow", "workflow_start"})


def judged(document: Mapping[str, Data]) -> Iterator[Finding]:
    """Yield what is not as the standard has it, but for where steps lead."""
    yield from _what_it_is(document)
    yield from _object(document, PLAYBOOK, ())
    for name, further in FURTHER.items():
        yield from _further(document.get(name), further, (name,))
    yield from _times(document)
    if document.get("playbook_types") and not document.get("playbook_activities"):
        yield note(("playbook_activities",), "Playbook types are named, and no activity with them.")
    if document.get("revoked") is True:
        yield draft(("revoked",), "Its maker has withdrawn this playbook. Ask them what replaces it.")
    if document.get("signatures"):
        yield note(("signatures",), "It is signed; the signature is kept and was not checked.")
    workflow = document.get("workflow")
    if isinstance(workflow, dict):
        yield from _steps(workflow)


def identifier_type(value: Data) -> str | None:
    """Return the type in front of an identifier's `--`, or None where there is none to be seen."""
    if not isinstance(value, str) or "--" not in value:
        return None
    return value.partition("--")[0]


def variables_in(text: str) -> list[str]:
    """Return the variables a text names, in order."""
    return list(dict.fromkeys(_VARIABLE.findall(text)))


def _what_it_is(document: Mapping[str, Data]) -> Iterator[Finding]:
    kind, version = document.get("type"), document.get("spec_version")
    if kind != "playbook":
        said = f"'{quoted(kind)}'" if isinstance(kind, str) else "nothing"
        yield reject(("type",), f"This is no CACAO playbook: its type is {said}, not 'playbook'.")
    if version != SPEC_VERSION:
        said = f"'{quoted(version)}'" if isinstance(version, str) else "missing"
        yield reject(("spec_version",), f"Only {SPEC_VERSION} is read; the version of this file is {said}.")


def _steps(workflow: dict[str, Data]) -> Iterator[Finding]:
    if len(workflow) > MOST_STEPS:
        yield reject(("workflow",), f"{len(workflow)} steps are too many to be followed: at most {MOST_STEPS}.")
        return
    for key, step in workflow.items():
        here: JsonPath = ("workflow", key)
        if len(key) > _LONGEST_ID:
            yield reject(here, f"A step's id of {len(key)} characters is no identifier.")
        if not isinstance(step, dict):
            yield reject(here, "A step must be an object.")
            continue
        kind = step.get("type")
        if not isinstance(kind, str) or kind not in STEPS:
            said = f"'{quoted(kind)}'" if isinstance(kind, str) else "no type"
            near = nearest(kind, STEP_TYPES) if isinstance(kind, str) else None
            hint = f" Did you mean '{near}'?" if near else ""
            yield reject(
                (*here, "type"), f"{said} is no step of CACAO 2.0; nobody could say when it is done.{hint}"
            )
            continue
        yield from _object(step, STEPS[kind], here)
        if identifier_type(key) not in (kind, None):
            yield note(here, f"The id of this {kind} step begins with another type.")
        yield from _what_follows(step, kind, here)
        if kind == ACTION:
            yield from _commands(step, here)


def _what_follows(step: Mapping[str, Data], kind: str, here: JsonPath) -> Iterator[Finding]:
    after = [name for name in ("on_completion", "on_success", "on_failure") if name in step]
    if kind == END and after:
        yield note((*here, after[0]), "Nothing follows an end step; this is not looked at.")
    elif kind == START and "on_completion" in step and len(after) > 1:
        yield note((*here, after[1]), "A start step has `on_completion` alone; this is not looked at.")
    elif kind not in (END, START):
        if not after:
            yield note(here, "Nothing follows this step, not even an end: its branch ends here.")
        if "on_completion" in after and len(after) > 1:
            yield draft(
                (*here, after[1]),
                "`on_completion` stands beside `on_success` or `on_failure`: say which is meant.",
            )
        if after == ["on_failure"]:
            yield draft((*here, "on_failure"), "What follows a success is not said: its branch ends here.")


def _commands(step: Mapping[str, Data], here: JsonPath) -> Iterator[Finding]:
    commands = step.get("commands")
    for index, command in enumerate(commands if isinstance(commands, list) else []):
        inside: JsonPath = (*here, "commands", index)
        if not isinstance(command, dict):
            continue
        for name in COMMAND_REQUIRED.get(str(command.get("type")), ()):
            if name not in command:
                yield draft((*inside, name), f"A {quoted(str(command['type']))} command needs `{name}`.")
        start_line = command.get("command")
        if (
            command.get("type") in _REQUESTS
            and isinstance(start_line, str)
            and not _START_LINE.fullmatch(start_line)
        ):
            yield note((*inside, "command"), "This is no start line of a request, such as 'POST /path HTTP/1.1'.")
        if not {"command", "command_b64"} & command.keys():
            yield draft(inside, "The command says nothing to do: neither `command` nor `command_b64`.")


def _further(definitions: Data, further: Mapping[str, tuple[str, ...]], path: JsonPath) -> Iterator[Finding]:
    for key, definition in definitions.items() if isinstance(definitions, dict) else ():
        if isinstance(definition, dict):
            for name in further.get(str(definition.get("type")), ()):
                if name not in definition:
                    yield note((*path, key, name), f"`{name}` is missing.")


def _times(document: Mapping[str, Data]) -> Iterator[Finding]:
    for first, second in (("created", "modified"), ("valid_from", "valid_until")):
        before, after = instant(document.get(first)), instant(document.get(second))
        if before and after and (after < before or (first == "valid_from" and after == before)):
            yield note((second,), f"`{second}` is not after `{first}`.")


def instant(value: Data) -> datetime | None:
    """Return a time of the document, or None where it is none."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _object(found: Mapping[str, Data], table: Table, path: JsonPath) -> Iterator[Finding]:
    for name in table.required:
        if name not in found and not (path == () and name in ("type", "spec_version")):
            grade = reject if path == () and name in _ESSENTIAL else draft if path == () else None
            if grade is None:
                grade = draft if path[0] == "workflow" else note
            yield grade((*path, name), f"`{name}` is missing.")
    for name, shape in table.properties.items():
        if name in found:
            yield from _value(found[name], shape, (*path, name))


def _value(  # noqa: C901, PLR0912 - one case for each shape
    value: Data, shape: Shape, path: JsonPath
) -> Iterator[Finding]:
    match shape:
        case Anything():
            return
        case Identifier() | Time() | Text():
            yield from _word(value, shape, path)
        case Nullable():
            if not (value is None or isinstance(value, str | dict)):
                yield _wrong(path, "a text or null")
        case Flag():
            if not isinstance(value, bool):
                yield _wrong(path, "true or false")
        case Whole():
            yield from _number(value, shape, path)
        case ListOf():
            if not isinstance(value, list):
                yield _wrong(path, "a list")
                return
            if len(value) < shape.least:
                yield draft(path, f"The list holds {len(value)} of at least {shape.least}.")
            for index, member in enumerate(value):
                yield from _value(member, shape.inside, (*path, index))
        case MapOf():
            yield from _map(value, shape, path)
        case Table():
            if isinstance(value, dict):
                yield from _object(value, shape, path)
            else:
                yield _wrong(path, "an object")


def _map(value: Data, shape: MapOf, path: JsonPath) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield _wrong(path, "an object")
        return
    for key, member in value.items():
        if shape.keys == "identifier" and not _IDENTIFIER.fullmatch(key):
            yield note((*path, key), "This key is no identifier of the form type--UUID.")
        if shape.keys == "variable" and not _VARIABLE.fullmatch(key):
            yield note((*path, key), "A variable's name is written __like_this__.")
        yield from _value(member, shape.inside, (*path, key))


def _word(value: Data, shape: Identifier | Time | Text, path: JsonPath) -> Iterator[Finding]:
    if not isinstance(value, str):
        yield _wrong(path, "a text")
    elif isinstance(shape, Time):
        if instant(value) is None:
            yield note(path, f"'{quoted(value)}' is no time such as 2026-11-20T17:40:00.000Z.")
        elif not _MILLISECONDS.search(value):
            yield note(path, "The time is not given to the millisecond, with three digits.")
    elif isinstance(shape, Identifier):
        found = _IDENTIFIER.fullmatch(value)
        if not found:
            yield note(path, f"'{quoted(value)}' is no identifier of the form type--UUID.")
        elif shape.of and found[1] not in shape.of:
            yield note(path, f"The identifier is one of '{found[1]}'; {' or '.join(shape.of)} is meant here.")
    elif shape.words and value not in shape.words:
        yield note(path, f"'{quoted(value)}' is not in the standard's vocabulary; it is kept as it is.")


def _number(value: Data, shape: Whole, path: JsonPath) -> Iterator[Finding]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield _wrong(path, "a whole number")
    elif value < shape.least or (shape.most is not None and value > shape.most):
        most = f" to {shape.most}" if shape.most is not None else ""
        yield note(path, f"{value} is out of bounds: {shape.least}{most}.")


def _wrong(path: JsonPath, wanted: str) -> Finding:
    if len(path) == 1 and path[0] in _ESSENTIAL:
        return reject(path, f"This must be {wanted}.")
    return draft(path, f"This must be {wanted}; as it stands it is not used.")
