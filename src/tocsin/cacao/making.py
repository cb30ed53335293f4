"""Steps of ours in the making: their ids, what each needs, and how they stand in a playbook file.

While a foreign workflow is gone through, steps are known by tokens: the foreign id, or the outcome of one. A
foreign step that becomes none of ours (a start, a parallel) stands for whatever it waited for itself.
"""

import json
import re
from dataclasses import dataclass, field
from typing import TypeAlias

from tocsin.model.document import Data
from tocsin.model.vocabulary import PersonRole

Atom: TypeAlias = tuple[str, str, str]
"""A step's token, `output.answer` or `state`, and what it must be."""
Condition: TypeAlias = frozenset[Atom] | None
"""Any of these; None: always."""

_LONGEST_ID = 40


@dataclass
class Made:
    """A step of ours; `after` holds the tokens it comes after."""

    token: str
    uses: str
    title: str
    with_: dict[str, Data]
    after: set[str]
    condition: Condition
    extra: dict[str, Data] = field(default_factory=dict)


class Making:
    """The steps made so far."""

    def __init__(self) -> None:
        self._made: dict[str, Made] = {}
        self._ids: dict[str, str] = {}
        self._waiting: dict[str, list[str]] = {}

    def add(self, made: Made) -> None:
        """Take in a step; another of the same token stands for the token from now on."""
        ours = self._free_id(made.title)
        self._made[ours] = made
        self._ids[made.token] = ours

    def ask(self, made: Made, question: str, choices: list[str]) -> None:
        """Take in a step that asks a person, with these answers to choose from."""
        made.uses, made.with_ = "human.ask", {"question": question, "choices": [*choices]}
        made.extra = {**assigned(None), **made.extra}
        self.add(made)

    def pass_over(self, token: str, after: set[str]) -> None:
        """Note that a foreign step becomes none of ours."""
        self._waiting[token] = sorted(after)

    def written(self) -> list[dict[str, Data]]:
        """Return the steps as they stand in a file, each below what it needs."""
        needs = {ours: self._needs(made) for ours, made in self._made.items()}
        order: dict[str, None] = {}
        rest = list(self._made)
        while rest:
            ours = next((each for each in rest if set(needs[each]) <= order.keys()), rest[0])
            order[ours] = None
            rest.remove(ours)
        return [self._written(ours, needs[ours]) for ours in order]

    def ids(self) -> dict[str, str]:
        """Return the token that each of our ids stands for."""
        return {ours: token for token, ours in self._ids.items()}

    def spelled(self, condition: frozenset[Atom]) -> str:
        """Return a condition as an expression of ours."""
        return " || ".join(
            f"steps.{self._ids[token].replace('-', '_')}.{where} == {json.dumps(word, ensure_ascii=False)}"
            for token, where, word in sorted(condition)
        )

    def _written(self, ours: str, needs: list[str]) -> dict[str, Data]:
        made = self._made[ours]
        step: dict[str, Data] = {"id": ours, "title": made.title, "uses": made.uses}
        step |= {key: made.extra[key] for key in ("assign", "deputy") if key in made.extra}
        if needs:
            step["needs"] = [*needs]
        if made.condition is not None:
            step["if"] = self.spelled(made.condition)
        step |= {key: value for key, value in made.extra.items() if key not in step}
        return {**step, "with": made.with_}

    def _needs(self, made: Made) -> list[str]:
        found: dict[str, None] = {}
        ahead, seen = sorted(made.after), set[str]()
        while ahead:
            token = ahead.pop(0)
            if token in seen:
                continue
            seen.add(token)
            if token in self._ids:
                found[self._ids[token]] = None
            else:
                ahead += self._waiting.get(token, [])
        return list(found)

    def _free_id(self, title: str) -> str:
        word = slug(title)[:_LONGEST_ID].strip("-") or "step"
        number, free = 2, word
        while free in self._made:
            free, number = f"{word}-{number}", number + 1
        return free


def slug(text: str) -> str:
    """Return a text as an id of ours: lower-case words with dashes, a letter first."""
    word = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return word if not word or word[0].isalpha() else f"n-{word}"


def assigned(role: str | None) -> dict[str, Data]:
    """Return who answers a step, and who may in their place."""
    first = role or PersonRole.TECHNICAL.value
    deputy = PersonRole.COMMANDER if first != PersonRole.COMMANDER else PersonRole.TECHNICAL
    return {"assign": first, "deputy": deputy.value}
