"""The staff card: whom to call, what to say, what to leave alone, and that nobody is blamed. One page. Pure.

It names our own people and no client. The rota is told by its lines rather than by this week's person, so that the
card stays right while people take turns.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from tocsin.model.people import Person
from tocsin.model.rota import Turn, Weekday
from tocsin.model.vocabulary import PersonRole
from tocsin.model.workspace import Workspace
from tocsin.notices.sheet import CardLine, CardSheet, Draft, Moment
from tocsin.notices.templates import render

CARD: Final = "staff/card"
_ROLES: Final = {
    PersonRole.COMMANDER: "Who leads",
    PersonRole.TECHNICAL: "Computers and systems",
    PersonRole.DPO: "Data protection",
    PersonRole.COMMUNICATIONS: "Clients and press",
}


def card_for(workspace: Workspace, answers: Sequence[str], now: datetime, version: int | None = None) -> Draft:
    """Return the card. `answers` are the kinds of breach that have a playbook, in words."""
    return render(workspace, CARD, card_sheet(workspace, answers, now, version))


def card_sheet(
    workspace: Workspace, answers: Sequence[str], now: datetime, version: int | None = None
) -> CardSheet:
    """Return what the template sees."""
    return CardSheet(
        organisation=workspace.organisation.name,
        today=Moment(now, workspace.organisation.timezone).day,
        callees=tuple(_callees(workspace)),
        turns=tuple(_turn(workspace, turn) for turn in workspace.rota),
        answers=tuple(answers),
        version=version,
    )


def _callees(workspace: Workspace) -> Iterator[CardLine]:
    for role, words in _ROLES.items():
        if people := list(workspace.people_with(role)):
            deputy = workspace.deputy_of(people[0].id)
            if len(people) == 1 and deputy:
                people.append(deputy)
            yield CardLine(words, tuple(_reached(person) for person in people))


def _reached(person: Person) -> str:
    return f"{person.name}, {person.phone or person.email or 'no number on file'}"


def _turn(workspace: Workspace, turn: Turn) -> str:
    people = [workspace.people[key] for key in turn.people if key in workspace.people]
    days = list(Weekday)
    when = "every day" if set(turn.days) == set(days) else ", ".join(str(day) for day in days if day in turn.days)
    hours = "round the clock" if turn.starts == turn.ends else f"from {turn.starts} to {turn.ends}"
    named = " and ".join(_reached(person) for person in people)
    by_turns = ", by turns of a week" if len(people) > 1 else ""
    return f"{when} {hours}: {named}{by_turns}"
