"""Check a playbook whole before anything of it runs.

Unknown keys, kinds, ids and names, cycles, wrong types, missing templates, expressions that cannot be read,
destructive steps without evidence: every fault is named with file, line, column and the nearest right word.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from pydantic import BaseModel, ValidationError

from tocsin.errors import ConfigurationError, Place, Problem, UsageError, did_you_mean, nearest
from tocsin.law.facts import fact_paths
from tocsin.model.document import Document, Path
from tocsin.model.vocabulary import PersonRole
from tocsin.model.wording import load_model, problems_of
from tocsin.model.workspace import Workspace
from tocsin.model.yaml_text import parse_yaml
from tocsin.notices.addressees import addressed
from tocsin.notices.sheet import INSURER
from tocsin.notices.templates import ENDING, duty_of, is_piece
from tocsin.runbook.agreement import disagreements, wrong_defaults
from tocsin.runbook.called import call_problems
from tocsin.runbook.evidence_first import comes_before, takes_from_another
from tocsin.runbook.expressions import (
    PLACEHOLDER,
    Expression,
    ExpressionError,
    compile_expression,
    expressions_in,
)
from tocsin.runbook.kinds import StepKind, conditions_of
from tocsin.runbook.language import InputType, Playbook, Step, model_of, placed_steps
from tocsin.runbook.library import Load, load_from
from tocsin.runbook.readiness import unwrapped
from tocsin.runbook.registry import KINDS
from tocsin.runbook.shapes import ANY, LIST, MAP, YES_NO, in_words, shapes_of, wanted_by
from tocsin.situation import FURTHER
from tocsin.workspace import starter

ROOTS: Mapping[str, frozenset[str]] = {
    "incident": frozenset(
        {"id", "title", "cause", "state", "aware", "systems", "affected_clients", "backup_plans", "questions"}
    ),
    "duties": frozenset({"register", "regulator", "people", "controllers", *FURTHER}),
    "facts": frozenset(),
    "inputs": frozenset(),
    "steps": frozenset(),
    "item": frozenset(),
}


@lru_cache(maxsize=256)
def parse_playbook(text: str, name: str) -> Playbook:
    """Return the playbook in `text`. Raises ConfigurationError with every problem found."""
    document = parse_yaml(text, name)
    playbook = load_model(model_of(document.data), document)
    if problems := list(_problems(playbook, document)):
        raise ConfigurationError(problems)
    return playbook


def library_of(workspace: Workspace) -> Load:
    """Return the loader of a workspace's playbooks, each of them checked whole."""
    return load_from(workspace, parse_playbook)


def problems_with_workspace(
    playbook: Playbook, document: Document, workspace: Workspace, told: set[PersonRole] | None = None
) -> Iterator[Problem]:
    """Yield what only the workspace can tell: roles that nobody holds, templates, playbooks not there.

    Roles in `told` are not told of again, and those found are put in: a folder of playbooks asks for the same.
    """
    yield from call_problems(playbook, document, library_of(workspace))
    yield from _roles_nobody_holds(playbook, document, workspace, set() if told is None else told)
    for here, step in placed_steps(playbook.steps):
        if step.uses.startswith("notice."):
            yield from _notice_problems(step, document, (*here, "with"), workspace)


def _roles_nobody_holds(
    playbook: Playbook, document: Document, workspace: Workspace, told: set[PersonRole]
) -> Iterator[Problem]:
    """Yield each role once, where it is asked for first: forty lines that say one thing hide the others."""
    asked: dict[PersonRole, list[tuple[Path, str]]] = {}
    for here, step in placed_steps(playbook.steps):
        for key, role in (("approve", step.approve.by if step.approve else None), ("assign", step.assign)):
            if role is not None and role not in told and not workspace.people_with(role):
                asked.setdefault(role, []).append(((*here, key), step.id))
    told.update(asked)
    for role, places in asked.items():
        (where, step_id), others = places[0], len(places) - 1
        more = f" and {others} more" if others else ""
        yield Problem(
            document.place(where),
            f"Nobody in the workspace has the role {role.value!r}: step {step_id!r}{more} could never go on.",
        )


def _notice_problems(step: Step, document: Document, here: Path, workspace: Workspace) -> Iterator[Problem]:
    """Yield a template that is not there, and an addressee that is nobody or whom the template is not for."""
    template, whom = step.with_.get("template"), step.with_.get("addressee")
    if not isinstance(template, str) or "${{" in template:
        return
    missing = list(_missing_template(template, document.place((*here, "template")), workspace))
    yield from missing
    if not missing and isinstance(whom, str) and "${{" not in whom:
        yield from _wrong_addressee(template, whom, document.place((*here, "addressee")), workspace)


def _missing_template(template: str, place: Place, workspace: Workspace) -> Iterator[Problem]:
    folders = (workspace.root / "templates", starter() / "templates")
    known = {
        str(path.relative_to(folder)).removesuffix(ENDING)
        for folder in folders
        for path in folder.rglob(f"*{ENDING}")
        if not is_piece(path.relative_to(folder))
    }
    if template not in known:
        yield Problem(place, f"There is no template {template!r}.", nearest(template, known))


def _wrong_addressee(template: str, whom: str, place: Place, workspace: Workspace) -> Iterator[Problem]:
    try:
        duty, kind = duty_of(template), addressed(workspace, whom).kind
    except UsageError as nobody:
        # Whether there is a policy to give notice under is known to the workspace alone: the step's `if` asks.
        if whom.partition(":")[0] != INSURER:
            yield Problem(place, str(nobody))
        return
    if duty != kind:
        yield Problem(place, f"The template {template!r} is for {duty}, and {whom!r} is not one.")


def _problems(playbook: Playbook, document: Document) -> Iterator[Problem]:
    ids = list(playbook.by_id)
    yield from wrong_defaults(playbook, document)
    for here, step in placed_steps(playbook.steps):
        yield from _unknown_needs(step, ids, document, here)
        kind = KINDS.get(step.uses)
        if kind is None:
            yield Problem(
                document.place((*here, "uses")), f"There is no step kind {step.uses!r}.", nearest(step.uses, KINDS)
            )
            continue
        yield from _wrong_parameters(step, kind, document, here)
        yield from _wrong_expressions(step, kind, playbook, document, here)
        yield from disagreements(step, kind, playbook, document, here)
        yield from _destructive_without_evidence(step, kind, playbook, document, here)
    yield from _cycles(playbook, document)


def _unknown_needs(step: Step, ids: list[str], document: Document, here: Path) -> Iterator[Problem]:
    for position, need in enumerate(step.needs):
        if need == step.id:
            yield Problem(document.place((*here, "needs", position)), f"Step {step.id!r} needs itself.")
        elif need not in ids:
            yield Problem(
                document.place((*here, "needs", position)),
                f"Step {step.id!r} needs {need!r}, and no step has that id.",
                nearest(need, ids),
            )


def _cycles(playbook: Playbook, document: Document) -> Iterator[Problem]:
    known = playbook.by_id
    met: set[str] = set()
    left = list(known)
    while ready := [key for key in left if all(need in met or need not in known for need in known[key].needs)]:
        met.update(ready)
        left = [key for key in left if key not in met]
    in_cycle = [key for key in left if key not in known[key].needs and _reaches(playbook, key, key)]
    if in_cycle:
        here = next(path for path, step in placed_steps(playbook.steps) if step.id == in_cycle[0])
        yield Problem(
            document.place((*here, "needs")),
            f"These steps wait for each other, so none could ever run: {', '.join(in_cycle)}.",
        )


def _reaches(playbook: Playbook, start: str, goal: str) -> bool:
    return goal in comes_before(playbook, start)


def _wrong_parameters(step: Step, kind: StepKind, document: Document, here: Path) -> Iterator[Problem]:
    """Check `with` against the kind's model; values that are worked out at run time are left for then."""
    literal = {key: value for key, value in step.with_.items() if not any(expressions_in(value))}
    try:
        kind.parameters.model_validate(literal)
    except ValidationError as error:
        later = {document.key_place((*here, "with", key)) for key in step.with_ if key not in literal}
        if later:
            # What concerns several keys together can be judged only once all of them are there.
            later.add(document.place((*here, "with")))
        for problem in _parameter_problems(error, kind.parameters, document, here):
            if problem.place not in later:
                yield problem
    known = {info.alias or name for name, info in kind.parameters.model_fields.items()}
    for key in set(step.with_) - set(literal) - known:
        yield Problem(
            document.key_place((*here, "with", key)),
            f"{kind.name} has no parameter {key!r}.",
            nearest(key, known),
        )


def _parameter_problems(
    error: ValidationError, model: type[BaseModel], document: Document, here: Path
) -> Iterable[Problem]:
    """Word pydantic's findings as if the `with` were a document, then put them at their place in the file."""
    inner: Path = (*here, "with")
    part = Document(
        document.name,
        document.at(inner) or {},
        {path[len(inner) :]: place for path, place in document.values.items() if path[: len(inner)] == inner},
        {path[len(inner) :]: place for path, place in document.keys.items() if path[: len(inner)] == inner},
    )
    where = document.place(inner if document.at(inner) is not None else here)
    for problem in problems_of(error, part, model):
        placed = problem.place if problem.place.line else where
        yield Problem(
            placed,
            _about_with(problem.message),
            problem.nearest,
        )


def _about_with(message: str) -> str:
    if message.endswith("is missing."):
        return f"with.{message}"
    return message.replace("The file: ", "with: ", 1)


def _wrong_expressions(
    step: Step, kind: StepKind, playbook: Playbook, document: Document, here: Path
) -> Iterator[Problem]:
    for path, text in _expressions(step, kind, here):
        try:
            expression = compile_expression(text)
        except ExpressionError as error:
            yield Problem(document.place(path), str(error))
            continue
        unknown = [
            Problem(document.place(path), fault)
            for reference in sorted(expression.references)
            if (fault := _wrong_reference(reference, step, playbook))
        ]
        yield from unknown or _wrong_shapes(expression, step, kind, playbook, document, path)
    if step.if_ is not None and PLACEHOLDER.search(step.if_):
        yield Problem(document.place((*here, "if")), "An `if` is an expression already: leave out ${{ }}.")


def _wrong_shapes(
    expression: Expression, step: Step, kind: StepKind, playbook: Playbook, document: Document, path: Path
) -> Iterator[Problem]:
    """Say what an expression can never come to, as far as its text tells: a list is no condition."""
    found, faults = shapes_of(expression, playbook)
    for fault in faults:
        yield Problem(document.place(path), f"{expression.text!r} can never be worked out: {fault}.")
    if faults:
        return
    key = str(path[-1])
    if "with" not in path:
        # What reads nothing is judged by its value, where it is told that such a step can never run.
        wanted = ANY if not expression.references else YES_NO if key == "if" else LIST
    elif key in conditions_of(kind):
        wanted = YES_NO
    else:
        value = step.with_[key]
        if isinstance(value, str) and PLACEHOLDER.fullmatch(value.strip()):
            wanted = wanted_by(kind.parameters, key)
        else:
            wanted = ANY - MAP if isinstance(value, str) else ANY
    if not found & wanted:
        where = f"with.{key}" if "with" in path else f"`{key}`"
        takes = "takes no map inside its text" if wanted == ANY - MAP else f"takes {in_words(wanted)}"
        yield Problem(document.place(path), f"{where} {takes}, and {expression.text!r} is {in_words(found)}.")


def _expressions(step: Step, kind: StepKind, here: Path) -> Iterator[tuple[Path, str]]:
    if step.if_ is not None and not PLACEHOLDER.search(step.if_):
        yield (*here, "if"), step.if_
    if step.for_each is not None:
        yield (*here, "for_each"), unwrapped(step.for_each)
    for key, value in step.with_.items():
        for text in expressions_in(value):
            yield (*here, "with", key), text
        if key in conditions_of(kind) and isinstance(value, str) and not PLACEHOLDER.search(value):
            yield (*here, "with", key), value


def _wrong_reference(reference: tuple[str, ...], step: Step, playbook: Playbook) -> str | None:
    """Say what is wrong with one path an expression reads, or None."""
    root, *rest = reference
    if root not in ROOTS:
        return f"There is no value {root!r}.{did_you_mean(root, ROOTS)}"
    if root == "item" and step.for_each is None:
        return "`item` is only there in a step with `for_each`."
    if not rest:
        return None
    if ROOTS[root] and rest[0] not in ROOTS[root]:
        return f"There is no {root}.{rest[0]}.{did_you_mean(rest[0], ROOTS[root])}"
    if root == "inputs" and rest[0] not in playbook.inputs:
        return f"The playbook declares no input {rest[0]!r}.{did_you_mean(rest[0], playbook.inputs)}"
    if root == "facts" and not _is_fact(".".join(rest)):
        return f"There is no fact {'.'.join(rest)!r}.{did_you_mean('.'.join(rest), fact_paths())}"
    return _wrong_step(rest[0], step, playbook) if root == "steps" else None


def _wrong_step(name: str, step: Step, playbook: Playbook) -> str | None:
    known = playbook.by_id
    wanted = next((key for key in known if name in (key, key.replace("-", "_"))), None)
    if wanted is None:
        return f"There is no step {name!r}.{did_you_mean(name, known)}"
    if wanted not in comes_before(playbook, step.id):
        return f"Step {step.id!r} reads what {wanted!r} puts out, so it must need it: add `needs: [{wanted}]`."
    return None


def _is_fact(path: str) -> bool:
    return any(known == path or known.startswith(f"{path}.") for known in fact_paths())


def _destructive_without_evidence(
    step: Step, kind: StepKind, playbook: Playbook, document: Document, here: Path
) -> Iterator[Problem]:
    if not kind.destructive or step.without_evidence:
        return
    before = [playbook.by_id[need] for need in sorted(comes_before(playbook, step.id))]
    evidence = [one for one in before if one.uses.startswith("evidence.")]
    if not evidence or takes_from_another(step, evidence):
        other = f" ({evidence[0].id!r} takes it from another)" if evidence else ""
        yield Problem(
            document.place((*here, "uses")),
            f"Step {step.id!r} could destroy evidence: let it need an evidence step for the same target{other}, "
            "or say in `without_evidence:` why there is none.",
        )


def inputs_for(playbook: Playbook, system: str | None) -> dict[str, str]:
    """Return the inputs a playbook takes from an incident: each input of type system gets the one that was hit."""
    if system is None:
        return {}
    return {name: system for name, wanted in playbook.inputs.items() if wanted.type is InputType.SYSTEM}
