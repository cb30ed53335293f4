"""The playbook language: what a file may say, as models. `checks` judges a whole file, `engine` runs it."""

import hashlib
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from tocsin.model.vocabulary import Cause, PersonRole

StepId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,47}$")]


class InputType(StrEnum):
    """What an input of a playbook may be."""

    SYSTEM = "system"
    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes_no"


class OnFailure(StrEnum):
    """What a failed step means for those that need it."""

    ASK = "ask"
    CONTINUE = "continue"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Input(_Part):
    """One typed input."""

    type: InputType
    required: bool = False
    default: JsonValue = None
    title: str = ""


class Approval(_Part):
    """Who must say yes before the step runs: `people` different holders of the role `by`, or their deputies."""

    by: PersonRole
    people: Annotated[int, Field(ge=1, le=5)] = 1


class Step(_Part):
    """One step as written."""

    id: StepId
    uses: str
    title: str = ""
    why: str = ""
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    needs: tuple[str, ...] = ()
    if_: str | None = Field(default=None, alias="if")
    for_each: str | None = None
    approve: Approval | None = None
    assign: PersonRole | None = None
    deputy: PersonRole | None = None
    on_failure: OnFailure = OnFailure.ASK
    # A plain sentence that a notice may say once the step is done: what was done about it.
    measure: str = ""
    # A destructive step without an evidence step before it must say why.
    without_evidence: str | None = None

    @property
    def heading(self) -> str:
        """What a person reads first."""
        return self.title or self.id.replace("-", " ").capitalize()


class For(_Part):
    """The breaches this playbook answers."""

    cause: tuple[Cause, ...] = ()


def _unique(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    seen: set[str] = set()
    for step in steps:
        if step.id in seen:
            raise ValueError(f"two steps are called {step.id!r}. Give each its own id.")
        seen.add(step.id)
    return steps


class Playbook(_Part):
    """Steps that answer a kind of breach."""

    playbook: StepId
    title: str
    description: str = ""
    for_: For = Field(default_factory=For, alias="for")
    roles: tuple[PersonRole, ...] = ()
    inputs: dict[str, Input] = Field(default_factory=dict)
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=1000), AfterValidator(_unique)]

    def step(self, step_id: str) -> Step:
        """Return one step by its id."""
        return next(step for step in self.steps if step.id == step_id)


class Mode(StrEnum):
    """What a run may touch: everything, or nothing outside."""

    LIVE = "live"
    SIMULATE = "simulate"


State = Literal["pending", "running", "waiting", "unknown", "done", "failed", "skipped"]


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a playbook's text, by which a run says what it ran."""
    return hashlib.sha256(text.encode()).hexdigest()
