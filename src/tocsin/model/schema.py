"""The JSON Schemas that let an editor complete and check a file while it is written.

They come from the very models that check the files, so they cannot say anything else. What a key means is
taken from the line of documentation under it in the model.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from tocsin.model.access import Access
from tocsin.model.channels import Channels, MailChannel, SlackChannel
from tocsin.model.drill import Drill, Targets
from tocsin.model.evidence import Evidence
from tocsin.model.exercise import Exercise, Inject
from tocsin.model.handling import Departure, Handling
from tocsin.model.holdings import Dataset, DatasetPeople, FieldUse, System
from tocsin.model.parts import Part
from tocsin.model.people import Client, Contact, Insurance, Organisation, Person
from tocsin.model.protection import BackupPlan, Repository, Retention, Source
from tocsin.model.recovery_kit import RecoveryKit
from tocsin.model.rota import Paging, Turn
from tocsin.model.workspace import WorkspaceFile

Schema = dict[str, Any]

_DESCRIBED: tuple[type[Part], ...] = (
    WorkspaceFile,
    Drill,
    Targets,
    Exercise,
    Inject,
    Access,
    BackupPlan,
    Channels,
    Client,
    Contact,
    Dataset,
    DatasetPeople,
    Departure,
    Evidence,
    FieldUse,
    Handling,
    Insurance,
    MailChannel,
    Organisation,
    Paging,
    Person,
    Repository,
    RecoveryKit,
    Retention,
    SlackChannel,
    Source,
    System,
    Turn,
)


def workspace_schema() -> Schema:
    """Return the schema of tocsin.yaml."""
    return schema_of(WorkspaceFile, "tocsin.yaml")


def included_schema() -> Schema:
    """Return the schema of a file that tocsin.yaml includes: the same maps, none of them required."""
    schema = schema_of(WorkspaceFile, "A file included by tocsin.yaml")
    schema.pop("required", None)
    schema["properties"].pop("include")
    return schema


def drill_schema() -> Schema:
    """Return the schema of a drill's file."""
    return schema_of(Drill, "A drill")


def exercise_schema() -> Schema:
    """Return the schema of an exercise's file."""
    return schema_of(Exercise, "A tabletop exercise")


SCHEMAS: dict[str, Callable[[], Schema]] = {
    "workspace": workspace_schema,
    "included": included_schema,
    "drill": drill_schema,
    "exercise": exercise_schema,
}
"""Each kind of file that has a schema here, by the word `tocsin schema` takes."""


def schema_of(model: type[BaseModel], title: str) -> Schema:
    """Return a model's JSON Schema (draft 2020-12), with empty values allowed where a key may be left out."""
    schema = model.model_json_schema()
    found = {model.__name__: schema, **schema.get("$defs", {})}
    for described in _DESCRIBED:
        for name, text in _documented(described).items():
            if described.__name__ in found:
                found[described.__name__]["properties"][name]["description"] = text
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def _documented(model: type[BaseModel]) -> dict[str, str]:
    """Return the strings that stand under a model's fields."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
