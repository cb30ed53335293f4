"""The recovery plans of a workspace: read from `drills/`, checked whole, and put in the order they must run.

A plan goes after those it `needs`, and after those of the systems that its own systems depend on (`depends_on` in
the inventory): the database comes before the application.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from tocsin.errors import ConfigurationError, Problem, UsageError, did_you_mean, nearest
from tocsin.model.document import Data, Document
from tocsin.model.workspace import Workspace
from tocsin.model.yaml_text import parse_yaml
from tocsin.runbook.checks import parse_playbook, problems_with_workspace
from tocsin.runbook.language import RecoveryPlan, Step, placed_steps
from tocsin.runbook.library import Found, Load
from tocsin.workspace.loading import DRILLS, is_recovery_plan, read_document

WHOLE = "-and-what-it-needs"


@dataclass(frozen=True, slots=True)
class PlanFile:
    """One recovery plan, checked, with its text and the name of its file as a person knows it."""

    plan: RecoveryPlan
    text: str
    name: str


@dataclass(frozen=True, slots=True)
class Plans:
    """A workspace's recovery plans by id, and what is wrong with the files that are none."""

    by_id: Mapping[str, PlanFile] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def named(self, plan_id: str) -> PlanFile:
        """Return one plan. Raises UsageError naming the nearest, ConfigurationError when its file is faulty."""
        if plan_id in self.by_id:
            return self.by_id[plan_id]
        if self.problems:
            raise ConfigurationError(self.problems)
        known = did_you_mean(plan_id, self.by_id) or " The workspace has none: add one to drills/."
        raise UsageError(f"There is no recovery plan {plan_id!r}.{known}")


def recovery_plans(workspace: Workspace) -> Plans:
    """Read every recovery plan of a workspace; a faulty one is told, and does not hide the others."""
    found: dict[str, PlanFile] = {}
    problems: list[Problem] = []
    for path in sorted((workspace.root / DRILLS).glob("[!.]*.y*ml")):
        try:
            document = read_document(path)
            if not is_recovery_plan(document):
                continue
            name = f"{DRILLS}/{path.name}"
            text = path.read_text(encoding="utf-8")
            plan = parse_playbook(text, name)
        except ConfigurationError as wrong:
            # A file that cannot even be read as YAML is told where drills are loaded.
            problems += [
                problem for problem in wrong.problems if "recovery_plan" in path.read_text(errors="replace")
            ]
            continue
        if plan.playbook in found:
            place = parse_yaml(text, name).place(("recovery_plan",))
            problems.append(
                Problem(
                    place, f"The recovery plan {plan.playbook!r} was already given in {found[plan.playbook].name}."
                )
            )
        elif isinstance(plan, RecoveryPlan):
            found[plan.playbook] = PlanFile(plan, text, name)
    return Plans(found, tuple(problems))


def check_recovery_plans(workspace: Workspace) -> tuple[tuple[RecoveryPlan, ...], tuple[Problem, ...]]:
    """Return the plans that are well, and every problem: of the files, of what they name, of their order."""
    plans = recovery_plans(workspace)
    problems = list(plans.problems)
    well = []
    for file in plans.by_id.values():
        found = list(_problems(file, plans, workspace))
        problems += found
        if not found:
            well.append(file.plan)
    problems += _circles(plans, workspace)
    return tuple(well), tuple(problems)


def in_order(plans: Plans, plan_id: str, workspace: Workspace) -> tuple[PlanFile, ...]:
    """Return a plan after everything that goes before it. Raises UsageError or ConfigurationError."""
    if circles := list(_circles(plans, workspace)):
        raise ConfigurationError(circles)
    order: dict[str, PlanFile] = {}

    def visit(each: str) -> None:
        if each not in order:
            file = plans.named(each)
            for need in before(file.plan, plans, workspace):
                visit(need)
            order[each] = file

    visit(plan_id)
    return tuple(order.values())


def before(plan: RecoveryPlan, plans: Plans, workspace: Workspace) -> tuple[str, ...]:
    """Return the plans that go before one: those it needs, and those of what its systems depend on."""
    implied = [
        other.plan.playbook
        for system in plan.systems
        for needed in _depends_on(workspace, system)
        if needed not in plan.systems
        for other in plans.by_id.values()
        if needed in other.plan.systems and other.plan.playbook != plan.playbook
    ]
    return tuple(dict.fromkeys((*plan.needs, *implied)))


def composed(files: Sequence[PlanFile], inputs: Mapping[str, Data], workspace: Workspace, plans: Plans) -> str:
    """Return the text of one plan that runs several in order, each as a run of its own."""
    last = files[-1].plan
    ids = {file.plan.playbook for file in files}
    steps = []
    for file in files:
        plan = file.plan
        given = {name: value for name, value in inputs.items() if name in plan.inputs}
        step: dict[str, object] = {"id": plan.playbook, "uses": "playbook", "title": plan.title}
        step["with"] = {"name": plan.playbook, **({"inputs": given} if given else {})}
        if needs := [need for need in before(plan, plans, workspace) if need in ids]:
            step["needs"] = needs
        steps.append(step)
    document = {
        "recovery_plan": f"{last.playbook[: 48 - len(WHOLE)]}{WHOLE}",
        "title": f"{last.title}, after what it needs",
        "steps": steps,
    }
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


def loads(files: Iterable[PlanFile]) -> Load:
    """Return the loader by which a composed plan finds its parts."""
    known = {file.plan.playbook: file for file in files}

    def load(name: str) -> Found:
        if name not in known:
            raise UsageError(f"There is no recovery plan {name!r}.{did_you_mean(name, known)}")
        return Found(known[name].plan, known[name].text, known[name].name)

    return load


def _problems(file: PlanFile, plans: Plans, workspace: Workspace) -> Iterator[Problem]:
    document = parse_yaml(file.text, file.name)
    yield from problems_with_workspace(file.plan, document, workspace)
    for position, system in enumerate(file.plan.systems):
        if system not in workspace.systems:
            place = document.place(("systems", position))
            yield Problem(place, f"There is no system {system!r}.", nearest(system, workspace.systems))
    for position, need in enumerate(file.plan.needs):
        if need not in plans.by_id:
            place = document.place(("needs", position))
            yield Problem(place, f"There is no recovery plan {need!r}.", nearest(need, plans.by_id))
    if not workspace.people_with(file.plan.approve.by):
        yield Problem(
            document.place(("approve",)) if document.at(("approve",)) else document.place(()),
            f"Nobody in the workspace has the role {file.plan.approve.by.value!r}: this plan could never go live.",
        )
    yield from _unknown_names(file, document, workspace)
    yield from _wrong_order_inside(file, document, workspace)


def _unknown_names(file: PlanFile, document: Document, workspace: Workspace) -> Iterator[Problem]:
    known: dict[str, tuple[Collection[str], str]] = {
        "backup_plan": (workspace.backup_plans, "backup plan"),
        "repository": (workspace.repositories, "repository"),
        "system": (workspace.systems, "system"),
    }
    for here, step in placed_steps(file.plan.steps):
        for key, (names, word) in known.items():
            value = step.with_.get(key)
            if isinstance(value, str) and "${{" not in value and value not in names:
                yield Problem(
                    document.place((*here, "with", key)), f"There is no {word} {value!r}.", nearest(value, names)
                )


def _wrong_order_inside(file: PlanFile, document: Document, workspace: Workspace) -> Iterator[Problem]:
    """Yield where a step brings a system back that does not wait for what that system depends on."""
    bringing: dict[str, list[Step]] = {}
    for step in file.plan.by_id.values():
        if isinstance(system := step.with_.get("system"), str):
            bringing.setdefault(system, []).append(step)
    for here, step in placed_steps(file.plan.steps):
        system = step.with_.get("system")
        for needed in _depends_on(workspace, system) if isinstance(system, str) else ():
            for first in bringing.get(needed, ()):
                if first.id not in _all_needs(file.plan, step.id):
                    yield Problem(
                        document.place((*here, "id")),
                        f"Step {step.id!r} brings back {system}, which depends on {needed}, and does not wait for "
                        f"{first.id!r}: add `needs: [{first.id}]`.",
                    )


def _circles(plans: Plans, workspace: Workspace) -> Iterator[Problem]:
    told: set[frozenset[str]] = set()
    for start in plans.by_id:
        circle = _circle_from(start, plans, workspace)
        if circle and frozenset(circle) not in told:
            told.add(frozenset(circle))
            written = [one for one, other in _links(circle) if other in plans.by_id[one].plan.needs]
            file = plans.by_id[(written or circle)[0]]
            place = parse_yaml(file.text, file.name).key_place(("needs",) if written else ("recovery_plan",))
            why = _why(circle, plans, workspace)
            yield Problem(place, f"These recovery plans wait for each other, so none could ever run: {why}.")


def _circle_from(start: str, plans: Plans, workspace: Workspace) -> tuple[str, ...]:
    def walk(path: tuple[str, ...]) -> tuple[str, ...]:
        for need in before(plans.by_id[path[-1]].plan, plans, workspace):
            if need == start:
                return path
            if need in plans.by_id and need not in path and (found := walk((*path, need))):
                return found
        return ()

    return walk((start,))


def _links(circle: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(circle, (*circle[1:], circle[0]), strict=True))


def _why(circle: Sequence[str], plans: Plans, workspace: Workspace) -> str:
    """Say each link of a circle: what is written, or what follows from the inventory."""
    said = []
    for one, other in _links(circle):
        plan = plans.by_id[one].plan
        if other in plan.needs:
            said.append(f"{one} needs {other}")
            continue
        theirs = plans.by_id[other].plan.systems
        pair = next((mine, its) for mine in plan.systems for its in _depends_on(workspace, mine) if its in theirs)
        said.append(f"{one} comes after {other} because {pair[0]} depends on {pair[1]}")
    return "; ".join(said)


def _depends_on(workspace: Workspace, system: str) -> tuple[str, ...]:
    """Return every system that this one depends on, near or far."""
    found: dict[str, None] = {}
    left = [system]
    while left:
        for needed in workspace.systems[each].depends_on if (each := left.pop()) in workspace.systems else ():
            if needed not in found:
                found[needed] = None
                left.append(needed)
    return tuple(found)


def _all_needs(plan: RecoveryPlan, start: str) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        fresh = [need for need in plan.by_id[left.pop()].needs if need not in found and need in plan.by_id]
        found.update(fresh)
        left += fresh
    return found
