"""What earlier drills said, read from the operations our store keeps."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from tocsin.store.tables import operation as operations

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PastDrill:
    """One earlier drill. `verdict` is `passed`, `failed`, `could-not-run`, `unknown`, or None while it runs."""

    operation: str
    started_at: datetime
    finished_at: datetime | None
    verdict: str | None
    repository: str | None
    rto: timedelta | None
    rto_target: timedelta | None
    rpo: timedelta | None
    report: str | None


def drill_history(connection: Connection, drill_id: str, *, limit: int = 100) -> tuple[PastDrill, ...]:
    """Return a drill's runs, the newest first."""
    query = (
        select(operations)
        .where(operations.c.kind == "drill", operations.c.subject == f"drill:{drill_id}")
        .order_by(operations.c.started_at.desc())
        .limit(limit)
    )
    return tuple(
        PastDrill(
            operation=row.id,
            started_at=row.started_at,
            finished_at=row.finished_at,
            verdict=UNKNOWN if row.state == UNKNOWN else row.verdict,
            repository=_text(row.detail, "repository"),
            rto=_milliseconds(row.detail, "rto_ms"),
            rto_target=_milliseconds(row.detail, "rto_target_ms"),
            rpo=_milliseconds(row.detail, "rpo_ms"),
            report=_text(row.detail, "report"),
        )
        for row in connection.execute(query)
    )


def last_drill(connection: Connection, drill_id: str) -> PastDrill | None:
    """Return a drill's newest run that has ended, or None."""
    return next((past for past in drill_history(connection, drill_id) if past.verdict is not None), None)


def _milliseconds(detail: dict[str, object] | None, name: str) -> timedelta | None:
    value = (detail or {}).get(name)
    return timedelta(milliseconds=value) if isinstance(value, int) else None


def _text(detail: dict[str, object] | None, name: str) -> str | None:
    value = (detail or {}).get(name)
    return value if isinstance(value, str) else None
