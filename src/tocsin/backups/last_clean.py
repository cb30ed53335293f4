"""Which snapshot to go back to: the newest that is whole, plausible, older than the intrusion and checked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from tocsin.backups.freshness import CLOCK_TOLERANCE
from tocsin.backups.ledger import LedgerEntry, ledger
from tocsin.backups.plausibility import Plausibility
from tocsin.context import Context
from tocsin.errors import UsageError, did_you_mean
from tocsin.store.tables import repository_check as checks

PASSED_OVER_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A newer snapshot that was not chosen, and why."""

    entry: LedgerEntry
    why: str


@dataclass(frozen=True, slots=True)
class LastClean:
    """One plan's answer, for its files or for one `dump`. `entry` is None when no snapshot will do.

    `checked_at` is when a check that passed has looked at its repository since it was taken, None if none has;
    `read_data` whether that check read data. `lost` is how much work goes with the choice, up to now.
    """

    plan: str
    entry: LedgerEntry | None
    reasons: tuple[str, ...]
    checked_at: datetime | None = None
    read_data: bool = False
    lost: timedelta | None = None
    passed_over: tuple[PassedOver, ...] = ()
    dump: str = ""

    @property
    def named(self) -> str:
        """What the answer is about, for people: the plan, or `the dump crm of studio`."""
        return f"the dump {self.dump} of {self.plan}" if self.dump else self.plan


def last_clean_snapshot(
    ctx: Context, system: str, not_after: datetime | None = None, *, checked_only: bool = False
) -> tuple[LastClean, ...]:
    """Return, for the files and each dump of the plans that cover a system, the newest snapshot to be believed.

    `not_after` is when the intrusion began, as far as anybody knows. A snapshot in a repository whose last check
    failed is never taken; one that no check has looked at since is, and says so, unless `checked_only`.
    Raises UsageError for an unknown system, or one that no plan covers.
    """
    if system not in ctx.workspace.systems:
        raise UsageError(f"There is no system {system!r}.{did_you_mean(system, ctx.workspace.systems)}")
    plans = ctx.workspace.plans_for((system,))
    if not plans:
        raise UsageError(f"No backup plan covers {system}; there is nothing to go back to.")
    now = ctx.clock.now()
    with ctx.store.read() as connection:
        return tuple(
            choose_last_clean(
                connection, plan.id, now=now, not_after=not_after, checked_only=checked_only, dump=dump
            )
            for plan in plans
            for dump in plan.series
        )


def choose_last_clean(
    connection: Connection,
    plan: str,
    *,
    now: datetime,
    not_after: datetime | None = None,
    checked_only: bool = False,
    dump: str = "",
) -> LastClean:
    """Choose among the snapshots of one plan's files, or of one dump, the newest first."""
    passed: list[PassedOver] = []
    for entry in ledger(connection, plan):
        if entry.dump != dump:
            continue
        last = _last_check(connection, entry.repository)
        if why := _why_not(entry, last, now=now, not_after=not_after, checked_only=checked_only):
            passed.append(PassedOver(entry, why))
            continue
        checked = last if last is not None and last.at >= entry.time else None
        return LastClean(
            plan,
            entry,
            _reasons(entry, checked, not_after),
            checked_at=checked.at if checked else None,
            read_data=bool(checked and checked.part),
            lost=max(now - entry.time, timedelta(0)),
            passed_over=tuple(passed[:PASSED_OVER_AT_MOST]),
            dump=dump,
        )
    why = "No snapshot of this plan is whole, plausible and early enough."
    return LastClean(plan, None, (why,), passed_over=tuple(passed[:PASSED_OVER_AT_MOST]), dump=dump)


@dataclass(frozen=True, slots=True)
class _Check:
    at: datetime
    ok: bool
    part: int


def _last_check(connection: Connection, repository: str) -> _Check | None:
    query = select(checks.c.at, checks.c.ok, checks.c.part).where(checks.c.repository == repository)
    row = connection.execute(query.order_by(checks.c.at.desc()).limit(1)).one_or_none()
    return None if row is None else _Check(row.at, row.ok, row.part)


def _why_not(
    entry: LedgerEntry, last: _Check | None, *, now: datetime, not_after: datetime | None, checked_only: bool
) -> str | None:
    checked = last is not None and last.at >= entry.time
    refusals = (
        (entry.gone_at is not None, "it was forgotten"),
        (entry.time > now + CLOCK_TOLERANCE, "it is dated in the future"),
        (not_after is not None and entry.time > not_after, "it was taken after the intrusion began"),
        (entry.verdict != "ok", f"the backup was {entry.verdict}"),
        (entry.plausibility == Plausibility.FLAGGED, "its content does not look like the firm's own work"),
        (entry.plausibility is None, "nobody judged its content"),
        (last is not None and not last.ok, f"the last check of {entry.repository} found damage"),
        (checked_only and not checked, f"no check of {entry.repository} has passed since it was taken"),
    )
    return next((why for applies, why in refusals if applies), None)


def _reasons(entry: LedgerEntry, checked: _Check | None, not_after: datetime | None) -> tuple[str, ...]:
    said = ["The backup was whole and its content plausible."]
    if not_after is not None:
        said.append(f"It was taken before {not_after:%Y-%m-%d %H:%M} UTC.")
    if checked is None:
        command = f"tocsin backup check {entry.repository}"
        said.append(f"No check has looked at {entry.repository} since: run '{command}' if time allows.")
    else:
        depth = "read part of its data" if checked.part else "looked at its structure"
        said.append(f"A check of {entry.repository} at {checked.at:%Y-%m-%d %H:%M} UTC {depth} and passed.")
    return tuple(said)
