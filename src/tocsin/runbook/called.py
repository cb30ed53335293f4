"""The playbooks that a playbook calls by `uses: playbook`: found, checked whole, and pinned with it.

A run keeps the text of every playbook it may call, near or far, as each was when it began.
"""

from collections.abc import Iterator

from tocsin.errors import ConfigurationError, Problem, UsageError, nearest
from tocsin.model.document import Data, Document, Path
from tocsin.model.yaml_text import parse_yaml
from tocsin.runbook.expressions import PLACEHOLDER, ExpressionError, compile_expression, expressions_in
from tocsin.runbook.language import InputType, Playbook, Step, placed_steps
from tocsin.runbook.library import Load
from tocsin.runbook.readiness import FOR_RUN
from tocsin.runbook.shapes import ANY, in_words, shapes_of, wanted_by_input
from tocsin.runbook.starting import wrong_input

DEEPEST = 5


def parts_of(playbook: Playbook, text: str, name: str, load: Load) -> dict[str, str]:
    """Return the text of every playbook that this one calls, by name.

    Raises ConfigurationError for one that is not there or faulty, that is called in a circle or too deep, and for
    inputs it does not take.
    """
    parts: dict[str, str] = {}
    if problems := list(_gather(playbook, parse_yaml(text, name), load, parts, (playbook.playbook,))):
        raise ConfigurationError(problems)
    return parts


def call_problems(playbook: Playbook, document: Document, load: Load) -> Iterator[Problem]:
    """Yield what is wrong with the calls of a playbook, near or far."""
    return _gather(playbook, document, load, {}, (playbook.playbook,))


def _gather(
    playbook: Playbook, document: Document, load: Load, parts: dict[str, str], above: tuple[str, ...]
) -> Iterator[Problem]:
    for here, step in placed_steps(playbook.steps):
        wanted = step.with_.get("name")
        if step.uses != FOR_RUN or not isinstance(wanted, str):
            continue
        place = document.place((*here, "with", "name"))
        if any(expressions_in(wanted)):
            yield Problem(
                place, "The name of a playbook is written out, so that its text can be checked and kept."
            )
            continue
        if wanted in above:
            yield Problem(place, f"These playbooks call each other in a circle: {' → '.join((*above, wanted))}.")
            continue
        if len(above) > DEEPEST:
            yield Problem(place, f"Playbooks call each other more than {DEEPEST} deep: {' → '.join(above)}.")
            continue
        try:
            found = load(wanted)
        except UsageError as missing:
            yield Problem(place, str(missing))
            continue
        except ConfigurationError as faulty:
            yield from faulty.problems
            continue
        parts[wanted] = found.text
        yield from _wrong_inputs(step, found.playbook, playbook, document, here)
        inner = parse_yaml(found.text, found.name)
        yield from _gather(found.playbook, inner, load, parts, (*above, wanted))


def _wrong_inputs(
    step: Step, called: Playbook, caller: Playbook, document: Document, here: Path
) -> Iterator[Problem]:
    given = step.with_.get("inputs") or {}
    if not isinstance(given, dict):
        return
    inside: Path = (*here, "with", "inputs")
    for name, value in given.items():
        if name not in called.inputs:
            yield Problem(
                document.key_place((*inside, name)),
                f"Playbook {called.playbook!r} has no input {name!r}.",
                nearest(name, called.inputs),
            )
        elif fault := _wrong_value(value, called.inputs[name].type, caller):
            yield Problem(document.place((*inside, name)), f"The input {name!r} {fault}.")
    for name, wanted in called.inputs.items():
        if wanted.required and name not in given:
            yield Problem(
                document.place((*here, "with")),
                f"Playbook {called.playbook!r} needs the input {name!r} ({wanted.type.value}).",
            )


def _wrong_value(value: Data, wanted: InputType, caller: Playbook) -> str | None:
    """Say what keeps a value, or an expression that stands alone, from being an input of this type, or None."""
    if not any(expressions_in(value)):
        return wrong_input(wanted, value)
    whole = PLACEHOLDER.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        found, _ = shapes_of(compile_expression(whole[1]), caller) if whole else (ANY, ())
    except ExpressionError:
        return None  # told where expressions are checked
    takes = wanted_by_input(wanted)
    if found & takes or whole is None:
        return None
    return f"takes {in_words(takes)}, and {whole[1].strip()!r} is {in_words(found)}"
