"""Steps that a person answers: a question whose answer is a fact, a decision on a duty, a task done by hand."""

from typing import ClassVar

from pydantic import model_validator

from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.law.facts import check_patch, fact_paths
from tocsin.model.document import Data
from tocsin.runbook.kinds import Answer, Done, Parameters, Place, Waits
from tocsin.situation import add_fact, decisions_of, situation_of
from tocsin.situation.decisions import agree_in, decide_in, seconds_for
from tocsin.situation.duties import pending_on, standing_on
from tocsin.store.database import Transaction

_YES_NO = ("yes", "no")


class AskParameters(Parameters):
    """`fact` is a path of the facts contract; its own question is asked unless `question` says it better."""

    fact: str | None = None
    question: str | None = None
    choices: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _something_to_ask(self) -> "AskParameters":
        if self.fact is None and self.question is None:
            raise ValueError("says neither which fact to ask for nor a question. Add `fact:` or `question:`.")
        if self.fact is not None:
            try:
                check_patch(self.fact, None)
            except UsageError as unknown:
                raise ValueError(str(unknown)) from None
        return self


class Ask:
    """Ask one question. With `fact`, the answer becomes a version of the incident's facts."""

    name: ClassVar[str] = "human.ask"
    parameters: ClassVar[type[Parameters]] = AskParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False

    def run(self, ctx: Context, place: Place, parameters: AskParameters) -> Done | Waits:
        """Wait for the answer; a fact that is known already is not asked for again."""
        if parameters.fact is not None and place.incident is not None:
            with ctx.store.read() as connection:
                known = _found(situation_of(connection, ctx.workspace, place.incident).facts(), parameters.fact)
            if known is not None:
                return Done({"answer": known, "known_already": True})
        return Waits(
            {
                "kind": "ask",
                "question": _question(parameters),
                "choices": [*_choices(parameters)],
                "fact": parameters.fact,
            }
        )

    def accept(
        self, ctx: Context, tx: Transaction, place: Place, parameters: AskParameters, answer: Answer
    ) -> Done:
        """Take the answer; `unknown` is an answer too, and never means no."""
        value = _typed(answer.value, parameters)
        if parameters.fact is not None:
            value = check_patch(parameters.fact, value)
            if place.incident is not None:
                add_fact(tx, place.incident, parameters.fact, value, evidence=answer.reason)
        return Done({"answer": value if value is not None else "unknown"})

    def simulate(self, parameters: AskParameters) -> str:
        """Say what would be asked."""
        return f"ask: {_question(parameters)}"


class TaskParameters(Parameters):
    """What a person is to do, in words they can follow at three in the morning."""

    text: str


class Task:
    """Wait until a person says that something was done by hand."""

    name: ClassVar[str] = "human.task"
    parameters: ClassVar[type[Parameters]] = TaskParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False

    def run(self, ctx: Context, place: Place, parameters: TaskParameters) -> Done | Waits:
        """Show the task."""
        return Waits({"kind": "task", "question": parameters.text, "choices": ["done"]})

    def accept(
        self, ctx: Context, tx: Transaction, place: Place, parameters: TaskParameters, answer: Answer
    ) -> Done:
        """Take `done`, with whatever the person noted."""
        if str(answer.value).casefold() not in ("done", "yes"):
            raise UsageError(
                "A task is answered with 'done'. Skip it with `tocsin run skip` if it will not be done."
            )
        return Done({"answer": "done"})

    def simulate(self, parameters: TaskParameters) -> str:
        """Say what a person would be asked to do."""
        return f"ask a person to do: {parameters.text}"


class DecideParameters(Parameters):
    """The duty to decide on: `regulator`, `people`, `controllers`."""

    duty: str

    @model_validator(mode="after")
    def _known(self) -> "DecideParameters":
        if self.duty not in ("regulator", "people", "controllers"):
            raise ValueError(f"{self.duty!r} is not a duty to decide on. Write regulator, people or controllers.")
        return self


class Decide:
    """Show the proposal for one duty with its reasons, and take a named person's decision."""

    name: ClassVar[str] = "human.decide"
    parameters: ClassVar[type[Parameters]] = DecideParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False

    def run(self, ctx: Context, place: Place, parameters: DecideParameters) -> Done | Waits:
        """Show the proposal for each controller's data; a decision that stands is not asked for again."""
        if place.incident is None:
            raise UsageError("A decision on a duty belongs to an incident; this run has none.")
        with ctx.store.read() as connection:
            situation = situation_of(connection, ctx.workspace, place.incident)
            decisions = decisions_of(connection, place.incident)
        if stands := standing_on(decisions, parameters.duty):
            return Done({"answer": stands.decided, "proposed": stands.proposed})
        reasons = [
            f"{controller}: {duty.required} ({duty.basis}). {' '.join(duty.why)}"
            for controller, assessment in situation.assessments.items()
            for duty in (assessment.duty(parameters.duty),)
        ]
        proposed = situation.required(parameters.duty)
        waits = pending_on(decisions, parameters.duty)
        question = (
            _second_question(ctx, parameters.duty, waits.decided_by, waits.decided, waits.reason)
            if waits
            else f"Must the {_ADDRESSEES[parameters.duty]} be told? Proposed: {proposed}."
        )
        return Waits(
            {
                "kind": "decide",
                "question": question,
                "text": "\n".join(reasons),
                "choices": [*_YES_NO],
                "proposed": proposed,
                "first": waits.decided_by if waits else None,
            }
        )

    def accept(
        self, ctx: Context, tx: Transaction, place: Place, parameters: DecideParameters, answer: Answer
    ) -> Done | Waits:
        """Take yes or no by the same rule as `tocsin incident decide`: a second person may have to agree."""
        incident = str(place.incident)
        decided = str(answer.value).casefold()
        waits = pending_on(decisions_of(tx.connection, incident), parameters.duty)
        if waits is not None and waits.decided == decided:
            taken = agree_in(tx, ctx.workspace, incident, parameters.duty)
        else:
            taken = decide_in(tx, ctx.workspace, incident, parameters.duty, decided, answer.reason)
        if taken.stands:
            return Done({"answer": taken.decided, "proposed": taken.proposed})
        asked = {**(answer.asked or {}), "first": taken.decided_by}
        asked["question"] = _second_question(
            ctx, parameters.duty, taken.decided_by, taken.decided, answer.reason or ""
        )
        return Waits(asked)

    def has_settled(self, ctx: Context, place: Place, asked: dict[str, Data]) -> bool:
        """Tell whether it was decided through another door, or waits for a second person by now."""
        with ctx.store.read() as connection:
            decisions = decisions_of(connection, str(place.incident))
        duty = DecideParameters.model_validate(place.step.with_).duty
        waits = pending_on(decisions, duty)
        return standing_on(decisions, duty) is not None or (waits.decided_by if waits else None) != asked.get(
            "first"
        )

    def simulate(self, parameters: DecideParameters) -> str:
        """Say what would be decided."""
        return f"ask the person responsible to decide: must the {_ADDRESSEES[parameters.duty]} be told?"


def _second_question(ctx: Context, duty: str, first: str, decided: str, reason: str) -> str:
    others = " or ".join(seconds_for(ctx.workspace, first))
    return (
        f"{first} decided {decided} on telling the {_ADDRESSEES[duty]} ({reason}). That goes below the proposal: "
        f"a second person ({others}) agrees by answering {decided} too, or decides otherwise."
    )


_ADDRESSEES = {"regulator": "regulator", "people": "people concerned", "controllers": "affected clients"}


def _question(parameters: AskParameters) -> str:
    if parameters.question is not None or parameters.fact is None:
        return parameters.question or ""
    known = fact_paths().get(parameters.fact)
    return known.question if known else parameters.fact


def _choices(parameters: AskParameters) -> tuple[str, ...]:
    if parameters.choices or parameters.fact is None:
        return parameters.choices
    known = fact_paths().get(parameters.fact)
    return tuple(known.choices) if known else ()


def typed_answer(path: str, value: Data) -> Data:
    """Read what was typed for a fact: a whole number where one is wanted, a list where several words are."""
    known = fact_paths().get(path)
    if known is None or not isinstance(value, str):
        return value
    value = value.strip()
    if known.answer == "number" and value.isdigit():
        return int(value)
    if known.answer in ("choices", "names") and value != "unknown":
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def _typed(value: Data, parameters: AskParameters) -> Data:
    if parameters.fact is not None:
        return typed_answer(parameters.fact, value)
    if parameters.choices and value not in (*parameters.choices, "unknown"):
        raise UsageError(f"Answer {', '.join(parameters.choices)} or unknown; {value!r} is none of them.")
    return value


def _found(facts: dict[str, Data], path: str) -> Data:
    found: Data = facts
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
