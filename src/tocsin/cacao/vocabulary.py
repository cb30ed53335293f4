"""The words and the tables of CACAO 2.0 (OASIS Committee Specification 01, 27 November 2023) as data.

`OPEN` vocabularies may hold other words: one that is not listed is worth a note. What a property must look like
is a `Shape`; an object's table names its properties. What the tables do not know is kept and never judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

SPEC_VERSION = "cacao-2.0"
START, END, ACTION, PLAYBOOK_ACTION = "start", "end", "action", "playbook-action"
PARALLEL, IF, WHILE, SWITCH = "parallel", "if-condition", "while-condition", "switch-condition"
STEP_TYPES = (START, END, ACTION, PLAYBOOK_ACTION, PARALLEL, IF, WHILE, SWITCH)

PLAYBOOK_TYPES = frozenset(
    [
        "attack",
        "detection",
        "engagement",
        "investigation",
        "mitigation",
        "notification",
        "prevention",
        "remediation",
    ]
)
ACTIVITIES = frozenset(
    [
        "compose-content",
        "deliver-content",
        "identify-audience",
        "identify-channel",
        "scan-system",
        "match-indicator",
        "analyze-collected-data",
        "identify-indicators",
        "scan-vulnerabilities",
        "configure-systems",
        "restrict-access",
        "disconnect-system",
        "eliminate-risk",
        "revert-system",
        "restore-data",
        "restore-capabilities",
        "map-network",
        "identify-steps",
        "step-sequence",
        "prepare-engagement",
        "execute-operation",
        "analyze-engagement-results",
    ]
)
COMMAND_TYPES = frozenset(
    [
        "manual",
        "bash",
        "caldera-cmd",
        "elastic",
        "http-api",
        "jupyter",
        "kestrel",
        "openc2-http",
        "powershell",
        "sigma",
        "ssh",
        "yara",
    ]
)
PEOPLE_AGENTS = frozenset(("group", "individual", "organization"))
ADDRESSED_AGENTS = frozenset(("http-api", "linux", "net-address", "ssh"))
AGENT_TYPES = PEOPLE_AGENTS | ADDRESSED_AGENTS | {"location", "sector", "security-category"}
AUTHENTICATION_TYPES = frozenset(("http-basic", "oauth2", "user-auth"))
VARIABLE_TYPES = frozenset(
    [
        "bool",
        "dictionary",
        "float",
        "hexstring",
        "integer",
        "ipv4-addr",
        "ipv6-addr",
        "long",
        "mac-addr",
        "hash",
        "md5-hash",
        "sha256-hash",
        "string",
        "uri",
        "uuid",
    ]
)
TLP_LEVELS = frozenset(("TLP:RED", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:GREEN", "TLP:CLEAR"))


@dataclass(frozen=True, slots=True)
class Text:
    """A text; one of `words`, where those are given."""

    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Identifier:
    """`type--UUID`, of one of these types where some are given."""

    of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Time:
    """A time in UTC to the millisecond: `2026-11-20T17:40:00.000Z`."""


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int | None = None


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of at least so many."""

    inside: "Shape"
    least: int = 1


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object whose keys are identifiers or variables, or plain words."""

    inside: "Shape"
    keys: str = "word"


@dataclass(frozen=True, slots=True)
class Table:
    """An object with these properties; `required` ones must be there."""

    properties: Mapping[str, "Shape"] = field(default_factory=dict)
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nullable:
    """A text or null: a variable's value that nobody knows yet. An object is let pass, as the prose does."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Whatever it is."""


Shape: TypeAlias = Text | Identifier | Time | Flag | Whole | ListOf | MapOf | Table | Nullable | Anything

_TEXT, _ANY_ID, _IDENTITY = Text(), Identifier(), Identifier(("identity",))
_REFERENCES = ListOf(
    Table(dict.fromkeys(("name", "description", "source", "url", "external_id", "reference_id"), _TEXT), ("name",))
)
_EXTENSIONS = MapOf(Table(), "identifier")
VARIABLE = Table(
    {
        "type": Text(VARIABLE_TYPES),
        "description": _TEXT,
        "value": Nullable(),
        "constant": Flag(),
        "external": Flag(),
    },
    ("type",),
)
_VARIABLES = MapOf(VARIABLE, "variable")

COMMAND = Table(
    {
        "type": Text(COMMAND_TYPES),
        "description": _TEXT,
        "version": _TEXT,
        "playbook_activity": Text(ACTIVITIES),
        "external_references": _REFERENCES,
        "command": _TEXT,
        "command_b64": _TEXT,
        "content": _TEXT,
        "content_b64": _TEXT,
        "headers": MapOf(ListOf(_TEXT, 0)),
    },
    ("type",),
)
COMMAND_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "http-api": ("command",),
    "openc2-http": ("command", "content_b64"),
    **dict.fromkeys(("sigma", "yara", "kestrel", "elastic", "jupyter"), ("command_b64",)),
}

_STEP: Mapping[str, Shape] = {
    "type": _TEXT,
    "name": _TEXT,
    "description": _TEXT,
    "external_references": _REFERENCES,
    "delay": Whole(0),
    "timeout": Whole(0),
    "step_variables": _VARIABLES,
    "owner": _IDENTITY,
    "on_completion": Identifier(STEP_TYPES),
    "on_success": Identifier(STEP_TYPES),
    "on_failure": Identifier(STEP_TYPES),
    "step_extensions": _EXTENSIONS,
}
_ARGS: Mapping[str, Shape] = {"in_args": ListOf(_TEXT), "out_args": ListOf(_TEXT)}
_BRANCH = Identifier(STEP_TYPES)
STEPS: Mapping[str, Table] = {
    START: Table(_STEP, ("type", "on_completion")),
    END: Table(_STEP, ("type",)),
    ACTION: Table(
        {**_STEP, **_ARGS, "commands": ListOf(COMMAND), "agent": _ANY_ID, "targets": ListOf(_ANY_ID)},
        ("type", "commands", "agent"),
    ),
    PLAYBOOK_ACTION: Table(
        {**_STEP, **_ARGS, "playbook_id": Identifier(("playbook",)), "playbook_version": Time()},
        ("type", "playbook_id"),
    ),
    PARALLEL: Table({**_STEP, "next_steps": ListOf(_BRANCH, 2)}, ("type", "next_steps")),
    IF: Table(
        {**_STEP, "condition": _TEXT, "on_true": _BRANCH, "on_false": _BRANCH}, ("type", "condition", "on_true")
    ),
    WHILE: Table({**_STEP, "condition": _TEXT, "on_true": _BRANCH}, ("type", "condition", "on_true")),
    SWITCH: Table({**_STEP, "switch": _TEXT, "cases": MapOf(_BRANCH)}, ("type", "switch", "cases")),
}

_CONTACT = Table({"email": MapOf(_TEXT), "phone": MapOf(_TEXT), "contact_details": _TEXT})
AGENT = Table(
    {
        "type": Text(AGENT_TYPES),
        "name": _TEXT,
        "description": _TEXT,
        "location": Table(),
        "agent_target_extensions": _EXTENSIONS,
        "contact": _CONTACT,
        "logical": ListOf(_TEXT),
        "sector": _TEXT,
        "category": ListOf(_TEXT),
        "address": MapOf(ListOf(Anything(), 0)),
        "port": _TEXT,
        "authentication_info": Identifier(),
    },
    ("type", "name"),
)
AGENT_REQUIRED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(ADDRESSED_AGENTS, ("address",)),
    "sector": ("sector",),
    "security-category": ("category",),
}
AUTHENTICATION = Table(
    {
        "type": Text(AUTHENTICATION_TYPES),
        **dict.fromkeys(
            ("name", "description", "user_id", "username", "password", "oauth_header", "token"), _TEXT
        ),
        "kms": Flag(),
        "kms_key_identifier": _TEXT,
        "authentication_info_extensions": _EXTENSIONS,
    },
    ("type",),
)
AUTHENTICATION_REQUIRED: Mapping[str, tuple[str, ...]] = {"oauth2": ("oauth_header", "token")}
EXTENSION = Table(
    {
        "type": _TEXT,
        "name": _TEXT,
        "description": _TEXT,
        "created_by": _IDENTITY,
        "schema": _TEXT,
        "version": _TEXT,
        "external_references": _REFERENCES,
    },
    ("type", "name", "created_by", "schema", "version"),
)
MARKING = Table(
    {
        "type": _TEXT,
        "id": Identifier(("marking-statement", "marking-tlp", "marking-iep")),
        "created_by": _IDENTITY,
        "created": Time(),
        "statement": _TEXT,
        "tlpv2_level": Text(TLP_LEVELS),
    },
    ("type", "id", "created_by", "created"),
)
MARKING_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "marking-statement": ("statement",),
    "marking-tlp": ("tlpv2_level",),
}
SIGNATURE = Table({"type": _TEXT}, ("type",))

_SUMMARY = (
    "manual_playbook external_playbooks parallel_processing if_logic while_logic switch_logic temporal_logic "
    "data_markings digital_signatures countersigned_signatures extensions"
)
PLAYBOOK = Table(
    {
        "type": Text(),
        "spec_version": _TEXT,
        "id": Identifier(("playbook",)),
        "name": _TEXT,
        "description": _TEXT,
        "playbook_types": ListOf(Text(PLAYBOOK_TYPES), 0),
        "playbook_activities": ListOf(Text(ACTIVITIES)),
        "playbook_processing_summary": Table({name: Flag() for name in _SUMMARY.split()}),
        "created_by": _IDENTITY,
        "created": Time(),
        "modified": Time(),
        "revoked": Flag(),
        "valid_from": Time(),
        "valid_until": Time(),
        "derived_from": ListOf(Identifier(("playbook",))),
        "related_to": ListOf(_ANY_ID),
        "priority": Whole(0, 100),
        "severity": Whole(0, 100),
        "impact": Whole(0, 100),
        "industry_sectors": ListOf(_TEXT),
        "labels": ListOf(_TEXT),
        "external_references": _REFERENCES,
        "markings": ListOf(_ANY_ID),
        "playbook_variables": _VARIABLES,
        "workflow_start": Identifier(STEP_TYPES),
        "workflow_exception": Identifier(STEP_TYPES),
        "workflow": MapOf(Anything(), "identifier"),
        "playbook_extensions": _EXTENSIONS,
        "authentication_info_definitions": MapOf(AUTHENTICATION, "identifier"),
        "agent_definitions": MapOf(AGENT, "identifier"),
        "target_definitions": MapOf(AGENT, "identifier"),
        "extension_definitions": MapOf(EXTENSION, "identifier"),
        "data_marking_definitions": MapOf(MARKING, "identifier"),
        "signatures": ListOf(SIGNATURE),
    },
    ("type", "spec_version", "id", "name", "created_by", "created", "modified", "workflow_start", "workflow"),
)
FURTHER: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "agent_definitions": AGENT_REQUIRED,
    "target_definitions": AGENT_REQUIRED,
    "authentication_info_definitions": AUTHENTICATION_REQUIRED,
    "data_marking_definitions": MARKING_REQUIRED,
}
"""What else each type of a definition requires, by the property it stands in."""
