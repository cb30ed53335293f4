"""Whether what a step says fits what its kind can do, and what the steps around it say: timers, undo, deputies.

Part of checking a playbook whole; `checks` calls it for each step.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations

from tocsin.errors import Problem, nearest
from tocsin.model.document import Document, Path
from tocsin.model.fields import spell_duration
from tocsin.runbook.expressions import ExpressionError, compile_expression
from tocsin.runbook.kinds import StepKind, UndoableKind, keeps_time, waits
from tocsin.runbook.language import Playbook, Step
from tocsin.runbook.readiness import unwrapped
from tocsin.runbook.starting import wrong_input


def disagreements(
    step: Step, kind: StepKind, playbook: Playbook, document: Document, here: Path
) -> Iterator[Problem]:
    """Yield what a step says that can never work."""
    yield from _timers(step, kind, document, here)
    yield from _never_taken(step, document, here)
    yield from _handlers(step, playbook, document, here)
    for first, second in combinations(range(len(step.needs)), 2):
        if step.needs[first] == step.needs[second]:
            place = document.place((*here, "needs", second))
            yield Problem(place, f"Step {step.id!r} needs {step.needs[second]!r} twice.")


def wrong_defaults(playbook: Playbook, document: Document) -> Iterator[Problem]:
    """Yield the inputs whose default cannot be one, or is never used."""
    for name, wanted in playbook.inputs.items():
        here: Path = ("inputs", name, "default")
        if wanted.default is None:
            continue
        if fault := wrong_input(wanted.type, wanted.default):
            yield Problem(document.place(here), f"The default of input {name!r} {fault}.")
        elif wanted.required:
            yield Problem(
                document.place(here),
                f"Input {name!r} is required, so its default is never used. Leave out one of the two.",
            )


def _timers(step: Step, kind: StepKind, document: Document, here: Path) -> Iterator[Problem]:
    if step.retry is not None and not kind.idempotent:
        yield Problem(
            document.key_place((*here, "retry")),
            f"{kind.name} may not be run twice, so it is never tried again by itself. Leave out `retry`: a person "
            "decides after a failure.",
        )
    if step.timeout is not None and not (waits(kind) or keeps_time(kind)):
        yield Problem(
            document.key_place((*here, "timeout")),
            f"{kind.name} neither waits nor can be stopped in the middle, so a timeout would do nothing.",
        )
    if step.expires is not None and not isinstance(kind, UndoableKind):
        yield Problem(
            document.key_place((*here, "expires")),
            f"{kind.name} cannot be undone, so it cannot expire. Add a human.task that says what to do by then.",
        )
    if step.deputy is not None and not (waits(kind) or isinstance(kind, UndoableKind)):
        yield Problem(
            document.key_place((*here, "deputy")),
            f"{kind.name} asks nobody, so there is nothing a deputy could answer.",
        )
    if step.deputy is not None and step.deputy == step.assign:
        yield Problem(
            document.place((*here, "deputy")),
            f"Step {step.id!r} has the role {step.deputy.value!r} stand in for itself. Name another role.",
        )
    if step.deputy is not None and step.timeout is not None and step.timeout < step.deputy_after:
        yield Problem(
            document.place((*here, "timeout")),
            f"The timeout of step {step.id!r} is over before its deputy is asked, after "
            f"{spell_duration(step.deputy_after)}. Make it longer, or write `deputy: {{role: "
            f"{step.deputy.value}, after: …}}`.",
        )


def _never_taken(step: Step, document: Document, here: Path) -> Iterator[Problem]:
    """Yield conditions that read nothing and are not true, and lists that are empty: such a step is never run."""
    for key, text in (("if", step.if_), ("for_each", step.for_each)):
        if text is None:
            continue
        try:
            expression = compile_expression(unwrapped(text))
            if expression.references:
                continue
            value = expression.value({})
        except ExpressionError:
            continue  # told where expressions are checked
        if key == "if" and value is not True:
            yield Problem(document.place((*here, key)), f"Step {step.id!r} can never run: its `if` is never true.")
        if key == "for_each" and not (isinstance(value, list) and value):
            wrong = "is empty" if isinstance(value, list) else "is not a list"
            yield Problem(document.place((*here, key)), f"Step {step.id!r} can never run: its `for_each` {wrong}.")


def _handlers(step: Step, playbook: Playbook, document: Document, here: Path) -> Iterator[Problem]:
    parents: Mapping[str, str] = playbook.handled
    mine = parents.get(step.id)
    for position, need in enumerate(step.needs):
        if need in playbook.by_id and parents.get(need) != mine:
            theirs = parents.get(need)
            siblings = [other for other, parent in parents.items() if parent == mine and other != step.id]
            said = (
                f"Step {need!r} is taken only when {theirs!r} fails; {step.id!r} must need {theirs!r} instead."
                if theirs is not None and mine is None
                else f"A step of `on_failure` may need only its neighbours there, and {need!r} is none."
            )
            yield Problem(
                document.place((*here, "needs", position)), said, nearest(need, siblings) if mine else None
            )
