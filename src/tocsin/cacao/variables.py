"""A document's variables as inputs of a playbook, and foreign text made fit to stand in one.

No `${{ }}` of a foreign text survives: it would be worked out as an expression of ours.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tocsin.cacao.findings import Finding, draft, note, quoted, seen
from tocsin.model.document import Data

_NAMED = re.compile(r"(__[a-zA-Z_][a-zA-Z0-9_-]{0,199}?__)(:value)?(?![a-zA-Z0-9])")
_RESERVED = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "null",
        "package",
        "return",
        "true",
        "var",
        "void",
        "while",
    ]
)
_NUMBERS = frozenset(("integer", "long", "float"))
_LONGEST_NAME = 60


@dataclass
class Variables:
    """The inputs they become, and for each variable with a value the name of its input."""

    inputs: dict[str, dict[str, Data]] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def filled(self, text: str, step: Mapping[str, Data] | None = None) -> str:
        """Return foreign text with the values of variables, harmless as an expression."""
        harmless = self.with_literals(text, step).replace("${{", "$ {{")
        return _NAMED.sub(self._named_input, harmless)

    def with_literals(self, text: str, step: Mapping[str, Data] | None = None) -> str:
        """Return foreign text with the values of the step's own variables alone."""
        mine = _values_of((step or {}).get("step_variables"))
        return _NAMED.sub(lambda found: mine.get(found[1], found[0]), seen(text))

    def _named_input(self, found: re.Match[str]) -> str:
        return f"${{{{ inputs.{self.named[found[1]]} }}}}" if found[1] in self.named else found[0]

    def open_in(self, text: str, step: Mapping[str, Data] | None = None) -> list[str]:
        """Return the variables a text names that have no value anywhere."""
        mine = _values_of((step or {}).get("step_variables"))
        return [found[1] for found in _NAMED.finditer(text) if found[1] not in mine and found[1] not in self.named]


def variables_of(document: Mapping[str, Data]) -> Variables:
    """Return what the playbook's variables become."""
    found = Variables()
    declared = document.get("playbook_variables")
    for name, variable in (declared if isinstance(declared, dict) else {}).items():
        if isinstance(variable, dict) and _NAMED.fullmatch(name):
            found.findings += _declare(name, variable, found)
    return found


def _declare(name: str, variable: dict[str, Data], found: Variables) -> Iterator[Finding]:
    path = ("playbook_variables", name)
    called = _input_name(name, found.inputs)
    kind = _kind(variable.get("type"))
    value = _typed(variable.get("value"), kind)
    wanted: dict[str, Data] = {"type": kind}
    if isinstance(description := variable.get("description"), str) and description:
        wanted["title"] = quoted(description)
    if value is None:
        found.unknown.add(name)
        yield draft(
            path, f"It has no value: give the input '{called}' a `default` and name it in the steps that use it."
        )
    else:
        wanted["default"] = value
        found.named[name] = called
        if variable.get("constant") is True:
            yield note(
                path, f"It is a constant there; here a caller could give the input '{called}' another value."
            )
    found.inputs[called] = wanted


def _input_name(name: str, taken: Mapping[str, object]) -> str:
    word = re.sub(r"[^a-z0-9_]+", "_", name.strip("_").lower())[:_LONGEST_NAME] or "value"
    if not word[0].isalpha() or word in _RESERVED:
        word = f"v_{word}"
    number, free = 2, word
    while free in taken:
        free, number = f"{word}_{number}", number + 1
    return free


def _kind(kind: Data) -> str:
    return "yes_no" if kind == "bool" else "number" if isinstance(kind, str) and kind in _NUMBERS else "text"


def _typed(value: Data, kind: str) -> Data:
    """Return a value as an input holds it; None where there is none, or none of that type."""
    if not isinstance(value, str):
        return None
    if kind == "yes_no":
        return {"true": True, "false": False}.get(value.strip().lower())
    if kind == "number":
        return int(value) if re.fullmatch(r"-?[0-9]{1,15}", value.strip(), re.ASCII) else None
    return seen(value)


def _values_of(variables: Data) -> dict[str, str]:
    if not isinstance(variables, dict):
        return {}
    values = {name: each.get("value") for name, each in variables.items() if isinstance(each, dict)}
    return {name: seen(value) for name, value in values.items() if isinstance(value, str)}
