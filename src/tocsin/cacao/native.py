"""What a step of ours is in the standard's own commands, where it has one; else a sentence for a person."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tocsin.model.document import Data
from tocsin.runbook.expressions import expressions_in
from tocsin.runbook.language import Step

_INPUT = re.compile(r"\$\{\{\s*inputs\.([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Native:
    """A command of the standard, and the target it is for."""

    command: Mapping[str, Data]
    target: Mapping[str, Data] = field(default_factory=dict)


def native_command(step: Step, inputs: set[str]) -> Native | None:
    """Return a step as a bash, ssh or http-api command; None where values are worked out only when it runs."""
    given = step.with_
    argv = given.get("argv")
    words = (
        [with_variables(word, inputs) for word in argv if isinstance(word, str)] if isinstance(argv, list) else []
    )
    rest = {key: value for key, value in given.items() if key != "argv"}
    if any(expressions_in(rest)) or any(expressions_in(words)):
        return None
    if step.uses == "command" and words:
        return Native({"type": "bash", "command": shlex.join(words)})
    if step.uses == "ssh.command" and words and isinstance(host := given.get("host"), str):
        port = given.get("port")
        target: dict[str, Data] = {"type": "ssh", "name": host, "address": {_address_kind(host): [host]}}
        return Native(
            {"type": "ssh", "command": shlex.join(words)}, {**target, **({"port": str(port)} if port else {})}
        )
    if step.uses == "http.request" and isinstance(url := given.get("url"), str):
        return _request(step, url)
    return None


def said_plainly(step: Step, inputs: set[str]) -> str:
    """Return what a person would do in a step's place."""
    given = step.with_
    for key in ("text", "question"):
        if isinstance(said := given.get(key), str):
            choices = given.get("choices")
            ending = f" ({' / '.join(map(str, choices))})" if isinstance(choices, list) and choices else ""
            return with_variables(said.strip(), inputs) + ending
    about = "; ".join(
        f"{key}: {value if isinstance(value, str) else json.dumps(value)}" for key, value in given.items()
    )
    each = f" For each of {step.for_each}." if step.for_each else ""
    return with_variables(f"{step.heading}. In Tocsin: {step.uses}{f' ({about})' if about else ''}.{each}", inputs)


def with_variables(text: str, inputs: set[str]) -> str:
    """Return a text that names our inputs as the standard names its variables."""
    return _INPUT.sub(lambda found: f"__{found[1]}__:value" if found[1] in inputs else found[0], text)


def _request(step: Step, url: str) -> Native:
    parts = urlsplit(url)
    path = parts.path or "/"
    wanted = f"{path}?{parts.query}" if parts.query else path
    command: dict[str, Data] = {
        "type": "http-api",
        "command": f"{step.with_.get('method', 'GET')} {wanted} HTTP/1.1",
    }
    headers = step.with_.get("headers")
    if isinstance(headers, dict) and headers:
        command["headers"] = {name: [str(value)] for name, value in headers.items()}
    if isinstance(body := step.with_.get("body"), str):
        command["content"] = body
    base = f"{parts.scheme}://{parts.netloc}"
    return Native(command, {"type": "http-api", "name": str(parts.hostname), "address": {"url": [base]}})


def _address_kind(host: str) -> str:
    return "ipv6" if ":" in host else "ipv4" if host.replace(".", "").isdigit() else "dname"
