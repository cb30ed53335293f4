"""The playbook language: what a file may say, as models. `checks` judges a whole file, `engine` runs it."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    StringConstraints,
    Tag,
)

from tocsin.model.document import Path
from tocsin.model.fields import Duration
from tocsin.model.vocabulary import Cause, PersonRole

MOST_STEPS = 1000

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


class Retry(_Part):
    """How often a step that failed in a temporary way is tried again by itself, and after how long."""

    times: Annotated[int, Field(ge=1, le=20)]
    every: Duration = timedelta(minutes=1)


class Deputy(_Part):
    """The role that a question is offered to as well, once nobody has answered it for `after`."""

    role: PersonRole
    after: Duration = timedelta(minutes=30)


# Not a length of the field: pydantic would call a list whose only step is faulty empty as well.
def _some(steps: tuple["Step", ...]) -> tuple["Step", ...]:
    if not steps:
        raise ValueError("there is no step in it. Write at least one.")
    return steps


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
    deputy_: (
        Annotated[
            Annotated[PersonRole, Tag("word")] | Annotated[Deputy, Tag("map")],
            Discriminator(lambda value: "word" if isinstance(value, str) else "map"),
        ]
        | None
    ) = Field(default=None, alias="deputy")
    retry: Retry | None = None
    timeout: Duration | None = None
    expires: Duration | None = None
    on_failure: Annotated[
        Annotated[OnFailure, Tag("word")] | Annotated[tuple["Step", ...], AfterValidator(_some), Tag("steps")],
        Discriminator(lambda value: "steps" if isinstance(value, list | tuple) else "word"),
    ] = OnFailure.ASK
    # A plain sentence that a notice may say once the step is done: what was done about it.
    measure: str = ""
    # A destructive step without an evidence step before it must say why.
    without_evidence: str | None = None

    @property
    def heading(self) -> str:
        """What a person reads first."""
        return self.title or self.id.replace("-", " ").capitalize()

    @property
    def deputy(self) -> PersonRole | None:
        """The role that may answer as well."""
        return self.deputy_.role if isinstance(self.deputy_, Deputy) else self.deputy_

    @property
    def deputy_after(self) -> timedelta:
        """How long nobody may answer before the question is offered to the deputy too."""
        return self.deputy_.after if isinstance(self.deputy_, Deputy) else Deputy.model_fields["after"].default

    @property
    def handlers(self) -> tuple["Step", ...]:
        """The steps that are taken once this one has failed."""
        return () if isinstance(self.on_failure, OnFailure) else self.on_failure

    @property
    def goes_on(self) -> bool:
        """Whether its failure needs no person: what needs it goes on by itself, or after its handlers."""
        return self.on_failure is not OnFailure.ASK


class For(_Part):
    """The breaches this playbook answers."""

    cause: tuple[Cause, ...] = ()


def every_step(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Yield each step, and after it the steps of its `on_failure`, however deep."""
    for step in steps:
        yield step
        yield from every_step(step.handlers)


def placed_steps(steps: tuple[Step, ...], above: Path = ("steps",)) -> Iterator[tuple[Path, Step]]:
    """Yield each step with its path in the file, those of an `on_failure` among them."""
    for index, step in enumerate(steps):
        here = (*above, index)
        yield here, step
        yield from placed_steps(step.handlers, (*here, "on_failure"))


def _unique(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    seen: set[str] = set()
    if (many := sum(1 for _ in every_step(steps))) > MOST_STEPS:
        raise ValueError(f"{many} steps are too many: at most {MOST_STEPS}. Call another with `uses: playbook`.")
    for step in every_step(steps):
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
    steps: Annotated[
        tuple[Step, ...],
        AfterValidator(_some),
        AfterValidator(_unique),
        Field(json_schema_extra={"minItems": 1, "maxItems": MOST_STEPS}),
    ]

    def step(self, step_id: str) -> Step:
        """Return one step by its id, be it one of an `on_failure`."""
        return self.by_id[step_id]

    @cached_property
    def by_id(self) -> Mapping[str, Step]:
        """Every step by its id, in the file's order; those of an `on_failure` after the step they belong to."""
        return {step.id: step for step in every_step(self.steps)}

    @cached_property
    def handled(self) -> Mapping[str, str]:
        """For each step of an `on_failure`, the id of the step whose failure it answers."""
        return {handler.id: step.id for step in self.by_id.values() for handler in step.handlers}


class RecoveryPlan(Playbook):
    """Steps that bring systems back: a playbook in `drills/`, run in isolation unless somebody approved it live.

    `needs` are recovery plans that go first, beside those of the systems that these ones depend on.
    """

    playbook: StepId = Field(alias="recovery_plan")
    systems: tuple[str, ...] = ()
    needs: tuple[StepId, ...] = ()
    approve: Approval = Approval(by=PersonRole.TECHNICAL)


def model_of(data: object) -> type[Playbook]:
    """Return what a file is by the key that names it."""
    return RecoveryPlan if isinstance(data, dict) and "recovery_plan" in data else Playbook


class Mode(StrEnum):
    """What a run may touch.

    `live`: everything. `simulate`: nothing, and nobody is asked. `exercise`: nothing outside, but people are
    asked. `drill`: restores and checks for real, into isolation, and nothing else.
    """

    LIVE = "live"
    SIMULATE = "simulate"
    EXERCISE = "exercise"
    DRILL = "drill"


State = Literal["pending", "running", "waiting", "unknown", "done", "failed", "skipped"]


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a playbook's text, by which a run says what it ran."""
    return hashlib.sha256(text.encode()).hexdigest()
