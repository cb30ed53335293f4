"""Propose prevention actions: from the cause, from published cases, from practices overdue then, from findings.

A proposal is only that: a person accepts, edits or refuses each. The same proposal has the same key each time, and
what an open action already does is not proposed again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from tocsin.actions import Proof, actions
from tocsin.context import Context
from tocsin.errors import UsageError, did_you_mean
from tocsin.findings import open_findings
from tocsin.model.vocabulary import Cause
from tocsin.model.workspace import Workspace
from tocsin.practices import overdue_at
from tocsin.reviews.library import Lesson, ProofWanted, lessons, prevention
from tocsin.store.tables import incident_system

DAYS_FOR_A_FINDING = 30
DAYS_FOR_A_PRACTICE = 14


@dataclass(frozen=True, slots=True)
class Proposal:
    """One action that would prevent it. `backing` names sources; `why` says where it comes from."""

    key: str
    source: str
    source_id: str
    title: str
    risk: str
    why: str
    due_days: int
    proof: Proof
    backing: tuple[str, ...] = ()


def propose(
    ctx: Context, causes: Iterable[str] = (), *, incident: str | None = None, at: datetime | None = None
) -> tuple[Proposal, ...]:
    """Return what would prevent these causes, the most telling first. Raises UsageError for an unknown cause.

    `at` is the moment whose overdue practices count: of an incident when it was first noticed, else now.
    """
    wanted = check_causes(causes)
    with ctx.store.read() as connection:
        systems = _systems(connection, incident) if incident else tuple(ctx.workspace.systems)
        drill = _drill_for(ctx.workspace, systems)
        found = [
            *_overdue(connection, ctx.workspace, at or ctx.clock.now()),
            *_findings(connection, ctx.workspace, drill),
            *_measures(wanted, drill),
            *_lessons(wanted, drill),
        ]
        done = {each.source_id for each in actions(connection, open_only=True)}
    return _merged([each for each in found if each.key not in done and each.source_id not in done])


def _merged(found: Iterable[Proposal]) -> tuple[Proposal, ...]:
    """Return them with those that one proof would close made into one: the first, with the others' reasons."""
    kept: dict[object, Proposal] = {}
    for each in found:
        together = (
            each.proof if each.proof.kind in ("practice", "drill") and each.source != "finding" else each.key
        )
        first = kept.setdefault(together, each)
        if first is not each:
            also = f"{each.why} It teaches: {each.title}." if each.source == "case" else each.why
            backing = tuple(dict.fromkeys((*first.backing, *each.backing)))
            kept[together] = replace(first, why=f"{first.why} {also}", backing=backing)
    return tuple(kept.values())


def check_causes(causes: Iterable[str]) -> tuple[str, ...]:
    """Return the causes, each once. Raises UsageError with the nearest for one that is none."""
    known = [each.value for each in Cause]
    for cause in causes:
        if cause not in known:
            raise UsageError(f"There is no cause {cause!r}.{did_you_mean(cause, known)} Nothing was changed.")
    return tuple(dict.fromkeys(causes))


def _overdue(connection: Connection, workspace: Workspace, moment: datetime) -> Iterator[Proposal]:
    """Yield each practice that was overdue then: a measure that was not in force when it was needed."""
    late = {each.practice.name: each.practice.title for each in overdue_at(connection, workspace, moment)}
    for name, title in late.items():
        yield Proposal(
            key=f"practice:{name}",
            source="practice",
            source_id=f"practice:{name}",
            title=f"Catch up on {title.lower()}, and find out why it was late",
            risk="A measure the firm had promised itself was not in force",
            why=f"{title} was overdue on {moment:%d %B %Y}.",
            due_days=DAYS_FOR_A_PRACTICE,
            proof=Proof("practice", name=name),
        )


def _findings(connection: Connection, workspace: Workspace, drill: str) -> Iterator[Proposal]:
    for each in open_findings(connection):
        of_drill = each.subject.removeprefix("drill:")
        proven_by = of_drill if of_drill in workspace.drills else drill if each.source == "drill" else ""
        proof = Proof("drill", name=proven_by) if proven_by else _document(f"How it was put right: {each.code}")
        yield Proposal(
            key=f"finding:{each.id}",
            source="finding",
            source_id=each.id,
            title=f"Put right: {each.sentence}",
            risk="It was found before the night it matters, and is still so",
            why=f"Found by {each.subject} on {each.found_at:%d %B %Y}, {each.times} times, not settled.",
            due_days=DAYS_FOR_A_FINDING,
            proof=proof,
        )


def _measures(causes: tuple[str, ...], drill: str) -> Iterator[Proposal]:
    data = prevention()
    for name, each in data.measures.items():
        if hit := [cause for cause in causes if cause in each.causes]:
            why = f"It prevents {_plain(hit)}."
            backing = tuple(data.sources[source].sentence for source in each.sources)
            yield _from_lesson(f"measure:{name}", each, why, backing, drill)


def _lessons(causes: tuple[str, ...], drill: str) -> Iterator[Proposal]:
    for name, case in lessons().cases.items():
        if not any(cause in case.causes for cause in causes):
            continue
        backing = (f"{case.source}{' (check this)' if case.check else ''}",)
        for number, lesson in enumerate(case.lessons, 1):
            yield _from_lesson(f"case:{name}/{number}", lesson, f"{case.sentence}.", backing, drill)


def _from_lesson(key: str, each: Lesson, why: str, backing: tuple[str, ...], drill: str) -> Proposal:
    proof = _proof(each.proof, drill)
    return Proposal(key, key.partition(":")[0], key, each.title, each.risk, why, each.days, proof, backing)


def _proof(wanted: ProofWanted, drill: str) -> Proof:
    if wanted.practice:
        return Proof("practice", name=str(wanted.practice))
    if wanted.drill:
        return Proof("drill", name=drill) if drill else _document("The report of a restore, and its time")
    return _document(wanted.document)


def _document(shows: str) -> Proof:
    return Proof("document", shows=shows)


def _systems(connection: Connection, incident: str) -> tuple[str, ...]:
    query = select(incident_system.c.system).where(incident_system.c.incident == incident)
    return tuple(connection.execute(query).scalars())


def _drill_for(workspace: Workspace, systems: Iterable[str]) -> str:
    """Return the first drill that restores one of these systems, '' where there is none."""
    plans = workspace.plans_for(systems)
    return next((drill.id for plan in plans for drill in workspace.drills_of(plan.id)), "")


def _plain(causes: Iterable[str]) -> str:
    return " and ".join(cause.replace("_", " ") for cause in causes)
