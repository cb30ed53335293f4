"""The state of the backups as Prometheus reads it, from our own ledger: a few queries and no restic."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from tocsin.backups.due import paused
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
    # Two snapshots of one second would be one series said twice, which Prometheus refuses whole.
    rows = list({tuple(labels.items()): (labels, row) for labels, row in _newest(connection)}.values())
    plans = freshness(connection, workspace, now)
    doubted = {one.plan for one in standing_suspicions(connection)}
    checked = list(_checks(connection))
    standing = _alarms(connection)
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
            "tocsin_backup_age_seconds",
            "Age of the plan's newest good snapshot; of a plan with several series, of the one that lags most.",
            [({"plan": one.plan}, one.age.total_seconds()) for one in plans if one.age is not None],
        ),
        (
            "tocsin_backup_rpo_seconds",
            "The age that is promised at most.",
            [({"plan": one.plan}, one.rpo.total_seconds()) for one in plans],
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
            "tocsin_backup_verdict",
            "The verdict on the newest snapshot, as a label.",
            [({**labels, "verdict": row.verdict}, 1) for labels, row in rows],
        ),
        (
            "tocsin_backup_plausibility",
            "Whether the newest snapshot looks like the firm's own work, as a label.",
            [({**labels, "state": row.plausibility or "unjudged"}, 1) for labels, row in rows],
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
        ("tocsin_backups_paused", "Whether scheduled backups are held.", [({}, paused(connection) is not None)]),
        ("tocsin_alarms_standing", "Alarms that stand.", [({}, sum(standing.values()))]),
        ("tocsin_alarms", "Alarms that stand, by kind.", [({"kind": kind}, n) for kind, n in standing.items()]),
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


def _alarms(connection: Connection) -> dict[str, int]:
    """Return how many alarms of each kind stand."""
    query = select(alarms.c.kind, func.count()).where(alarms.c.cleared_at.is_(None))
    rows = connection.execute(query.group_by(alarms.c.kind).order_by(alarms.c.kind))
    return {row[0]: row[1] for row in rows}


def _newest(connection: Connection) -> Iterator[tuple[dict[str, str], Row[Any]]]:
    """Yield the newest snapshot of each plan's files and dumps in each repository, with its operation's times."""
    last = (
        select(
            snapshots.c.backup_plan,
            snapshots.c.repository,
            snapshots.c.dump,
            func.max(snapshots.c.time, type_=snapshots.c.time.type).label("time"),
        )
        .where(snapshots.c.gone_at.is_(None), snapshots.c.verdict != "scratch")
        .group_by(snapshots.c.backup_plan, snapshots.c.repository, snapshots.c.dump)
        .subquery()
    )
    query = (
        select(snapshots, operations.c.started_at, operations.c.finished_at)
        .join(
            last,
            (last.c.backup_plan == snapshots.c.backup_plan)
            & (last.c.repository == snapshots.c.repository)
            & (last.c.dump == snapshots.c.dump)
            & (last.c.time == snapshots.c.time),
        )
        .join(operations, operations.c.id == snapshots.c.operation)
        .order_by(snapshots.c.backup_plan, snapshots.c.repository, snapshots.c.dump)
    )
    for row in connection.execute(query):
        dump = {"dump": row.dump} if row.dump else {}
        yield {"plan": row.backup_plan, "repository": row.repository, **dump}, row


def _checks(connection: Connection) -> Iterator[Row[Any]]:
    """Yield the last check of each repository."""
    last = select(checks.c.repository, func.max(checks.c.at, type_=checks.c.at.type).label("at"))
    newest = last.group_by(checks.c.repository).subquery()
    query = select(checks).join(
        newest, (newest.c.repository == checks.c.repository) & (newest.c.at == checks.c.at)
    )
    yield from connection.execute(query.order_by(checks.c.repository))
