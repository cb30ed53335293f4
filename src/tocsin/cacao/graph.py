"""Where the steps of a workflow lead: dangling references, circles, steps never reached, ends.

`Workflow` is read once a document's `workflow` is known to be a map of objects with types of the standard.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tocsin.cacao.findings import Finding, JsonPath, draft, note, quoted, reject
from tocsin.cacao.vocabulary import ACTION, END, IF, PARALLEL, PLAYBOOK_ACTION, START, SWITCH, WHILE
from tocsin.errors import did_you_mean
from tocsin.model.document import Data

MOST_EDGES = 2000
_MOST_NAMED = 8
_LONGEST_ID = 200
_MOST_COMPARED = 50
BLOCKS = (PARALLEL, IF, WHILE, SWITCH)
_AFTER = ("on_completion", "on_success", "on_failure")


@dataclass(frozen=True, slots=True)
class Edge:
    """One reference from a step to another: where it is written, and where it leads."""

    path: JsonPath
    name: str
    to: str


class Workflow:
    """The steps by id, and what each refers to."""

    def __init__(self, document: Mapping[str, Data]) -> None:
        workflow = document["workflow"]
        self.steps: dict[str, dict[str, Data]] = {
            key: step
            for key, step in (workflow if isinstance(workflow, dict) else {}).items()
            if isinstance(step, dict)
        }
        self.start = str(document.get("workflow_start"))
        exception = document.get("workflow_exception")
        self.exception = exception if isinstance(exception, str) else None
        self.edges = {key: tuple(_edges(key, step)) for key, step in self.steps.items()}
        self._bodies: dict[str, set[str]] = {}

    def kind(self, step: str) -> str:
        """Return the type of a step."""
        return str(self.steps[step].get("type"))

    def is_end(self, step: str | None) -> bool:
        """Tell whether a branch ends there."""
        return step is None or step not in self.steps or self.kind(step) == END

    def after(self, step: str) -> tuple[str | None, str | None]:
        """Return what follows a success, and what a failure."""
        found = self.steps[step]
        on_completion, on_success, on_failure = (
            to if to is None or not self.loops_back(step, to) else None
            for to in (_reference(found, name) for name in _AFTER)
        )
        return on_completion or on_success, None if self.kind(step) == START else on_failure

    def branches(self, step: str) -> list[tuple[str, str]]:
        """Return the branches a step opens: the word that chooses each, and its first step."""
        return [
            (edge.name, edge.to)
            for edge in self.edges[step]
            if edge.name not in _AFTER and not self.loops_back(step, edge.to)
        ]

    def loops_back(self, step: str, to: str) -> bool:
        """Tell whether a step of a loop's body leads back to the loop; the standard lets the body end instead."""
        return to in self.steps and self.kind(to) == WHILE and to != step and (step in self._body(to))

    def _body(self, loop: str) -> set[str]:
        if loop in self._bodies:
            return self._bodies[loop]
        ahead = [edge.to for edge in self.edges[loop] if edge.name == "on_true"]
        found: set[str] = set()
        while ahead:
            step = ahead.pop()
            if step != loop and step in self.steps and step not in found:
                found.add(step)
                ahead += [edge.to for edge in self.edges[step]]
        self._bodies[loop] = found
        return found

    def reached(self) -> set[str]:
        """Return every step that can be come to."""
        ahead = [self.start, *filter(None, [self.exception])]
        found: set[str] = set()
        while ahead:
            step = ahead.pop()
            if step in self.steps and step not in found:
                found.add(step)
                ahead += [edge.to for edge in self.edges[step]]
        return found


def followed(flow: Workflow) -> Iterator[Finding]:
    """Yield what is wrong with where steps lead."""
    if (many := sum(map(len, flow.edges.values()))) > MOST_EDGES:
        yield reject(
            ("workflow",), f"{many} ways between steps are too many to be followed: at most {MOST_EDGES}."
        )
        return
    reached = flow.reached()
    if flow.start in flow.steps and flow.kind(flow.start) != START:
        yield note(
            ("workflow_start",), f"The workflow begins with a step of type {flow.kind(flow.start)}, not start."
        )
    for step in flow.steps:
        if step not in reached:
            yield draft(
                ("workflow", step), "Nothing leads to this step: it is kept, and is no step of the playbook."
            )
    yield from _ends(flow, reached)
    dangling = list(_dangling(flow))
    yield from dangling
    if dangling:
        return
    if circle := _circle(flow):
        names = " → ".join(quoted(step) for step in circle[:_MOST_NAMED])
        said = f"These steps lead back to themselves, and no while step says until when: {names}."
        yield reject(("workflow", circle[0]), said)
    elif not any(flow.kind(step) in (ACTION, PLAYBOOK_ACTION) for step in reached):
        yield reject(("workflow",), "There is nothing to do in it: no action is reached from the start.")


def _dangling(flow: Workflow) -> Iterator[Finding]:
    for name, step in (("workflow_start", flow.start), ("workflow_exception", flow.exception)):
        if step is not None and step not in flow.steps:
            yield reject((name,), f"There is no step '{quoted(step)}' in the workflow.{_near(step, flow)}")
    for edges in flow.edges.values():
        for edge in edges:
            if edge.to not in flow.steps:
                yield reject(
                    edge.path, f"There is no step '{quoted(edge.to)}' in the workflow.{_near(edge.to, flow)}"
                )


def _near(step: str, flow: Workflow) -> str:
    """Name the step that differs in a digit or two: ids are copied by hand."""
    known = [key for key in flow.steps if len(key) <= _LONGEST_ID]
    near = did_you_mean(step[:_LONGEST_ID], known[:_MOST_COMPARED])
    return near if "Did you mean" in near else ""


def _circle(flow: Workflow) -> list[str] | None:
    """Return the steps of a circle that is no loop's own, or None."""
    state: dict[str, int] = {}
    for first in flow.steps:
        if first in state:
            continue
        way = [(first, iter(_ahead(flow, first)))]
        state[first] = 1
        while way:
            step, rest = way[-1]
            following = next(rest, None)
            if following is None:
                state[step] = 2
                way.pop()
            elif state.get(following) == 1:
                names = [one for one, _ in way]
                return [*names[names.index(following) :], following]
            elif following not in state:
                state[following] = 1
                way.append((following, iter(_ahead(flow, following))))
    return None


def _ahead(flow: Workflow, step: str) -> list[str]:
    if flow.kind(step) == END:
        return []
    return [edge.to for edge in flow.edges[step] if not flow.loops_back(step, edge.to)]


def _ends(flow: Workflow, reached: set[str]) -> Iterator[Finding]:
    led: dict[str, int] = {}
    for step in reached:
        for edge in flow.edges[step]:
            if flow.is_end(edge.to):
                led[edge.to] = led.get(edge.to, 0) + 1
    for step in flow.steps:
        if led.get(step, 0) > 1:
            yield note(("workflow", step), "Several branches share this end; each should have its own.")


def _edges(  # noqa: C901 - each type of step has references of its own
    key: str, step: Mapping[str, Data]
) -> Iterator[Edge]:
    here: JsonPath = ("workflow", key)
    kind = step.get("type")
    if kind == END:
        return
    for name in _AFTER if kind != START else _AFTER[:1]:
        if to := _reference(step, name):
            yield Edge((*here, name), name, to)
    for name in {IF: ("on_true", "on_false"), WHILE: ("on_true",)}.get(str(kind), ()):
        if to := _reference(step, name):
            yield Edge((*here, name), name, to)
    if kind == PARALLEL and isinstance(following := step.get("next_steps"), list):
        for index, one in enumerate(following):
            if isinstance(one, str):
                yield Edge((*here, "next_steps", index), str(index), one)
    if kind == SWITCH and isinstance(cases := step.get("cases"), dict):
        for case, one in cases.items():
            if isinstance(one, str):
                yield Edge((*here, "cases", case), f"case {case}", one)


def _reference(step: Mapping[str, Data], name: str) -> str | None:
    found = step.get(name)
    return found if isinstance(found, str) else None
