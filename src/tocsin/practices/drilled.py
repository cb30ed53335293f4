"""Drills that passed, as proof of a practice: read from the operations that every drill leaves.

A quarter's restore drill is done when every drill of the workspace has passed since the last one counted; a firm
that writes `drills: [files-quarterly]` under the practice names the drills that count. An exercise is one that was
played to its end and has its report.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, select

from tocsin.context import Context
from tocsin.model.practice import PracticeName
from tocsin.practices.completing import SERVICE, Evidence, Recorded, record_done
from tocsin.practices.ledger import Standing, standing_of
from tocsin.practices.practice import Practice, practices_of
from tocsin.store.tables import exercise as exercises
from tocsin.store.tables import operation as operations

PASSED = "passed"
KIND_OF: Mapping[str, str] = {PracticeName.RESTORE_DRILL: "drill", PracticeName.EXERCISE: "exercise"}


@dataclass(frozen=True, slots=True)
class Passed:
    """One drill that passed, or exercise that ended: which, when, its report with hash, who took part, who led."""

    subject: str
    at: datetime
    report: str | None
    sha256: str
    participants: tuple[str, ...]
    actor: str


def count_drills(ctx: Context) -> tuple[Recorded, ...]:
    """Settle the practices that drills prove and that have passed since; return what was settled."""
    kept = practices_of(ctx.workspace)
    proven = [(kept[name], kind) for name, kind in KIND_OF.items() if name in kept and "drill" in kept[name].proof]
    proofs: list[tuple[Practice, tuple[Passed, ...]]] = []
    with ctx.store.read() as connection:
        for practice, kind in proven:
            if passed := _passed(ctx, connection, kind):
                stands = standing_of(connection, ctx.workspace, practice, ctx.clock.now())[0]
                proofs.append((practice, _proof(ctx, practice, stands, passed, kind)))
    return tuple(one for practice, proof in proofs if proof for one in _record(ctx, practice, proof))


def _proof(
    ctx: Context, practice: Practice, stands: Standing, passed: tuple[Passed, ...], kind: str
) -> tuple[Passed, ...]:
    """Return the drills that prove it together, the latest last; empty while one of them is missing."""
    # What passed before the round that it would settle has proven that one, not this.
    begun = practice.every.after(stands.day.settles, -1)
    after = stands.last.done_at if stands.last else None
    newest = {one.subject: one for one in passed if one.at.date() >= begun and (after is None or one.at > after)}
    wanted = {f"{kind}:{name}" for name in practice.choice.drills}
    if not wanted and kind == "drill":
        wanted = {f"drill:{name}" for name in ctx.workspace.drills}
    if not newest or not wanted <= set(newest):
        return ()
    chosen = [one for subject, one in newest.items() if subject in wanted or not wanted]
    return tuple(sorted(chosen, key=lambda one: one.at))


def _passed(ctx: Context, connection: Connection, kind: str) -> tuple[Passed, ...]:
    return _exercises(ctx, connection) if kind == "exercise" else _drills(connection)


def _drills(connection: Connection) -> tuple[Passed, ...]:
    query = select(operations).where(operations.c.kind == "drill", operations.c.verdict == PASSED)
    found = []
    for row in connection.execute(query.order_by(operations.c.finished_at)):
        detail = row.detail or {}
        if detail.get("part"):
            continue  # a part of a backup proves nothing of the rest
        people = tuple(str(one) for one in detail.get("participants") or ())
        digest = str(detail.get("report_sha256") or "")
        found.append(Passed(row.subject, row.finished_at, detail.get("report"), digest, people, row.actor))
    return tuple(found)


def _exercises(ctx: Context, connection: Connection) -> tuple[Passed, ...]:
    """Return the exercises played to their end, whatever their score: what went wrong is what they are for."""
    query = select(exercises).where(exercises.c.state == "ended", exercises.c.report.is_not(None))
    found = []
    for row in connection.execute(query.order_by(exercises.c.ended_at)):
        report = ctx.workspace.root / row.report
        if not report.is_file():
            continue  # without its report nobody could show that it was held
        digest = sha256(report.read_bytes()).hexdigest()
        people = tuple(str(one) for one in row.participants)
        found.append(Passed(f"exercise:{row.id}", row.ended_at, row.report, digest, people, row.started_by))
    return tuple(found)


def _record(ctx: Context, practice: Practice, proof: tuple[Passed, ...]) -> tuple[Recorded, ...]:
    last = proof[-1]
    people = tuple(dict.fromkeys(name for one in proof for name in one.participants))
    by = last.actor if last.actor in ctx.workspace.people else SERVICE
    evidence = Evidence("drill", last.sha256, last.report)
    with ctx.store.write(ctx.actor) as tx:
        done = record_done(ctx, tx, practice, ("",), evidence, by=by, participants=people)
    ctx.store.sign_head(ctx.actor)
    return done
