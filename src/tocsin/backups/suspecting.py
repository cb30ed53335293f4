"""A suspicion of a backup plan: raised at once, kept until a person explains it.

    watcher = observe(ctx, plan, delta)     judged before restic runs; if it is flagged, then already
                                            the alarm is raised, retention stopped, the clean snapshots held
    mark(tx, plan, …)                       with the snapshot's row: `clean`, or `flagged` and for what
    explain(ctx, plan, Explanation.EXPECTED, reason)

While a suspicion stands, every later snapshot of the plan is flagged too: the next quiet night does not make
encrypted files clean. Only clean observations are ever part of what is usual.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from tocsin import alarms
from tocsin.backups.holding import hold_entries, release_where
from tocsin.backups.ledger import LedgerEntry, ledger
from tocsin.backups.plans import plan_audience
from tocsin.backups.plausibility import Day, Judged, Plausibility, judge_plausibility
from tocsin.backups.ransom_names import ransom_names
from tocsin.backups.signs import Signs, signs_of
from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.manifest import Delta
from tocsin.model.workspace import BackupPlan
from tocsin.ports import BackupSummary
from tocsin.store.database import Transaction
from tocsin.store.tables import observation as observations
from tocsin.store.tables import pause as pauses
from tocsin.store.tables import snapshot as snapshots

ALARM = "backup.implausible"
HISTORY = timedelta(days=90)
HELD_CLEAN = 3


class Explanation(StrEnum):
    """What a person says a suspicion was."""

    EXPECTED = "expected"
    DAMAGE = "damage"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One flagged observation that nobody has explained."""

    id: str
    plan: str
    since: datetime
    score: int
    reasons: tuple[tuple[str, str], ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The reasons, for people."""
        return tuple(said for _, said in self.reasons)


@dataclass(frozen=True, slots=True)
class Observed:
    """What one backup's delta was taken for, before restic ran; `written` if it is in the store already."""

    plan: str
    signs: Signs
    judged: Judged
    written: bool


def observe(ctx: Context, plan: BackupPlan, delta: Delta) -> Observed:
    """Judge a delta; a suspicion is written, and its consequences with it, before anything else happens."""
    canaries = {bytes(ctx.workspace.resolve(path)) for path in plan.canaries}
    signs = signs_of(delta, ransom_names(), canaries)
    if gone := tuple(path for path in plan.canaries if not ctx.workspace.resolve(path).exists()):
        signs = replace(signs, canaries=tuple(dict.fromkeys((*signs.canaries, *gone))))
    judged = _judge(ctx, plan.id, signs)
    flagged = judged.state is Plausibility.FLAGGED
    if flagged:
        raise_suspicion(ctx, plan.id, signs, judged)
    return Observed(plan.id, signs, judged, written=flagged)


def judge_with_summary(ctx: Context, observed: Observed, summary: BackupSummary | None) -> Observed:
    """Judge again with what restic added; a suspicion that comes of it has the same consequences."""
    if observed.written or summary is None:
        return observed
    signs = replace(
        observed.signs, added_bytes=summary.data_added_bytes, packed_bytes=summary.data_added_packed_bytes
    )
    judged = _judge(ctx, observed.plan, signs)
    flagged = judged.state is Plausibility.FLAGGED
    if flagged:
        raise_suspicion(ctx, observed.plan, signs, judged)
    return Observed(observed.plan, signs, judged, written=flagged)


def keep_observation(ctx: Context, tx: Transaction, observed: Observed) -> None:
    """Write a clean observation in the transaction that finishes its backup."""
    if not observed.written:
        _insert(ctx, tx, observed.plan, observed.signs, observed.judged)


def standing_suspicion(connection: Connection, plan: str) -> Suspicion | None:
    """Return the oldest suspicion of a plan that nobody has explained."""
    return next((one for one in standing_suspicions(connection) if one.plan == plan), None)


def standing_suspicions(connection: Connection) -> tuple[Suspicion, ...]:
    """Return every suspicion that nobody has explained, oldest first."""
    query = select(observations).where(observations.c.state == Plausibility.FLAGGED).order_by(observations.c.at)
    return tuple(
        Suspicion(row["id"], row["backup_plan"], row["at"], row["score"], _pairs(row["reasons"]))
        for row in connection.execute(query).mappings()
    )


def _pairs(kept: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((code, said) for code, said in kept)


def alarm_text(suspicion: Suspicion) -> str:
    """Return the alarm's words: codes alone, for sentences may name files."""
    codes = ", ".join(dict.fromkeys(code for code, _ in suspicion.reasons))
    return (
        f"The backup of {suspicion.plan} of {suspicion.since:%Y-%m-%d %H:%M} UTC does not look like the firm's "
        f"own work ({codes}). Its snapshots are not pruned, the last clean ones are held. Look at the files now. "
        "'tocsin backup last-clean' names the snapshot to go back to; say what it was with "
        f"'tocsin backup explain {suspicion.plan}'."
    )


def raise_suspicion(ctx: Context, plan: str, signs: Signs, judged: Judged) -> None:
    """Write a suspicion, raise its alarm, stop retention of the plan and hold its last clean snapshots."""
    with ctx.store.write(ctx.actor) as tx:
        identity = _insert(ctx, tx, plan, signs, judged)
        tx.record(
            ALARM,
            f"plan:{plan}",
            {"observation": identity, "score": judged.score, "signs": [str(code) for code, _ in judged.reasons]},
            private={"reasons": "\n".join(said for _, said in judged.reasons)},
        )
        suspicion = standing_suspicion(tx.connection, plan)
        if suspicion is not None and suspicion.id == identity:
            _stop_retention(ctx, tx, plan)
            raised = alarms.Alarm(ALARM, f"plan:{plan}", alarm_text(suspicion), plan_audience(ctx.workspace, plan))
            alarms.raise_alarm(tx, raised)
        clean = last_clean_entries(tx.connection, plan)
    hold_entries(ctx, clean, hold_reason(plan), incident=None, tag=False)
    # At once, not at the watch's next round: every minute counts while files are being encrypted.
    alarms.deliver(ctx)
    ctx.store.sign_head(ctx.actor)


def last_clean_entries(connection: Connection, plan: str) -> list[LedgerEntry]:
    """Return the newest clean and good snapshots of a plan's files and dumps, a few for each repository."""
    kept: dict[tuple[str, str], list[LedgerEntry]] = {}
    for entry in ledger(connection, plan):
        mine = kept.setdefault((entry.repository, entry.dump), [])
        good = entry.verdict == "ok" and entry.plausibility == Plausibility.CLEAN and entry.gone_at is None
        if good and len(mine) < HELD_CLEAN:
            mine.append(entry)
    return [entry for found in kept.values() for entry in found]


def hold_reason(plan: str) -> str:
    """Return the reason that marks a hold as an alarm's own."""
    return f"Plausibility alarm on {plan}: last clean snapshots"


def retention_mark(plan: str) -> str:
    """Return the name of the pause that keeps a plan's snapshots from being forgotten or pruned."""
    return f"retention:{plan}"


def explain(ctx: Context, plan: str, explanation: Explanation, reason: str) -> tuple[Suspicion, ...]:
    """Say what the standing suspicions of a plan were, and let retention go on.

    `expected`: it was our own work; the snapshots count as clean, and the alarm's holds are released. `damage`:
    it was an attack or an accident and the source is put right; what was flagged stays flagged and the holds
    stay, and what is taken from now on is judged afresh. Raises UsageError when nothing stands.
    """
    with ctx.store.write(ctx.actor) as tx:
        standing = tuple(one for one in standing_suspicions(tx.connection) if one.plan == plan)
        if not standing:
            raise UsageError(f"No suspicion stands against the backups of {plan}; nothing was changed.")
        for one in standing:
            tx.execute(
                update(observations)
                .where(observations.c.id == one.id)
                .values(
                    state=str(explanation),
                    explained_by=ctx.actor.person,
                    explained_at=tx.now,
                    explanation=reason,
                )
            )
            if explanation is Explanation.EXPECTED:
                tx.execute(
                    update(snapshots)
                    .where(snapshots.c.suspicion == one.id)
                    .values(plausibility=str(Plausibility.CLEAN))
                )
        tx.execute(
            update(pauses)
            .where(pauses.c.what == retention_mark(plan), pauses.c.lifted_at.is_(None))
            .values(lifted_by=ctx.actor.person, lifted_at=tx.now)
        )
        if explanation is Explanation.EXPECTED:
            release_where(tx, ctx.actor.person, hold_reason(plan), f"explained: {reason}")
        alarms.clear(tx, kind=ALARM, subject=f"plan:{plan}")
        tx.record(
            "backup.explained",
            f"plan:{plan}",
            {"observations": [one.id for one in standing], "as": str(explanation)},
            private={"reason": reason},
        )
    ctx.store.sign_head(ctx.actor)
    return standing


def quiet_days(connection: Connection, plan: str, now: datetime) -> tuple[Day, ...]:
    """Return the plan's clean days of the last three months: the largest of each number in one day."""
    query = select(observations.c.at, observations.c.signs).where(
        observations.c.backup_plan == plan,
        observations.c.state == Plausibility.CLEAN,
        observations.c.at >= now - HISTORY,
    )
    days: dict[date, Day] = {}
    for at, kept in connection.execute(query):
        signs = Signs(**{**kept, "canaries": tuple(kept["canaries"])})
        if not signs.is_first:
            days[at.date()] = _larger(days.get(at.date()), day_of(at.date(), signs))
    return tuple(days.values())


def day_of(day: date, signs: Signs) -> Day:
    """Return what one clean backup adds to what is usual."""
    return Day(
        day,
        churn=signs.churn,
        added_bytes=signs.added_bytes,
        packed_share=signs.packed_bytes / signs.added_bytes if signs.added_bytes else 0.0,
        encrypted=signs.encrypted,
        rewritten_noise=signs.rewritten_noise,
    )


def _larger(one: Day | None, other: Day) -> Day:
    if one is None:
        return other
    numbers = [name for name in Day.__dataclass_fields__ if name != "day"]
    return replace(other, **{name: max(getattr(one, name), getattr(other, name)) for name in numbers})


def _judge(ctx: Context, plan: str, signs: Signs) -> Judged:
    now = ctx.clock.now()
    with ctx.store.read() as connection:
        history: Sequence[Day] = quiet_days(connection, plan, now)
    return judge_plausibility(signs, history, now.date())


def _insert(ctx: Context, tx: Transaction, plan: str, signs: Signs, judged: Judged) -> str:
    identity = ctx.store.new_id()
    tx.execute(
        insert(observations).values(
            id=identity,
            backup_plan=plan,
            at=tx.now,
            state=str(judged.state),
            score=judged.score,
            signs=asdict(signs),
            reasons=[[str(code), said] for code, said in judged.reasons],
        )
    )
    return identity


def _stop_retention(ctx: Context, tx: Transaction, plan: str) -> None:
    tx.execute(
        insert(pauses).values(
            id=ctx.store.new_id(),
            what=retention_mark(plan),
            reason=f"The backup of {plan} does not look like the firm's own work.",
            placed_by=ctx.actor.person,
            placed_at=tx.now,
        )
    )
