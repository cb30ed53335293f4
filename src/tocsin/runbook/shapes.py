"""What an expression can come to, known from its text: an `if` that is never true or false, a list as a text.

The shapes of the incident, its facts and duties, the inputs and the states of steps are known when a file is
checked; what a step puts out and the `item` of a `for_each` are not, and nothing is said of them.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from tocsin.errors import nearest
from tocsin.law.facts import fact_paths
from tocsin.runbook.expressions import Expression
from tocsin.runbook.language import InputType, Playbook


class Shape(StrEnum):
    """What a value is, in a person's words."""

    YES_NO = "true or false"
    NUMBER = "a number"
    TEXT = "a text"
    LIST = "a list"
    MAP = "a map"


Shapes = frozenset[Shape]
YES_NO, NUMBER, TEXT, LIST, MAP = (frozenset({shape}) for shape in Shape)
ANY: Shapes = frozenset(Shape)
_INCIDENT: Mapping[str, Shapes] = {
    **dict.fromkeys(("id", "title", "cause", "state"), TEXT),
    **dict.fromkeys(("systems", "affected_clients", "backup_plans", "questions"), LIST),
    "aware": YES_NO,
}
_INPUTS: Mapping[InputType, Shapes] = {
    InputType.SYSTEM: TEXT,
    InputType.TEXT: TEXT,
    InputType.NUMBER: NUMBER,
    # `yes` is a text in YAML 1.2, and taken as well.
    InputType.YES_NO: YES_NO | TEXT,
}
# A fact that is not known yet reads `unknown`.
_FACTS: Mapping[str, Shapes] = {"number": NUMBER | TEXT, "names": LIST | TEXT, "choices": LIST | TEXT}
_LITERALS = {"INT_LIT": NUMBER, "UINT_LIT": NUMBER, "FLOAT_LIT": NUMBER, "BOOL_LIT": YES_NO} | dict.fromkeys(
    ("STRING_LIT", "MLSTRING_LIT"), TEXT
)
_FUNCTIONS: Mapping[str, Shapes] = {
    **dict.fromkeys(("size", "int", "uint", "double"), NUMBER),
    **dict.fromkeys(("has", "bool", "matches", "startsWith", "endsWith", "contains"), YES_NO),
    **dict.fromkeys(("exists", "all", "exists_one"), YES_NO),
    **dict.fromkeys(("map", "filter"), LIST),
    **dict.fromkeys(("timestamp", "duration", "bytes", "type", "dyn", "min"), ANY),
    **dict.fromkeys(("getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear"), NUMBER),
    **dict.fromkeys(("getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds"), NUMBER),
    "string": TEXT,
}
_ONLY_OF: Mapping[str, Shapes] = {
    **dict.fromkeys(("startsWith", "endsWith", "contains", "matches"), TEXT),
    **dict.fromkeys(("map", "filter", "exists", "all", "exists_one"), LIST | MAP),
    "size": TEXT | LIST | MAP,
}
_JSON = {"string": TEXT, "array": LIST, "object": MAP, "integer": NUMBER | TEXT, "number": NUMBER | TEXT}
Finds = Callable[[str], None]


def shapes_of(expression: Expression, playbook: Playbook) -> tuple[Shapes, tuple[str, ...]]:
    """Return what an expression can come to, and what inside it can never be worked out."""
    faults: list[str] = []
    found = _Reading(playbook, faults.append).of(expression.tree)
    return found, tuple(dict.fromkeys(faults))


def wanted_by(parameters: type[BaseModel], key: str) -> Shapes:
    """Return what a step kind's parameter takes, from its schema; anything where that says nothing."""
    schema = parameters.model_json_schema() if parameters.model_fields else {}
    return _of_schema(schema.get("properties", {}).get(key, {}), schema.get("$defs", {}))


def wanted_by_input(wanted: InputType) -> Shapes:
    """Return what an input of a called playbook takes."""
    return _INPUTS[wanted]


def in_words(shapes: Shapes) -> str:
    """Say what a value is: `a text or a list`."""
    return " or ".join(shape.value for shape in Shape if shape in shapes)


class _Reading:
    """Reads one tree; says through `finds` what can never be worked out."""

    def __init__(self, playbook: Playbook, finds: Finds) -> None:
        self._playbook = playbook
        self._finds = finds
        self._rules: Mapping[str, Callable[[Any], Shapes]] = {
            "literal": lambda node: _LITERALS.get(node.children[0].type, ANY),
            "ident": self._named,
            "member_dot": self._named,
            "member_index": self._named,
            "list_lit": lambda node: self._inside(node, LIST),
            "map_lit": lambda node: self._inside(node, MAP),
            "ident_arg": self._called,
            "member_dot_arg": self._called_on,
            "relation": self._compared,
            "addition": self._counted,
            "multiplication": self._counted,
            "unary": self._negated,
            "conditionaland": self._both,
            "conditionalor": self._both,
            "expr": self._either,
        }

    def of(self, node: Any) -> Shapes:  # noqa: ANN401 - lark's tree is untyped
        """Return what a node can come to."""
        children = _nodes(node)
        if len(children) == 1 and node.data in _THROUGH and len(node.children) == 1:
            return self.of(children[0])
        rule = self._rules.get(node.data)
        return rule(node) if rule else self._inside(node, ANY)

    def _inside(self, node: Any, shapes: Shapes) -> Shapes:  # noqa: ANN401
        for child in _nodes(node):
            self.of(child)
        return shapes

    def _named(self, node: Any) -> Shapes:  # noqa: ANN401
        path = path_of(node)
        if path is None:
            self.of(node.children[0])
            return ANY
        return _shape_of_path(path, self._playbook)

    def _called(self, node: Any) -> Shapes:  # noqa: ANN401
        return self._function(str(node.children[0]), node.children[1:])

    def _called_on(self, node: Any) -> Shapes:  # noqa: ANN401
        receiver, name = self.of(node.children[0]), str(node.children[1])
        wanted = _ONLY_OF.get(name, ANY)
        if not receiver & wanted:
            self._finds(f"{name}() is asked of {in_words(receiver)}, and works on {in_words(wanted)} only")
        return self._function(name, node.children[2:])

    def _function(self, name: str, given: list[Any]) -> Shapes:
        if name not in _FUNCTIONS:
            near = nearest(name, _FUNCTIONS)
            self._finds(f"there is no function {name!r}" + (f", only {near!r}" if near else ""))
            return ANY
        shapes = [self.of(one) for each in given if each is not None for one in _nodes(each)]
        wanted = _ONLY_OF.get(name, ANY)
        if name == "size" and len(shapes) == 1 and not shapes[0] & wanted:
            self._finds(f"size() is asked of {in_words(shapes[0])}, and works on {in_words(wanted)} only")
        return _FUNCTIONS[name]

    def _compared(self, node: Any) -> Shapes:  # noqa: ANN401
        test, right = node.children[0], self.of(node.children[1])
        left = self.of(test.children[0])
        if test.data == "relation_in":
            if not right & (LIST | MAP):
                instead = "; a text is asked with contains()" if right == TEXT else ""
                self._finds(f"`in` looks into lists and maps, not {in_words(right)}{instead}")
        elif not left & right:
            self._finds(f"it compares {in_words(left)} with {in_words(right)}, which are never alike")
        return YES_NO

    def _counted(self, node: Any) -> Shapes:  # noqa: ANN401
        left, right = self.of(node.children[0].children[0]), self.of(node.children[1])
        both = left & right & (NUMBER | TEXT | LIST if node.data == "addition" else NUMBER)
        if both or ANY in (left, right):
            return both or ANY
        self._finds(f"it reckons {in_words(left)} together with {in_words(right)}")
        return ANY

    def _negated(self, node: Any) -> Shapes:  # noqa: ANN401
        wanted = YES_NO if node.children[0].data == "unary_not" else NUMBER
        found = self.of(node.children[1])
        if not found & wanted:
            self._finds(f"it turns round {in_words(found)}")
        return wanted

    def _both(self, node: Any) -> Shapes:  # noqa: ANN401
        for child in _nodes(node):
            if not (found := self.of(child)) & YES_NO:
                self._finds(f"one side of && or || is {in_words(found)}, not {Shape.YES_NO}")
        return YES_NO

    def _either(self, node: Any) -> Shapes:  # noqa: ANN401
        condition, one, other = (self.of(child) for child in _nodes(node))
        if not condition & YES_NO:
            self._finds(f"what stands before ? is {in_words(condition)}, not {Shape.YES_NO}")
        return one | other


_THROUGH = {
    *("expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary"),
    *("member", "primary", "paren_expr", "exprlist"),
}


def path_of(node: Any) -> tuple[str, ...] | None:  # noqa: ANN401 - lark's tree is untyped
    """Return the names of a chain such as `a.b["c"]`; None where a part of it is worked out."""
    if node.data == "ident":
        return (str(node.children[0]),)
    if node.data in ("member", "primary") and len(_nodes(node)) == 1:
        return path_of(_nodes(node)[0])
    if node.data not in ("member_dot", "member_index"):
        return None
    before = path_of(node.children[0])
    if node.data == "member_dot" or before is None:
        return None if before is None else (*before, str(node.children[1]))
    tokens = list(node.children[1].scan_values(lambda _: True))
    is_name = len(tokens) == 1 and tokens[0].type == "STRING_LIT"
    return (*before, str(tokens[0])[1:-1]) if is_name else None


def _shape_of_path(path: tuple[str, ...], playbook: Playbook) -> Shapes:
    root, *rest = path
    if root not in ("incident", "duties", "facts", "inputs", "steps"):
        return ANY
    if not rest:
        return MAP
    if root == "incident":
        return _INCIDENT.get(rest[0], ANY)
    if root == "inputs":
        wanted = playbook.inputs.get(rest[0])
        return _INPUTS[wanted.type] if wanted and len(rest) == 1 else ANY
    if root == "facts":
        fact = fact_paths().get(".".join(rest))
        return _FACTS.get(fact.answer, TEXT) if fact else MAP
    if len(rest) == 1:
        return MAP
    if root == "duties":
        return TEXT if rest[1] == "required" else ANY
    return {"state": TEXT, "output": MAP, "items": LIST}.get(rest[1], ANY) if len(rest) == 2 else ANY  # noqa: PLR2004 - steps.ID.part


def _of_schema(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> Shapes:
    if "$ref" in schema:
        return _of_schema(parts.get(str(schema["$ref"]).rpartition("/")[2], {}), parts)
    if "anyOf" in schema:
        found: list[Shapes] = [_of_schema(each, parts) for each in schema["anyOf"] if each.get("type") != "null"]
        return frozenset().union(*found) if found else ANY
    return _JSON.get(str(schema.get("type")), ANY)


def _nodes(node: Any) -> list[Any]:  # noqa: ANN401
    return [child for child in node.children if hasattr(child, "data")]
