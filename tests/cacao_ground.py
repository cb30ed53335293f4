"""CACAO documents of our own making, for tests: each function returns a fresh one that a test may spoil."""

import json
from typing import Any
from uuid import UUID, uuid5

_TESTS = UUID("0f7d9a3e-6f0b-4b8e-8d56-0c6f6a1f2b11")

Document = dict[str, Any]


def ident(kind: str, name: str) -> str:
    return f"{kind}--{uuid5(_TESTS, name)}"


def playbook(workflow: Document, start: str, **more: Any) -> Document:
    return {
        "type": "playbook",
        "spec_version": "cacao-2.0",
        "id": ident("playbook", "a playbook"),
        "name": "Close the door",
        "created_by": ident("identity", "somebody"),
        "created": "2026-03-01T09:00:00.000Z",
        "modified": "2026-03-02T09:00:00.000Z",
        "workflow_start": start,
        "workflow": workflow,
        "agent_definitions": {
            TEAM: {"type": "group", "name": "Duty team"},
            GATE: {"type": "http-api", "name": "Gate", "address": {"url": ["https://gate.example"]}},
        },
        **more,
    }


TEAM = ident("group", "team")
GATE = ident("http-api", "gate")
START = ident("start", "start")


def action(
    name: str, text: str = "Look at the log", kind: str = "manual", agent: str = TEAM, **more: Any
) -> Document:
    return {"type": "action", "name": name, "commands": [{"type": kind, "command": text}], "agent": agent, **more}


def a(name: str) -> str:
    return ident("action", name)


def end(name: str = "end") -> str:
    return ident("end", name)


def straight() -> Document:
    """Two actions, one after the other."""
    return playbook(
        {
            START: {"type": "start", "on_completion": a("look")},
            a("look"): action("Look", on_completion=a("block")),
            a("block"): action("Block", "POST /block HTTP/1.1", "http-api", GATE, on_completion=end()),
            end(): {"type": "end"},
        },
        START,
    )


def branching() -> Document:
    """Every kind of step, variables, a failure path, nested branches, and properties nobody knows."""
    choice, both, loop, which, call = (
        ident("if-condition", "choice"),
        ident("parallel", "both"),
        ident("while-condition", "loop"),
        ident("switch-condition", "which"),
        ident("playbook-action", "call"),
    )
    workflow = {
        START: {"type": "start", "on_completion": choice},
        choice: {
            "type": "if-condition",
            "name": "Is it bad",
            "condition": "__level__:value = 'high'",
            "on_true": both,
            "on_false": a("calm"),
            "on_completion": loop,
        },
        both: {
            "type": "parallel",
            "name": "Both at once",
            "next_steps": [a("left"), a("right")],
            "on_success": a("after both"),
            "on_failure": a("roll back"),
        },
        a("left"): action("Left hand", on_completion=end("left")),
        a("right"): action("Right hand", on_success=end("right"), on_failure=a("mend")),
        a("mend"): action("Mend it", on_completion=end("mend")),
        a("after both"): action(
            "After both", "Tell __who__:value at ${{ inputs.secret }}", on_completion=end("both")
        ),
        a("roll back"): action("Roll back", on_completion=end("roll back")),
        a("calm"): action("Stay calm", delay=90_000, on_completion=end("calm")),
        loop: {
            "type": "while-condition",
            "name": "Until it is quiet",
            "condition": "__noise__:value = 'true'",
            "on_true": a("listen"),
            "on_completion": which,
        },
        a("listen"): action("Listen", on_completion=end("listen")),
        which: {
            "type": "switch-condition",
            "name": "Which door",
            "switch": "__door__",
            "cases": {"front": a("front"), "default": end("no door")},
            "on_completion": call,
        },
        a("front"): action("Front door", on_completion=end("front")),
        call: {
            "type": "playbook-action",
            "name": "Call another",
            "playbook_id": ident("playbook", "another"),
            "on_completion": end("end"),
        },
        **{
            end(n): {"type": "end"}
            for n in ("left", "right", "mend", "both", "roll back", "calm", "listen", "no door")
        },
        end("front"): {"type": "end"},
        end("end"): {"type": "end", "x_note": {"kept": [1, 2.5, None, True]}},
    }
    return playbook(
        workflow,
        START,
        description="Every kind of step.",
        playbook_variables={
            "__who__": {"type": "string", "value": "the owner", "description": "Whom to tell"},
            "__level__": {"type": "string", "external": True},
            "__count__": {"type": "integer", "value": "3", "constant": True},
        },
        workflow_exception=a("after both"),
        labels=["door"],
        x_unknown={"of": ["nobody"]},
    )


def content(document: Document) -> bytes:
    return json.dumps(document).encode()
