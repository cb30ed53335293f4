"""Who was to carry a command out, and what a person has mapped them to.

A foreign agent is nobody here: its commands are shown as text to a person. `--map AGENT=KIND` lets the commands of
one agent become steps of a kind that acts, each waiting for an approval; `--map AGENT=ROLE` gives its tasks to a
role.
"""

import base64
import binascii
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.cacao.findings import quoted, seen
from tocsin.cacao.variables import Variables
from tocsin.cacao.vocabulary import PEOPLE_AGENTS
from tocsin.errors import UsageError, did_you_mean
from tocsin.model.document import Data
from tocsin.model.vocabulary import PersonRole

OURS = "tocsin"
KINDS = ("command", "ssh.command", "http.request")
AS_WRITTEN = "as-written"
_TYPES = {"command": ("bash",), "ssh.command": ("ssh", "bash"), "http.request": ("http-api",)}
_SHELL = frozenset("|&;<>`$(){}*?~\n#!\\")
_REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:\S+|credential:[A-Za-z0-9_.@-]+)")
_REQUEST_WORDS = 2


class CannotBeMapped(Exception):  # noqa: N818 - read aloud it is the reason
    """A command cannot become a step of that kind; says why."""


@dataclass(frozen=True)
class Agents:
    """The agents and targets of a document, and what each is mapped to."""

    document: Mapping[str, Data]
    mapped: Mapping[str, str] = field(default_factory=dict)

    def definition(self, identifier: Data) -> dict[str, Data] | None:
        """Return an agent or a target, or None where nobody says who it is."""
        for place in ("agent_definitions", "target_definitions"):
            known = self.document.get(place)
            found = known.get(identifier) if isinstance(known, dict) and isinstance(identifier, str) else None
            if isinstance(found, dict):
                return found
        return None

    def name(self, identifier: Data) -> str:
        """Return how a person calls it."""
        found = self.definition(identifier)
        name = (found or {}).get("name")
        return quoted(name if isinstance(name, str) and name else str(identifier))

    def is_person(self, identifier: Data) -> bool:
        """Tell whether people are meant."""
        found = self.definition(identifier)
        kind = (found or {}).get("type")
        return isinstance(kind, str) and kind in PEOPLE_AGENTS

    def mapped_to(self, identifier: Data) -> str | None:
        """Return what a person mapped it to."""
        return self.mapped.get(str(identifier))

    def described(self, identifier: Data) -> str:
        """Return name, type and addresses in a line."""
        found = self.definition(identifier)
        if found is None:
            return f"{quoted(str(identifier))} (nowhere defined)"
        kind = quoted(str(found.get("type", "of no type")))
        where = ", ".join(addresses(found))
        return f"{self.name(identifier)} ({kind}{f': {where}' if where else ''})"


def read_mapping(document: Mapping[str, Data], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return agents' ids with what each is mapped to. Raises UsageError for an agent or kind that is not there."""
    known = document.get("agent_definitions")
    names: dict[str, list[str]] = {}
    for identifier, agent in (known if isinstance(known, dict) else {}).items():
        name = agent.get("name") if isinstance(agent, dict) else None
        for word in {identifier, name if isinstance(name, str) else identifier}:
            names.setdefault(word.casefold(), []).append(identifier)
    roles = tuple(role.value for role in PersonRole)
    mapping: dict[str, str] = {}
    for agent, kind in wanted.items():
        if kind not in (*KINDS, *roles, AS_WRITTEN):
            raise UsageError(
                f"An agent cannot be mapped to {quoted(kind)!r}: it is one of {', '.join(KINDS)}, or a role "
                f"({', '.join(roles)}). Nothing was imported."
            )
        if agent.casefold() not in names:
            near = did_you_mean(agent, [quoted(name) for name in names])
            raise UsageError(f"The file names no agent {quoted(agent)!r}.{near} Nothing was imported.")
        mapping |= dict.fromkeys(names[agent.casefold()], kind)
    return mapping


def addresses(target: Mapping[str, Data]) -> list[str]:
    """Return every address of an agent or target, as text."""
    found = target.get("address")
    listed = [each for each in found.values() if isinstance(each, list)] if isinstance(found, dict) else []
    return [quoted(str(one)) for each in listed for one in each if isinstance(one, str | int)][:10]


def said_by(command: Mapping[str, Data]) -> str:
    """Return what a command says, decoded where it is base64 of a text."""
    if isinstance(text := command.get("command"), str):
        return seen(text)
    encoded = command.get("command_b64")
    return _decoded(encoded) or "(a command that is no text)" if isinstance(encoded, str) else ""


def parameters_for(
    kind: str, command: Mapping[str, Data], target: Mapping[str, Data] | None, scope: "Scope"
) -> dict[str, Data]:
    """Return the `with` of a step of this kind. Raises CannotBeMapped."""
    if command.get("type") not in _TYPES[kind]:
        raise CannotBeMapped(f"a command of type '{quoted(str(command.get('type')))}' cannot become {kind}")
    text = said_by(command)
    if missing := scope.variables.open_in(text, scope.step):
        raise CannotBeMapped(f"the variable {missing[0]} has no value")
    if kind == "http.request":
        return _request(text, command, target, scope)
    argv: list[Data] = [*_words(scope.variables.with_literals(text, scope.step), scope)]
    return {"argv": argv} if kind == "command" else {**_host(target, scope.authentication), "argv": argv}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a command may refer to: variables, the step's own, and how the target lets people in."""

    variables: Variables
    step: Mapping[str, Data]
    authentication: Mapping[str, Data] | None = None


def _words(text: str, scope: Scope) -> list[str]:
    if _SHELL & set(text):
        raise CannotBeMapped("it needs a shell, and no text is run through one: put it into a script of its own")
    try:
        words = shlex.split(text)
    except ValueError:
        raise CannotBeMapped("a quote in it is never closed") from None
    if "[secret" in text:
        raise CannotBeMapped("a secret stood in it: name the reference under `environment`")
    return [scope.variables.filled(word, scope.step) for word in words]


def _host(target: Mapping[str, Data] | None, authentication: Mapping[str, Data] | None) -> dict[str, Data]:
    address = (target or {}).get("address")
    for kind in ("dname", "ipv4", "ipv6"):
        found = address.get(kind) if isinstance(address, dict) else None
        if isinstance(found, list) and found and isinstance(found[0], str) and not found[0].startswith("__"):
            where: dict[str, Data] = {"host": found[0]}
            user, port = (authentication or {}).get("username"), (target or {}).get("port")
            if isinstance(user, str) and user:
                where["user"] = user
            if isinstance(port, str) and port.isascii() and port.isdigit() and len(port) <= 5:  # noqa: PLR2004 - a port
                where["port"] = int(port)
            return where
    raise CannotBeMapped("its target has no address that is written out")


def _request(
    text: str, command: Mapping[str, Data], target: Mapping[str, Data] | None, scope: Scope
) -> dict[str, Data]:
    words = text.split()
    if len(words) < _REQUEST_WORDS:
        raise CannotBeMapped("it is no request such as 'POST /path HTTP/1.1'")
    made: dict[str, Data] = {
        "method": words[0].upper(),
        "url": scope.variables.filled(_url(words[1], target), scope.step),
    }
    headers, secret = _headers(command.get("headers"), scope)
    if scope.authentication is not None:
        reference = scope.authentication.get("kms_key_identifier")
        known = isinstance(reference, str) and _REFERENCE.fullmatch(reference)
        secret["Authorization"] = reference if known else "env:AUTHORIZATION_TO_FILL_IN"
    made |= {key: value for key, value in (("headers", headers), ("secret_headers", secret)) if value}
    content = command.get("content")
    encoded = command.get("content_b64")
    body = content if isinstance(content, str) else _decoded(encoded) if isinstance(encoded, str) else None
    if body is not None:
        made["body"] = scope.variables.filled(body, scope.step)
    return made


def _url(wanted: str, target: Mapping[str, Data] | None) -> str:
    if wanted.startswith(("http://", "https://")):
        return wanted
    address = (target or {}).get("address")
    found = address if isinstance(address, dict) else {}
    port = (target or {}).get("port")
    for kind in ("url", "dname", "ipv4"):
        known = found.get(kind)
        if isinstance(known, list) and known and isinstance(known[0], str) and not known[0].startswith("__"):
            base = (
                known[0] if kind == "url" else f"https://{known[0]}{f':{port}' if isinstance(port, str) else ''}"
            )
            return f"{base.rstrip('/')}/{wanted.lstrip('/')}"
    raise CannotBeMapped("its target has no address that is written out")


def _headers(headers: Data, scope: Scope) -> tuple[dict[str, Data], dict[str, Data]]:
    plain: dict[str, Data] = {}
    secret: dict[str, Data] = {}
    for name, values in (headers if isinstance(headers, dict) else {}).items():
        text = ", ".join(str(one) for one in values) if isinstance(values, list) else str(values)
        if _REFERENCE.fullmatch(text):
            secret[name] = text
        else:
            plain[name] = scope.variables.filled(text, scope.step)
    return plain, secret


def _decoded(text: str) -> str | None:
    try:
        return seen(base64.b64decode(text, validate=True).decode())
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
