"""The state of the backups as Prometheus reads it, from our own ledger: a few queries and no restic."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from tocsin.backups.freshness import Freshness, freshness
from tocsin.backups.suspecting import standing_suspicions
from tocsin.model.workspace import Workspace
from tocsin.store.tables import alarm as alarms
from tocsin.store.tables import operation as operations
from tocsin.store.tables import repository_check as checks
from tocsin.store.tables import snapshot as snapshots

Sample = tuple[dict[str, str], float]


def metrics(connection: Connection, workspace: Workspace, now: datetime) -> str:
    """Return the text to serve or to put where node_exporter's textfile collector finds it."""
    rows = list(_newest(connection))
    plans = freshness(connection, workspace, now)
    doubted = {one.plan for one in standing_suspicions(connection)}
    checked = list(_checks(connection))
    standing = connection.execute(select(func.count()).select_from(alarms).where(alarms.c.cleared_at.is_(None)))
    families: tuple[tuple[str, str, Iterable[Sample]], ...] = (
        (
            "tocsin_backup_fresh",
            "Whether the plan's newest good snapshot is younger than its RPO.",
            [({"plan": one.plan}, one.state is Freshness.FRESH) for one in plans],
        ),
        (
            "tocsin_backup_doubted",
            "Whether a plausibility alarm on the plan is not explained.",
            [({"plan": one.plan}, one.plan in doubted) for one in plans],
        ),
        (
            "tocsin_backup_newest_age_seconds",
            "Age of the newest snapshot, whatever its verdict.",
            [(labels, max((now - row.time).total_seconds(), 0)) for labels, row in rows],
        ),
        (
            "tocsin_backup_newest_good",
            "Whether the newest snapshot is whole and plausible.",
            [(labels, row.verdict == "ok" and row.plausibility != "flagged") for labels, row in rows],
        ),
        (
            "tocsin_backup_size_bytes",
            "Size of the newest snapshot.",
            [(labels, row.bytes) for labels, row in rows],
        ),
        ("tocsin_backup_files", "Files in the newest snapshot.", [(labels, row.files) for labels, row in rows]),
        (
            "tocsin_backup_duration_seconds",
            "How long the newest snapshot took.",
            [
                (labels, (row.finished_at - row.started_at).total_seconds())
                for labels, row in rows
                if row.finished_at is not None
            ],
        ),
        (
            "tocsin_repository_sound",
            "Whether the last check of the repository passed.",
            [({"repository": row.repository}, row.ok) for row in checked],
        ),
        (
            "tocsin_repository_check_age_seconds",
            "Time since the repository was last checked.",
            [({"repository": row.repository}, max((now - row.at).total_seconds(), 0)) for row in checked],
        ),
        ("tocsin_alarms_standing", "Alarms that stand.", [({}, standing.scalar_one())]),
    )
    return "".join(line for family in families for line in _family(*family))


def _family(name: str, meaning: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {meaning}\n# TYPE {name} gauge\n"
    for labels, value in samples:
        told = ",".join(f'{key}="{_escaped(word)}"' for key, word in labels.items())
        # Not `g`: it would round a size to six digits.
        number = f"{value:.3f}".rstrip("0").rstrip(".")
        yield f"{name}{{{told}}} {number}\n" if told else f"{name} {number}\n"


def _escaped(word: str) -> str:
    return word.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _newest(connection: Connection) -> Iterator[tuple[dict[str, str], Row[Any]]]:
    """Yield the newest snapshot of each plan in each repository, with its operation's times."""
    last = (
        select(
            snapshots.c.backup_plan,
            snapshots.c.repository,
            func.max(snapshots.c.time, type_=snapshots.c.time.type).label("time"),
        )
        .where(snapshots.c.gone_at.is_(None), snapshots.c.verdict != "scratch")
        .group_by(snapshots.c.backup_plan, snapshots.c.repository)
        .subquery()
    )
    query = (
        select(snapshots, operations.c.started_at, operations.c.finished_at)
        .join(
            last,
            (last.c.backup_plan == snapshots.c.backup_plan)
            & (last.c.repository == snapshots.c.repository)
            & (last.c.time == snapshots.c.time),
        )
        .join(operations, operations.c.id == snapshots.c.operation)
        .order_by(snapshots.c.backup_plan, snapshots.c.repository)
    )
    for row in connection.execute(query):
        yield {"plan": row.backup_plan, "repository": row.repository}, row


def _checks(connection: Connection) -> Iterator[Row[Any]]:
    """Yield the last check of each repository."""
    last = select(checks.c.repository, func.max(checks.c.at, type_=checks.c.at.type).label("at"))
    newest = last.group_by(checks.c.repository).subquery()
    query = select(checks).join(
        newest, (newest.c.repository == checks.c.repository) & (newest.c.at == checks.c.at)
    )
    yield from connection.execute(query.order_by(checks.c.repository))
