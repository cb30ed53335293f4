"""Write a playbook of ours as a CACAO 2.0 document that other tools can follow, and that gives back the playbook.

What runs at once stands in a parallel step, level by level: stricter than `needs`, never looser. An `if` becomes a
question and an if-condition over its answer, for an expression over our facts is no pattern of the standard. A
step's `on_failure` becomes on_failure; what needs a person after a failure is the workflow's exception.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tocsin.cacao.extension import EXTENSION, definition, head_of, identifier, step_as_written
from tocsin.cacao.native import Native, native_command, said_plainly
from tocsin.cacao.summary import activity_of, summary_of, types_of
from tocsin.cacao.vocabulary import ACTION, END, IF, PARALLEL, PLAYBOOK_ACTION, SPEC_VERSION, START
from tocsin.model.document import Data
from tocsin.model.vocabulary import PersonRole
from tocsin.runbook.language import InputType, OnFailure, Playbook, Step
from tocsin.runbook.readiness import FOR_RUN

_INPUT_TYPES = {
    InputType.SYSTEM: "string",
    InputType.TEXT: "string",
    InputType.NUMBER: "float",
    InputType.YES_NO: "bool",
}
ENGINE = "Tocsin"


@dataclass(frozen=True, slots=True)
class Edition:
    """Who exports, and the times of this version: as the standard writes them."""

    organisation: str
    created: str
    modified: str
    created_by: str | None = None

    @property
    def maker(self) -> str:
        """Return the identity that stands in the document."""
        return self.created_by or identifier("identity", self.organisation)


def export_playbook(playbook: Playbook, edition: Edition) -> dict[str, Data]:
    """Return a playbook as a document of the standard."""
    return _Writing(playbook).document(edition)


def playbook_identifier(name: str) -> str:
    """Return the identifier under which a playbook of this name is exported."""
    return identifier("playbook", name)


def exported_ids(playbook: Playbook) -> dict[str, str]:
    """Return the identifier under which each action of a playbook is exported."""
    return {step.id: identifier(ACTION, f"{playbook.playbook}/{step.id}") for step in playbook.by_id.values()}


class _Writing:
    def __init__(self, playbook: Playbook) -> None:
        self.playbook = playbook
        self.workflow: dict[str, Data] = {}
        self.agents: dict[str, Data] = {}
        self.targets: dict[str, Data] = {}
        self.variables: dict[str, Data] = {}
        self.positions = {step.id: number for number, step in enumerate(playbook.steps)}

    def document(self, edition: Edition) -> dict[str, Data]:
        playbook = self.playbook
        self._inputs()
        first = self._chain(playbook.steps, self._end("the whole"))
        start = self._id(START, "start")
        self.workflow[start] = {"type": START, "name": playbook.title, "on_completion": first}
        exception = self._exception()
        document: dict[str, Data] = {
            "type": "playbook",
            "spec_version": SPEC_VERSION,
            "id": playbook_identifier(playbook.playbook),
            "name": playbook.title,
            "description": playbook.description.strip(),
            **types_of(self.workflow),
            "playbook_processing_summary": {**summary_of(self.workflow)},
            "created_by": edition.maker,
            "created": edition.created,
            "modified": edition.modified,
            "labels": ["tocsin", *(cause.value for cause in playbook.for_.cause)],
            "playbook_variables": self.variables,
            "workflow_start": start,
            "workflow_exception": exception,
            "workflow": {**dict(reversed(self.workflow.items()))},
            "playbook_extensions": {EXTENSION: {"playbook": head_of(playbook)}},
            "agent_definitions": self.agents,
            "target_definitions": self.targets,
            "extension_definitions": {EXTENSION: definition()},
        }
        return {key: value for key, value in document.items() if value not in ("", {})}

    def _id(self, kind: str, name: str) -> str:
        return identifier(kind, f"{self.playbook.playbook}/{name}")

    def _inputs(self) -> None:
        for name, wanted in self.playbook.inputs.items():
            described: dict[str, Data] = {"type": _INPUT_TYPES[wanted.type]}
            if wanted.title:
                described["description"] = wanted.title
            if wanted.default is not None:
                given = wanted.default
                described["value"] = str(given).lower() if isinstance(given, bool) else str(given)
            self.variables[f"__{name}__"] = {**described, "external": True}

    def _chain(self, steps: Sequence[Step], following: str) -> str:
        """Write these steps, level by level, and return the id of the first."""
        for level in reversed(_levels(steps)):
            if len(level) == 1:
                following = self._one(level[0], following)
                continue
            gate = self._id(PARALLEL, "+".join(step.id for step in level))
            entries: list[Data] = [self._one(step, self._end(step.id)) for step in reversed(level)]
            names = ", ".join(step.heading for step in level)
            self.workflow[gate] = {
                "type": PARALLEL,
                "name": f"{len(level)} steps, in any order",
                "description": names,
                "next_steps": entries[::-1],
                "on_completion": following,
            }
            following = gate
        return following

    def _one(self, step: Step, following: str) -> str:
        if step.if_ is None:
            return self._action(step, following)
        variable = f"__run_{step.id.replace('-', '_')}__"
        self.variables[variable] = {
            "type": "bool",
            "description": f"Whether '{step.heading}' is done.",
            "value": None,
        }
        condition = self._id(IF, step.id)
        self.workflow[condition] = {
            "type": IF,
            "name": f"Only if it is so: {step.heading}",
            "condition": f"{variable}:value = 'true'",
            "on_true": self._action(step, self._end(f"if {step.id}")),
            "on_completion": following,
        }
        question = self._id(ACTION, f"whether {step.id}")
        self.workflow[question] = {
            "type": ACTION,
            "name": f"Is it so? {step.heading}",
            "commands": [
                {
                    "type": "manual",
                    "command": f"Is this so: {step.if_.strip()} (an expression of Tocsin)? "
                    f"Set {variable}:value to true or false.",
                    "playbook_activity": "analyze-collected-data",
                }
            ],
            "agent": self._agent(step),
            "out_args": [variable],
            "on_completion": condition,
        }
        return question

    def _action(self, step: Step, following: str) -> str:
        called = step.with_.get("name") if step.uses == FOR_RUN else None
        kind = PLAYBOOK_ACTION if isinstance(called, str) else ACTION
        written: dict[str, Data] = {"type": kind, "name": step.heading}
        if step.why:
            written["description"] = step.why
        written |= self._timers(step)
        if isinstance(called, str):
            written["playbook_id"] = playbook_identifier(called)
        else:
            written |= self._commanded(step)
        if step.on_failure is OnFailure.CONTINUE:
            written["on_completion"] = following
        else:
            written["on_success"] = following
            if step.handlers:
                written["on_failure"] = self._chain(step.handlers, following)
        parent = self.playbook.handled.get(step.id)
        mine: dict[str, Data] = {"step": step_as_written(step)}
        mine |= {"within": parent} if parent else {"position": self.positions[step.id]}
        written["step_extensions"] = {EXTENSION: mine}
        key = self._id(kind, step.id)
        self.workflow[key] = written
        return key

    def _timers(self, step: Step) -> dict[str, Data]:
        timers: dict[str, Data] = {}
        if step.timeout is not None:
            timers["timeout"] = step.timeout // timedelta(milliseconds=1)
        return timers

    def _commanded(self, step: Step) -> dict[str, Data]:
        native = native_command(step, set(self.playbook.inputs)) or Native(
            {"type": "manual", "command": said_plainly(step, set(self.playbook.inputs))}
        )
        command: dict[str, Data] = dict(native.command)
        if activity := activity_of(step.uses):
            command["playbook_activity"] = activity
        found: dict[str, Data] = {"commands": [command], "agent": self._agent(step)}
        if native.target:
            key = self._id(str(native.target["type"]), step.id)
            self.targets[key] = {**native.target}
            found["targets"] = [key]
        return found

    def _agent(self, step: Step) -> str:
        if step.uses.partition(".")[0] == "human" or step.assign is not None:
            role = step.assign or PersonRole.COMMANDER
            key = identifier("group", role.value)
            self.agents[key] = {"type": "group", "name": f"{role.value.capitalize()} (role)"}
        else:
            key = identifier("security-category", "engine")
            self.agents[key] = {"type": "security-category", "name": ENGINE, "category": ["orchestrator"]}
        return key

    def _exception(self) -> str:
        end = self._end("exception")
        key = self._id(ACTION, "exception")
        agent = identifier("group", PersonRole.COMMANDER.value)
        self.agents.setdefault(agent, {"type": "group", "name": "Commander (role)"})
        self.workflow[key] = {
            "type": ACTION,
            "name": "A step failed: a person decides",
            "commands": [
                {
                    "type": "manual",
                    "command": "Look why the step failed. Try it again, pass it over with a reason, or stop.",
                }
            ],
            "agent": agent,
            "on_completion": end,
        }
        return key

    def _end(self, name: str) -> str:
        key = self._id(END, name)
        self.workflow[key] = {"type": END}
        return key


def _levels(steps: Sequence[Step]) -> list[list[Step]]:
    """Return the steps level by level: each stands below all that it needs."""
    here = {step.id for step in steps}
    levels: list[list[Step]] = []
    over: set[str] = set()
    rest = list(steps)
    while rest:
        level = [step for step in rest if all(need in over for need in step.needs if need in here)] or rest
        levels.append(level)
        over |= {step.id for step in level}
        rest = [step for step in rest if step.id not in over]
    return levels
