"""A practice as the firm keeps it: the catalogue's entry with what the workspace says of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from tocsin.errors import UsageError, did_you_mean
from tocsin.model.practice import PracticeChoice, ProofWord, Rhythm
from tocsin.model.vocabulary import Cause, PersonRole
from tocsin.model.workspace import Workspace
from tocsin.practices.catalogue import CataloguePractice, SheetWord, catalogue

GRACE = timedelta(days=14)
EVERYTHING: tuple[ProofWord, ...] = ("sheet", "file")


@dataclass(frozen=True, slots=True)
class Practice:
    """One obligation. `people` is empty unless each person is asked; `entry` is None for one of the firm's own."""

    name: str
    title: str
    asks: str
    owner: str
    deputy: str
    every: Rhythm
    grace: timedelta
    first_due: date | None
    proof: tuple[ProofWord, ...]
    sheet: SheetWord
    questions: tuple[str, ...]
    people: tuple[str, ...]
    topics: tuple[str, ...]
    causes: tuple[Cause, ...]
    choice: PracticeChoice
    entry: CataloguePractice | None

    @property
    def abouts(self) -> tuple[str, ...]:
        """What is tracked singly: nothing but itself, each person, or each person's topic (`sam/phishing`)."""
        if not self.people:
            return ("",)
        return tuple(f"{who}/{topic}" if topic else who for who in self.people for topic in self.topics or ("",))

    def asked(self, about: str) -> str:
        """Return who has to act: the person it is about, or the owner."""
        return about.partition("/")[0] or self.owner


def practices_of(workspace: Workspace) -> Mapping[str, Practice]:
    """Return the practices a workspace keeps, in its order."""
    return {name: _practice(workspace, name, choice) for name, choice in workspace.practices.items()}


def practice_named(workspace: Workspace, name: str) -> Practice:
    """Return one practice. Raises UsageError with the nearest, or with how to switch it on."""
    found = practices_of(workspace).get(name)
    if found is not None:
        return found
    if name in catalogue():
        raise UsageError(f"{name} is not switched on. Add `{name}:` under `practices:` in tocsin.yaml.")
    raise UsageError(f"There is no practice {name!r}.{did_you_mean(name, {**workspace.practices, **catalogue()})}")


def _practice(workspace: Workspace, name: str, choice: PracticeChoice) -> Practice:
    entry = catalogue().get(name)
    owner = choice.owner or _holder(workspace, entry.role if entry else PersonRole.DPO)
    backup = workspace.deputy_of(owner)
    deputy = choice.deputy or (backup.id if backup else _another(workspace, owner))
    every = choice.every or (entry.every if entry else None)
    if every is None:
        # The workspace's loader asks for it; only a workspace made by hand gets here.
        raise UsageError(f"practices.{name} needs `every`, such as 1 year.")
    each = choice.each_person if choice.each_person is not None else bool(entry and entry.each_person)
    return Practice(
        name=name,
        title=choice.title or (entry.title if entry else name),
        asks=entry.asks if entry else "",
        owner=owner,
        deputy="" if deputy == owner else deputy,
        every=every,
        grace=choice.grace or (entry.grace if entry else GRACE),
        first_due=choice.first_due,
        proof=choice.proof or (entry.proof if entry else EVERYTHING),
        sheet=(entry.sheet if entry else None) or ("people" if each else "checklist"),
        questions=choice.questions or (entry.questions if entry else ()),
        people=(choice.people or tuple(workspace.people)) if each or (entry is None and choice.people) else (),
        topics=choice.topics or (entry.topics if entry else ()),
        causes=entry.causes if entry else (),
        choice=choice,
        entry=entry,
    )


def _holder(workspace: Workspace, role: PersonRole) -> str:
    """Return who answers by their role; failing that the data protection lead, failing that the first person."""
    for wanted in (role, PersonRole.DPO, PersonRole.COMMANDER):
        if holders := workspace.people_with(wanted):
            return holders[0].id
    return next(iter(workspace.people), "")


def _another(workspace: Workspace, owner: str) -> str:
    for role in (PersonRole.COMMANDER, PersonRole.DPO):
        for person in workspace.people_with(role):
            if person.id != owner:
                return person.id
    return ""
