"""CEL in playbooks: `if: facts.exfiltration == "confirmed"` and `"${{ incident.systems }}"` in values.

An expression is compiled when its file is checked, so a fault is found before anything runs. What it reads
is known from its text: `Expression.references` lists paths such as `("duties", "people", "required")`.
Step ids hold dashes, which CEL would subtract: `steps.hold_snapshots` means the step `hold-snapshots`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import celpy
from celpy import celtypes
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.evaluation import CELEvalError

from tocsin.errors import TocsinError

LONGEST = 1000
DEEPEST = 40
PLACEHOLDER = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_MACROS = {"map", "filter", "all", "exists", "exists_one"}


class ExpressionError(TocsinError):
    """An expression cannot be read, or cannot be worked out with the values at hand."""

    exit_code = 2


@dataclass(frozen=True)
class Expression:
    """One compiled expression and the paths it reads."""

    text: str
    references: frozenset[tuple[str, ...]]
    tree: Any = field(repr=False, compare=False)
    _program: Any = field(repr=False, compare=False)

    def value(self, values: Mapping[str, object]) -> Any:  # noqa: ANN401 - whatever the playbook's author asked for
        """Work it out. Raises ExpressionError for an unknown member or a mix of types."""
        try:
            result = self._program.evaluate(
                {name: json_to_cel(value) for name, value in self._read(values).items()}
            )
        except (CELEvalError, RecursionError) as error:
            raise ExpressionError(f"{self.text!r} cannot be worked out: {_plainly(error)}.") from error
        return _plain(result)

    def _read(self, values: Mapping[str, object]) -> dict[str, Any]:
        """Return only what the expression reads: turning a thousand steps into CEL's own types takes its time."""
        read: dict[str, Any] = {
            root: values[root] for root in {path[0] for path in self.references} if root in values
        }
        if isinstance(steps := read.get("steps"), Mapping):
            named = {path[1] for path in self.references if path[0] == "steps" and len(path) > 1}
            whole = any(path == ("steps",) for path in self.references)
            read["steps"] = {name: steps[name] for name in (steps if whole else named) if name in steps}
        return read

    def is_true(self, values: Mapping[str, object]) -> bool:
        """Tell whether it is true; what cannot be worked out yet (an unknown count, say) is not."""
        try:
            return self.value(values) is True
        except ExpressionError:
            return False


class Layered(Mapping[str, object]):
    """Values by name from the first of several maps that has them; none is read before it is asked for."""

    def __init__(self, *layers: Mapping[str, object]) -> None:
        self._layers = layers

    def __getitem__(self, name: str) -> object:
        for layer in self._layers:
            if name in layer:
                return layer[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for layer in self._layers for name in layer))

    def __len__(self) -> int:
        return sum(1 for _ in self)


@lru_cache(maxsize=2048)
def compile_expression(text: str) -> Expression:
    """Compile one CEL expression. Raises ExpressionError in words a playbook's author understands."""
    text = text.strip()
    if not text:
        raise ExpressionError("The expression is empty.")
    if len(text) > LONGEST:
        raise ExpressionError(f"The expression has {len(text)} characters; at most {LONGEST} are read.")
    if _depth(text) > DEEPEST:
        raise ExpressionError(f"The expression nests brackets deeper than {DEEPEST}.")
    environment = celpy.Environment()
    try:
        tree = environment.compile(text)
        program = environment.program(tree)
    except (CELParseError, RecursionError) as error:
        raise ExpressionError(f"{text!r} is not an expression: {_parse_fault(error)}.") from error
    return Expression(text, frozenset(_references(tree)), tree, program)


def expressions_in(value: object) -> Iterator[str]:
    """Yield the text of every `${{ }}` inside a value, however deep."""
    if isinstance(value, str):
        yield from PLACEHOLDER.findall(value)
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from expressions_in(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from expressions_in(member)


def fill(value: Any, values: Mapping[str, object]) -> Any:  # noqa: ANN401 - a YAML value stays what it was
    """Return `value` with every `${{ }}` worked out; one that is the whole string keeps its type."""
    if isinstance(value, str):
        whole = PLACEHOLDER.fullmatch(value.strip())
        if whole and len(PLACEHOLDER.findall(value)) == 1:
            return compile_expression(whole[1]).value(values)
        return PLACEHOLDER.sub(lambda found: str(compile_expression(found[1]).value(values)), value)
    if isinstance(value, Mapping):
        return {name: fill(member, values) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [fill(member, values) for member in value]
    return value


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Turn CEL's own types into Python's."""
    if value is None or isinstance(value, celtypes.BoolType):
        return None if value is None else bool(value)
    if isinstance(value, celtypes.ListType | list):
        return [_plain(member) for member in value]
    if isinstance(value, celtypes.MapType | dict):
        return {str(name): _plain(member) for name, member in value.items()}
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def _references(tree: Any) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 - lark's tree is untyped
    bound = {
        str(argument.children[0])
        for call in tree.find_data("member_dot_arg")
        if str(call.children[1]) in _MACROS
        for argument in list(call.children[2].find_data("ident"))[:1]
    }
    inner: set[int] = set()
    for node in tree.iter_subtrees_topdown():
        if node.data in ("member_dot", "member_index", "ident") and id(node) not in inner:
            path = _path(node, inner)
            if path and path[0] not in bound:
                yield path


def _path(node: Any, inner: set[int]) -> tuple[str, ...]:  # noqa: ANN401
    """Read a chain of members such as `a.b["c"]`; marks what it passed so that it is yielded once."""
    inner.add(id(node))
    if node.data == "ident":
        return (str(node.children[0]),)
    if node.data in ("member", "primary") and len(node.children) == 1 and hasattr(node.children[0], "data"):
        return _path(node.children[0], inner)
    if node.data == "member_dot":
        before = _path(node.children[0], inner)
        return (*before, str(node.children[1])) if before else ()
    if node.data == "member_index":
        before = _path(node.children[0], inner)
        literals = list(node.children[1].scan_values(lambda token: token.type == "STRING_LIT"))
        return (*before, str(literals[0])[1:-1]) if before and len(literals) == 1 else before
    return ()


def _parse_fault(error: BaseException) -> str:
    column = getattr(error, "column", None)
    return f"it cannot be read from character {column} on" if column else "it cannot be read"


def _plainly(error: BaseException) -> str:
    text = str(error.args[0]) if error.args else str(error)
    if "undeclared reference" in text:
        return f"there is no value named {text.split(chr(39))[1]!r}"
    if "no such member" in text:
        return f"there is no member {text.rsplit(':', 1)[-1].strip()}"
    if "no matching overload" in text:
        return "it compares or combines values of different types (something may be unknown still)"
    return text.splitlines()[0][:200]
