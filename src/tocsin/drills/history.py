"""What earlier drills said, read from the operations our store keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from tocsin.model.ladder import Rung
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
    reached: Rung | None = None
    broken: Rung | None = None
    part: bool = False
    values: Mapping[str, int] = field(default_factory=dict)


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
            reached=_rung(row.detail, "reached"),
            broken=_rung(row.detail, "broken"),
            part=bool((row.detail or {}).get("part")),
            values=_values(row.detail),
        )
        for row in connection.execute(query)
    )


def last_drill(connection: Connection, drill_id: str) -> PastDrill | None:
    """Return a drill's newest run that has ended, or None."""
    return next((past for past in drill_history(connection, drill_id) if past.verdict is not None), None)


def last_shown_to_fail(connection: Connection, drill_id: str) -> tuple[datetime, str] | None:
    """Return when a drill was last made to fail, and what came of it (`failed-rightly`); None when never."""
    query = select(operations.c.started_at, operations.c.verdict).where(
        operations.c.kind == "drill-proof",
        operations.c.subject == f"drill:{drill_id}",
        operations.c.state == "finished",
    )
    row = connection.execute(query.order_by(operations.c.started_at.desc()).limit(1)).one_or_none()
    return None if row is None else (row.started_at, row.verdict)


def _rung(detail: dict[str, object] | None, name: str) -> Rung | None:
    value = (detail or {}).get(name)
    return Rung(value) if isinstance(value, str) and value in Rung.__members__ else None


def _values(detail: dict[str, object] | None) -> dict[str, int]:
    found = (detail or {}).get("values")
    return {key: value for key, value in found.items() if type(value) is int} if isinstance(found, dict) else {}


def _milliseconds(detail: dict[str, object] | None, name: str) -> timedelta | None:
    value = (detail or {}).get(name)
    return timedelta(milliseconds=value) if isinstance(value, int) else None


def _text(detail: dict[str, object] | None, name: str) -> str | None:
    value = (detail or {}).get(name)
    return value if isinstance(value, str) else None
