"""Read YAML the way a careful person expects it, and say where every piece of it stands.

Scalars follow YAML 1.2's core schema: `yes`, `on` and `no` are words, `010` is ten, a time stays text.
Refused, each with its place: a key given twice, anchors and aliases (nine lines of them can fill a
machine's memory), tags, merge keys, a second document, a file above 1 MB or nested deeper than 64.
The result is read from the parser's events, so nothing is built that is then thrown away.

`load_model` and `problems_of` turn such a document into a pydantic model, or into our sentences.
"""

import re
from collections.abc import Iterator
from typing import NoReturn

import yaml

from tocsin.errors import ConfigurationError, Place, Problem
from tocsin.model.document import Data, Document, Path
from tocsin.model.wording import load_model, problems_of

__all__ = ["Data", "Document", "load_model", "parse_yaml", "problems_of"]

LARGEST_BYTES = 1_000_000
DEEPEST = 64
MOST_DIGITS = 18

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

# The parser's words, and what a person should make of them.
_SYNTAX = {
    "cannot start any token": "This character cannot stand here. Indent with spaces, not tabs, and put text "
    "that starts with a sign such as @ or ` in quotes.",
    "mapping values are not allowed": "A second ': ' stands here, or the line is indented too far. Put text "
    "that holds ': ' in quotes.",
    "could not find expected ':'": "This line has no ': ' after its key, or a quote above was never closed.",
    "did not find expected key": "This line is not indented like its neighbours, or a quote above is open.",
    "did not find expected '-' indicator": "This line is not indented like the list it belongs to.",
    "found unexpected end of stream": "A quote is opened here and never closed.",
    "did not find expected ',' or ']'": "A list is opened with '[' and never closed, or a comma is missing.",
    "did not find expected ',' or '}'": "A map is opened with '{' and never closed, or a comma is missing.",
    "found unknown escape character": "In double quotes a backslash has a meaning. Use single quotes for paths.",
    "control characters are not allowed": "The file holds a control character; it may not be text.",
}


def parse_yaml(text: str, name: str) -> Document:
    """Return the document in `text`; `name` is how its places call the file.

    An empty text gives data None. Raises ConfigurationError with every fault that could be told.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > LARGEST_BYTES or len(text.encode("utf-8", "replace")) > LARGEST_BYTES:
        raise ConfigurationError(
            Problem(Place(name), "The file is larger than 1 MB. Split it over included files.")
        )
    return _Reading(text, name).document()


class _Reading:
    """One pass over the parser's events."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self.events = self._events(text)

    def document(self) -> Document:
        data: Data = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._problem(event, "A second document starts here ('---'). Keep one document in a file.")
                    break
                data = self._value(next(self.events), ())
        if self.problems:
            raise ConfigurationError(self.problems)
        return Document(self.name, data, self.values, self.keys)

    def _events(self, text: str) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as fault:
            mark = fault.problem_mark or fault.context_mark
            if fault.context_mark and "unexpected end of stream" in (fault.problem or ""):
                mark = fault.context_mark
            place = Place(self.name, mark.line + 1, mark.column + 1) if mark else Place(self.name)
            self._stop(place, _explain(fault.problem or ""))
        except (yaml.reader.ReaderError, UnicodeError) as fault:
            self._stop(self._unreadable(text, fault), _explain("control characters are not allowed"))

    def _unreadable(self, text: str, fault: Exception) -> Place:
        position = getattr(fault, "position", getattr(fault, "start", None))
        if not isinstance(position, int):
            return Place(self.name)
        # libyaml counts bytes, PyYAML's own reader characters; for the line either is near enough.
        before = text.encode("utf-8", "replace")[:position].decode("utf-8", "replace")
        return Place(self.name, before.count("\n") + 1, len(before) - before.rfind("\n"))

    def _value(self, event: yaml.Event, path: Path) -> Data:
        self.values[path] = self._place(event)
        if len(path) > DEEPEST:
            self._stop(self._place(event), f"This is nested deeper than {DEEPEST} levels.")
        self._refuse_magic(event)
        if isinstance(event, yaml.MappingStartEvent):
            return self._map(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        return self._scalar(event) if isinstance(event, yaml.ScalarEvent) else None

    def _map(self, path: Path) -> dict[str, Data]:
        found: dict[str, Data] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event)
            here = (*path, key)
            if key in found:
                first = self.keys[here]
                self._problem(event, f"The key {key!r} was already given on line {first.line}.")
                self._value(next(self.events), (*path, key, "again"))
                continue
            self.keys[here] = self._place(event)
            found[key] = self._value(next(self.events), here)
        return found

    def _key(self, event: yaml.Event) -> str:
        self._refuse_magic(event)
        if not isinstance(event, yaml.ScalarEvent):
            if isinstance(event, yaml.AliasEvent):
                return ""
            self._stop(self._place(event), "A key must be a word, not a list or a map.")
        if event.value == "<<" and not event.style:
            self._problem(event, "Merge keys ('<<') are not used here. Write the keys out.")
        return str(event.value)

    def _list(self, path: Path) -> list[Data]:
        found: list[Data] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _scalar(self, event: yaml.ScalarEvent) -> Data:
        text = str(event.value)
        if not event.implicit[0]:
            return text
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _INT.fullmatch(text):
            if len(text) > MOST_DIGITS:
                self._problem(event, "This number is too long. If it is not for counting, put it in quotes.")
                return None
            return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _NOT_FINITE.fullmatch(text):
            self._problem(event, f"{text} is not a number that can be used.")
        return text

    def _refuse_magic(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._problem(event, f"The alias '*{event.anchor}' is not used here. Write the value out.")
        elif isinstance(event, yaml.NodeEvent) and event.anchor:
            self._problem(
                event, f"The anchor '&{event.anchor}' is not used here. Write the value where it is meant."
            )
        if getattr(event, "tag", None):
            self._problem(event, f"The tag {event.tag!r} is not used here. Leave it out.")  # type: ignore[attr-defined]  # asked one line above

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return Place(self.name, mark.line + 1, mark.column + 1) if mark else Place(self.name)

    def _problem(self, event: yaml.Event, message: str) -> None:
        self.problems.append(Problem(self._place(event), message))

    def _stop(self, place: Place, message: str) -> NoReturn:
        raise ConfigurationError([*self.problems, Problem(place, message)]) from None


def _explain(problem: str) -> str:
    for words, sentence in _SYNTAX.items():
        if words in problem:
            return sentence
    return f"This is not YAML: {problem}."
