"""The reference page of the step kinds, and the JSON Schema of a playbook: both from the kinds themselves."""

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tocsin.runbook.examples import example_of
from tocsin.runbook.kinds import AskingKind, StepKind, UndoableKind, keeps_time, really_runs, waits
from tocsin.runbook.language import Mode, Playbook, RecoveryPlan
from tocsin.runbook.registry import KINDS

HEAD = """\
# Step kinds

Written by `make docs` from the code. The language around them is in [playbooks.md](playbooks.md).

*May run twice*: after a crash the step is simply run again, and it may have a `retry`; any other asks a person
whether it happened. *Undone*: what it did is in force until then, and it may have `expires`. *Destructive*: it
could destroy evidence, so an evidence step comes before it, or `without_evidence` says why there is none.
"""


def step_kinds_page() -> str:
    """Return the page, in Markdown."""
    rows = [
        "| kind | may run twice | undone | destructive | `timeout` | in a drill |",
        "|---|---|---|---|---|---|",
    ]
    rows += [_row(kind) for kind in KINDS.values()]
    return "\n".join([HEAD, *rows, "", *(part for kind in KINDS.values() for part in _section(kind))])


def playbook_schema() -> dict[str, Any]:
    """Return the JSON Schema of a playbook; the parameters of each kind follow from the word after `uses`."""
    return _schema_of(Playbook, "A playbook")


def recovery_plan_schema() -> dict[str, Any]:
    """Return the JSON Schema of a recovery plan, whose steps are those of a playbook."""
    return _schema_of(RecoveryPlan, "A recovery plan")


def _schema_of(model: type[Playbook], title: str) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    step = definitions["Step"]
    step["properties"]["uses"]["enum"] = sorted(KINDS)
    conditions = []
    for name, kind in sorted(KINDS.items()):
        parameters = _parameters(kind)
        # An expression may stand wherever a value may, and is known only when the step runs.
        parameters["properties"] = {
            key: {"anyOf": [_without_titles(value), {"$ref": "#/$defs/Expression"}]}
            for key, value in parameters.get("properties", {}).items()
        }
        conditions.append(
            {
                "if": {"properties": {"uses": {"const": name}}, "required": ["uses"]},
                "then": {"properties": {"with": parameters}},
            }
        )
        definitions |= parameters.pop("$defs", {})
    step["allOf"] = conditions
    definitions["Expression"] = {"type": "string", "pattern": r"\$\{\{.*\}\}"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def _row(kind: StepKind) -> str:
    ends = "ends the work" if keeps_time(kind) else "ends the wait" if waits(kind) else "-"
    drill = "done" if really_runs(kind, Mode.DRILL) else "said only"
    cells = (
        f"[`{kind.name}`](#{kind.name.replace('.', '')})",
        _yes(is_so=kind.idempotent),
        "yes" if isinstance(kind, UndoableKind) else "-",
        "yes" if kind.destructive else "-",
        ends,
        drill,
    )
    return f"| {' | '.join(cells)} |"


def _yes(*, is_so: bool) -> str:
    return "yes" if is_so else "no"


def _section(kind: StepKind) -> Iterator[str]:
    yield f"## {kind.name}\n"
    yield f"{inspect.getdoc(type(kind))}\n"
    yield f"{inspect.getdoc(kind.parameters)}\n"
    if isinstance(kind, AskingKind):
        yield "A person answers it: `tocsin run answer`.\n"
    if isinstance(kind, UndoableKind):
        yield f"Undone by `tocsin run undo`: {_first_line(kind.undo)}\n"
    schema = _parameters(kind)
    yield "| parameter | is | |\n|---|---|---|"
    required = schema.get("required", [])
    for name, described in schema.get("properties", {}).items():
        told = "required" if name in required else _default(described)
        yield f"| `{name}` | {_type(described, schema.get('$defs', {}))} | {told} |"
    yield f"\n```yaml\n{example_of(kind.name)}```\n"


def _parameters(kind: StepKind) -> dict[str, Any]:
    schema = kind.parameters.model_json_schema(by_alias=True)
    return {key: value for key, value in schema.items() if key not in ("title", "description")}


def _without_titles(described: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in described.items() if key != "title"}


def _type(described: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "anyOf" in described:
        kinds = [_type(each, definitions) for each in described["anyOf"]]
        return " or ".join(dict.fromkeys(word for word in kinds if word != "nothing"))
    if "$ref" in described:
        return _type(definitions[described["$ref"].rpartition("/")[2]], definitions)
    if "enum" in described:
        return " or ".join(f"`{value}`" for value in described["enum"])
    kind = str(described.get("type", "any value"))
    if kind == "array":
        return f"list of {_type(described.get('items', {}), definitions)}"
    if kind == "object":
        return f"map to {_type(described['additionalProperties'], definitions)}" if _is_map(described) else "map"
    pattern = described.get("pattern")
    shape = f" like `{pattern}`".replace("|", "\\|") if pattern and len(pattern) < 40 else ""  # noqa: PLR2004 - fits a cell
    words = {"string": "text", "integer": "whole number", "boolean": "true or false", "null": "nothing"}
    return words.get(kind, kind) + shape


def _is_map(described: Mapping[str, Any]) -> bool:
    return isinstance(described.get("additionalProperties"), dict)


def _default(described: Mapping[str, Any]) -> str:
    default = described.get("default")
    return "" if default in (None, [], {}, "") else f"`{json.dumps(default)}` unless given"


def _first_line(member: object) -> str:
    return (inspect.getdoc(member) or "").splitlines()[0]
