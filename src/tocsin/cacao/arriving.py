"""Turn a foreign workflow into steps of ours.

1. Steps are taken in an order in which each comes after all that lead to it.
2. What a step needs are the steps its arrivals come from; after a block (parallel, if, while, switch) those are
   the last steps of its branches.
3. A branch is chosen by a person's answer, so a step in one has an `if` over that answer. Only the inmost answer
   is asked for: where the question itself was skipped there is none, and the step is skipped with it.
4. A step that has a path of its own for failure is asked about: did it succeed? Nobody's silence is taken for yes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain

from tocsin.cacao.agents import KINDS, Agents, CannotBeMapped, Scope, parameters_for
from tocsin.cacao.describing import called_text, condition_text, task_text
from tocsin.cacao.findings import Finding, draft, note, quoted
from tocsin.cacao.foreign import foreign_agents
from tocsin.cacao.graph import BLOCKS, Workflow
from tocsin.cacao.making import Atom, Condition, Made, Making, assigned
from tocsin.cacao.variables import Variables
from tocsin.cacao.vocabulary import ACTION, END, IF, PARALLEL, PLAYBOOK_ACTION, START, WHILE
from tocsin.model.document import Data
from tocsin.model.fields import spell_duration
from tocsin.model.vocabulary import PersonRole

SUCCEEDED, FAILED = "succeeded", "failed"
NONE_OF_THEM = "none of these"
_ANSWER, _STATE = "output.answer", "state"
_YES_NO = ["yes", "no"]
_LONGEST_CONDITION = 900
_LONGEST_TITLE = 120
_LONGEST_CHOICE = 60
_MOST_MILLISECONDS = 10**9


@dataclass
class _Arrivals:
    after: set[str] = field(default_factory=set)
    conditions: list[Condition] = field(default_factory=list)

    def condition(self) -> Condition:
        """Return when the step is come to: by any of the ways."""
        known = [one for one in self.conditions if one is not None]
        return None if len(known) < len(self.conditions) or not known else frozenset(chain.from_iterable(known))


class Arriving:
    """One workflow on its way to becoming steps."""

    def __init__(self, flow: Workflow, variables: Variables, agents: Agents, called: Mapping[str, str]) -> None:
        self.flow = flow
        self.variables = variables
        self.agents = agents
        self.called = called
        self.findings: list[Finding] = []
        self.making = Making()
        self._arrivals: dict[str, _Arrivals] = {}

    def steps(self) -> list[dict[str, Data]]:
        """Return the steps as they stand in a playbook file; `findings` says what must be completed."""
        self._begin()
        for step in self._in_order():
            self._take(step, self._arrivals.get(step, _Arrivals()))
        self.findings += foreign_agents(self.flow, self.agents)
        return self.making.written()

    def origins(self) -> dict[str, str]:
        """Return for each step of ours that stands for one of theirs the foreign id."""
        return {ours: token for ours, token in self.making.ids().items() if token in self.flow.steps}

    def _begin(self) -> None:
        self._arrive(self.flow.start, set(), None)
        exception = self.flow.exception
        if exception is None or self.flow.is_end(exception):
            return
        question = (
            "Answer yes when something goes wrong that has no path of its own in the playbook: the steps for that "
            "case follow. Answer no when all is over."
        )
        title = "Did something go wrong that the playbook does not answer?"
        self.making.ask(Made("exception", "", title, {}, set(), None), question, _YES_NO)
        self._arrive(exception, {"exception"}, frozenset({("exception", _ANSWER, "yes")}))
        said = "What is done when a step fails unforeseen: a person is asked whether one did."
        self.findings.append(draft(("workflow_exception",), said))

    def _arrive(self, step: str | None, after: set[str], condition: Condition) -> None:
        if step is not None and not self.flow.is_end(step):
            arrivals = self._arrivals.setdefault(step, _Arrivals())
            arrivals.after |= after
            arrivals.conditions.append(condition)

    def _take(self, step: str, arrivals: _Arrivals) -> None:
        kind, after, condition = self.flow.kind(step), set(arrivals.after), arrivals.condition()
        if kind == END:
            return
        if condition is not None and len(self.making.spelled(condition)) > _LONGEST_CONDITION:
            after, condition = self._gate(step, after)
        if kind != START:
            after = self._delayed(step, after, condition)
        if kind in BLOCKS:
            self._block(step, kind, after, condition)
        else:
            self._single(step, kind, after, condition)

    def _gate(self, step: str, after: set[str]) -> tuple[set[str], frozenset[Atom]]:
        """Ask whether a step is come to that too many ways lead to for one expression."""
        token = f"gate {step}"
        made = Made(token, "", f"Is '{self._title(step)}' come to?", {}, after, None)
        self.making.ask(made, "Many ways lead to it. Is one of them taken?", _YES_NO)
        said = "Too many ways lead here for one condition: a person is asked whether one was taken."
        self.findings.append(draft(("workflow", step), said))
        return {token}, frozenset({(token, _ANSWER, "yes")})

    def _delayed(self, step: str, after: set[str], condition: Condition) -> set[str]:
        if (delay := _milliseconds(self.flow.steps[step].get("delay"))) is None:
            return after
        token = f"delay {step}"
        title = f"Wait before '{self._title(step)}'"
        self.making.add(Made(token, "wait", title, {"for": delay}, after, condition))
        return {token}

    # --- Steps that do something -------------------------------------------------------------------------------

    def _single(self, step: str, kind: str, after: set[str], condition: Condition) -> None:
        success, failure = self.flow.after(step)
        if kind == START:
            self.making.pass_over(step, after)
            self._arrive(success, {step}, condition)
            return
        splits = self._splits(step)
        where = self._do(step, after, condition, asks=splits)
        if not splits:
            self._arrive(success, {step}, condition)
            return
        self._arrive(success, {step}, frozenset({(step, where, SUCCEEDED if where == _ANSWER else "done")}))
        self._arrive(failure, {step}, frozenset({(step, where, FAILED)}))

    def _splits(self, step: str) -> bool:
        """Tell whether a step has a path of its own for failure."""
        success, failure = self.flow.after(step)
        return failure is not None and not self.flow.is_end(failure) and failure != success

    def _do(self, step: str, after: set[str], condition: Condition, *, asks: bool) -> str:
        """Make the steps of an action; return where its outcome is read, should it be asked for."""
        found, title = self.flow.steps[step], self._title(step)
        is_call = self.flow.kind(step) == PLAYBOOK_ACTION
        if is_call and (name := self.called.get(str(found.get("playbook_id")))):
            extra: dict[str, Data] = {"on_failure": "continue"} if asks else {}
            self.making.add(Made(step, "playbook", title, {"name": name}, after, condition, extra))
            return _STATE
        if self._mapped(step, after, condition, asks=asks):
            return _STATE
        text = called_text(found, self.variables) if is_call else task_text(found, self.agents, self.variables)
        if is_call:
            said = "It calls a playbook that is not known here: a person is told to carry it out."
            self.findings.append(draft(("workflow", step, "playbook_id"), said))
        role = self.agents.mapped_to(found.get("agent"))
        made = Made(step, "human.task", title, {"text": text}, after, condition)
        made.extra = assigned(role if role in tuple(PersonRole) else None)
        if asks:
            self.making.ask(made, f"{text}\n\nDid it succeed?", [SUCCEEDED, FAILED])
        else:
            self.making.add(made)
        if found.get("timeout"):
            said = "The time was meant for a machine; a person who does it has no such limit."
            self.findings.append(note(("workflow", step, "timeout"), said))
        return _ANSWER

    def _mapped(self, step: str, after: set[str], condition: Condition, *, asks: bool) -> bool:
        """Make the steps of an action whose agent a person has mapped to a kind that acts; tell if it could."""
        found = self.flow.steps[step]
        kind = self.agents.mapped_to(found.get("agent"))
        listed = found.get("commands")
        commands = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        if self.flow.kind(step) != ACTION or kind not in KINDS or not commands:
            return False
        named = found.get("targets")
        targets: list[Data] = named if isinstance(named, list) and named else [found.get("agent")]
        try:
            if asks and len(commands) * len(targets) > 1:
                raise CannotBeMapped("several commands share one path for failure")  # noqa: TRY301 - one way to say why
            withs = [self._parameters(kind, command, target, found) for command in commands for target in targets]
        except CannotBeMapped as reason:
            self.findings.append(draft(("workflow", step), f"It stays a task for a person: {reason}."))
            return False
        extra: dict[str, Data] = {"approve": {"by": PersonRole.TECHNICAL.value}}
        extra |= {"on_failure": "continue"} if asks else {}
        if limit := _milliseconds(found.get("timeout")):
            extra["timeout"] = limit
        for number, parameters in enumerate(withs, 1):
            token = step if number == len(withs) else f"part {number} of {step}"
            self.making.add(Made(token, kind, self._title(step), parameters, after, condition, extra))
            after = {token}
        return True

    def _parameters(
        self, kind: str, command: dict[str, Data], target: Data, step: dict[str, Data]
    ) -> dict[str, Data]:
        found = self.agents.definition(target)
        reference = (found or {}).get("authentication_info")
        known = self.agents.document.get("authentication_info_definitions")
        info = known.get(reference) if isinstance(known, dict) and isinstance(reference, str) else None
        scope = Scope(self.variables, step, info if isinstance(info, dict) else None)
        return parameters_for(kind, command, found, scope)

    # --- Steps that open branches ------------------------------------------------------------------------------

    def _block(self, step: str, kind: str, after: set[str], condition: Condition) -> None:
        success, failure = self.flow.after(step)
        if kind == PARALLEL:
            self.making.pass_over(step, after)
            for _, first in self.flow.branches(step):
                self._arrive(first, {step}, condition)
        else:
            self._choice(step, kind, after, condition)
        tails = self._tails(step, {one for one in (success, failure) if one is not None})
        if not self._splits(step):
            self._arrive(success, {step, *tails}, condition)
            return
        token = _outcome(step)
        title = f"Did everything in '{self._title(step)}' succeed?"
        made = Made(token, "", title, {}, {step, *tails}, condition)
        self.making.ask(made, f"{title} Look at each of its branches.", [SUCCEEDED, FAILED])
        self._arrive(success, {token}, frozenset({(token, _ANSWER, SUCCEEDED)}))
        self._arrive(failure, {token}, frozenset({(token, _ANSWER, FAILED)}))

    def _choice(self, step: str, kind: str, after: set[str], condition: Condition) -> None:
        found = self.flow.steps[step]
        branches = self.flow.branches(step)
        is_yes_no = kind in (IF, WHILE)
        words = {"on_true": "yes", "on_false": "no"} if is_yes_no else _choices([name for name, _ in branches])
        choices = _YES_NO if is_yes_no else list(dict.fromkeys([*words.values(), NONE_OF_THEM]))
        question = condition_text(found, kind, self.variables)
        self.making.ask(Made(step, "", self._title(step), {}, after, condition), question, choices)
        for name, first in branches:
            self._arrive(first, {step}, frozenset({(step, _ANSWER, words[name])}))
        if not isinstance(found.get("condition" if is_yes_no else "switch"), str):
            self.findings.append(draft(("workflow", step), "What decides it is not said: complete the question."))
        elif kind == WHILE:
            said = "A loop: its steps stand here once. Whoever answers repeats them by hand."
            self.findings.append(draft(("workflow", step), said))
        else:
            said = "A person is asked what decides it; no program works it out."
            self.findings.append(note(("workflow", step), said))

    def _tails(self, block: str, stops: set[str]) -> set[str]:
        """Return the last steps of a block's branches; the block itself for a branch with nothing in it."""
        stops = {*stops, block}
        tails: set[str] = set()
        seen: set[str] = set()
        ahead: list[tuple[str, str | None]] = [(block, first) for _, first in self.flow.branches(block)]
        while ahead:
            before, step = ahead.pop()
            if step is None or self.flow.is_end(step) or step in stops:
                tails.add(before)
            elif step not in seen:
                seen.add(step)
                ahead += self._onward(step, stops)
        return tails

    def _onward(self, step: str, stops: set[str]) -> list[tuple[str, str | None]]:
        """Return what comes after a step, each with the token it comes from."""
        success, failure = self.flow.after(step)
        is_block = self.flow.kind(step) in BLOCKS
        if self._splits(step):
            token = _outcome(step) if is_block else step
            return [(token, success), (token, failure)]
        if not is_block:
            return [(step, success)]
        if success is not None and not self.flow.is_end(success) and success not in stops:
            return [(step, success)]
        return [(step, None), *((step, first) for _, first in self.flow.branches(step))]

    def _in_order(self) -> Iterator[str]:
        """Yield the steps that are reached, each after all that lead to it."""
        ahead = {
            step: [edge.to for edge in self.flow.edges[step] if not self.flow.loops_back(step, edge.to)]
            for step in self.flow.reached()
        }
        waits = dict.fromkeys(ahead, 0)
        for following in chain.from_iterable(ahead.values()):
            waits[following] += 1
        ready = [step for step in self.flow.steps if waits.get(step) == 0]
        while ready:
            step = ready.pop(0)
            yield step
            for following in ahead[step]:
                waits[following] -= 1
                if waits[following] == 0:
                    ready.append(following)

    def _title(self, step: str) -> str:
        name = self.flow.steps[step].get("name")
        plain = quoted(name) if isinstance(name, str) else ""
        return plain[:_LONGEST_TITLE] or self.flow.kind(step).replace("-", " ").capitalize()


def _outcome(step: str) -> str:
    return f"outcome of {step}"


def _choices(names: list[str]) -> dict[str, str]:
    words: dict[str, str] = {}
    for name in names:
        case = name.removeprefix("case ")
        word = NONE_OF_THEM if case == "default" else quoted(case)[:_LONGEST_CHOICE] or "(empty)"
        number, free = 2, word
        while free in words.values():
            free, number = f"{word} ({number})", number + 1
        words[name] = free
    return words


def _milliseconds(value: Data) -> str | None:
    """Return so many milliseconds as a duration of ours, in whole seconds; None where they are none."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _MOST_MILLISECONDS:
        return None
    return spell_duration(timedelta(seconds=-(-value // 1000)))
