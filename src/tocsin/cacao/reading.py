"""Read a JSON file that may have been written to do harm: too large, too deep, ambiguous, or not JSON at all."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from tocsin.cacao.findings import JsonPath, quoted, spelled
from tocsin.durable import explained
from tocsin.errors import UsageError
from tocsin.model.document import Data

LARGEST_BYTES = 1_000_000
DEEPEST = 40
MOST_DIGITS = 18


class UnreadableFile(UsageError):  # noqa: N818 - the name is what the person reads
    """The file cannot be a playbook; says where in it and why."""

    def __init__(self, path: JsonPath, message: str) -> None:
        self.path = spelled(path)
        self.said = message
        super().__init__(f"{self.path}: {message}")


def read_file(path: Path) -> bytes:
    """Return the bytes of a file. Raises UsageError when it is not there, no file, or larger than 1 MB."""
    if not path.exists():
        raise UsageError(f"There is no file {path}. Nothing was imported.")
    if not path.is_file():
        raise UsageError(f"{path} is not a file. Name the JSON file of one playbook.")
    with explained(path), path.open("rb") as file:
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise UnreadableFile((), "The file is larger than 1 MB. A playbook is text; this is something else.")
    return content


def parse_document(content: bytes, largest: int = LARGEST_BYTES) -> dict[str, Data]:
    """Return the JSON object in `content`. Raises UnreadableFile, a UsageError, with one sentence and a path."""
    if len(content) > largest:
        raise UnreadableFile((), "The file is larger than 1 MB. A playbook is text; this is something else.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise UnreadableFile((), f"The file is not UTF-8 text: byte {fault.start + 1} is none.") from None
    if _depth(text) > DEEPEST:
        raise UnreadableFile((), f"The file is nested deeper than {DEEPEST} levels.")
    doubled: list[_Doubled] = []
    data = _parsed(text, doubled)
    if doubled:
        _refuse_doubled(data, doubled)
    for path, value in walk(data):
        if isinstance(value, float) and not math.isfinite(value):
            raise UnreadableFile(path, "This number is too large to be one.")
        if isinstance(value, str) and not _is_whole(value):
            raise UnreadableFile(path, "This text holds half a character, which no file can keep.")
    if not isinstance(data, dict):
        raise UnreadableFile((), f"This is {_kind(data)}; a playbook is one JSON object. Split a list into files.")
    return data


def walk(data: Data, path: JsonPath = ()) -> Iterator[tuple[JsonPath, Data]]:
    """Yield every value, and every key as text, with its path; bounded by the depth that is read at all."""
    yield path, data
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*path, key), key
            yield from walk(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from walk(value, (*path, index))


class _Doubled(dict[str, Data]):
    """An object with a key given twice; JSON lets it pass, and two readers would see two playbooks."""

    key = ""


def _parsed(text: str, doubled: list[_Doubled]) -> Data:
    def build(pairs: list[tuple[str, Data]]) -> dict[str, Data]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        known: set[str] = set()
        twice = _Doubled(found)
        twice.key = next(key for key, _ in pairs if key in known or known.add(key))  # type: ignore[func-returns-value]  # add() says None: not yet seen
        doubled.append(twice)
        return twice

    try:
        parsed: Data = json.loads(text, object_pairs_hook=build, parse_constant=_no_number, parse_int=_whole)
    except json.JSONDecodeError as fault:
        where = f"line {fault.lineno}, column {fault.colno}"
        raise UnreadableFile((), f"This is not JSON: {fault.msg.rstrip('.')} ({where}).") from None
    except RecursionError:
        raise UnreadableFile((), f"The file is nested deeper than {DEEPEST} levels.") from None
    return parsed


def _no_number(word: str) -> Data:
    raise UnreadableFile((), f"{word} stands where a number should; JSON has no such number.")


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise UnreadableFile(
            (), f"A number with {len(digits)} digits is no count. Put it in quotes if it is a name."
        )
    return int(digits)


def _refuse_doubled(data: Data, doubled: list[_Doubled]) -> None:
    for path, value in walk(data):
        if isinstance(value, _Doubled):
            raise UnreadableFile(
                (*path, value.key), f"The key '{quoted(value.key)}' is given twice in one object."
            )
    # It stood in a value that another doubled key has hidden.
    raise UnreadableFile((), f"The key '{quoted(doubled[0].key)}' is given twice in one object.")


def _depth(text: str) -> int:
    deepest = depth = 0
    inside = skip = False
    for character in text:
        if skip:
            skip = False
        elif inside:
            inside, skip = character != '"', character == "\\"
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(data: Data) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(data), "nothing")
