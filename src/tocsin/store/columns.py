"""Column types that mean the same on SQLite and PostgreSQL."""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Dialect, String, Text
from sqlalchemy.types import TypeDecorator


def instant_text(moment: datetime) -> str:
    """Return an aware time as fixed-width UTC text, so that text order is time order."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be recorded")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def storable(text: str) -> str:
    r"""Return a text both databases can keep: NUL and the bytes of an undecodable file name are written as `\x00`.

    At three in the morning a strange file name must not be what stops a report.
    """
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", r"\x00")


def fitting(text: str, column: Column[str]) -> str:
    """Return `text` if `column` can hold it; SQLite would take any length and PostgreSQL would not.

    Raises ValueError when it is empty, too long, or has characters nobody can read.
    """
    limit = column.type.length if isinstance(column.type, String) else None
    if not text or not text.isprintable() or (limit is not None and len(text) > limit):
        raise ValueError(
            f"{text[:200]!r} cannot be a {column.name}: one line of 1 to {limit} printable characters"
        )
    return text


class Instant(TypeDecorator[datetime]):
    """An aware UTC time, kept as text: the journal, both databases and a person read the same characters."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Write the fixed-width text; a naive time is refused."""
        return None if value is None else instant_text(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ANN401 - SQLAlchemy's own signature
        """Read an aware UTC time."""
        return None if value is None else datetime.fromisoformat(value)


class Json(TypeDecorator[Any]):
    """A JSON document kept as text with sorted keys; None stays SQL NULL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:  # noqa: ANN401
        """Write compact text."""
        if value is None:
            return None
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any:  # noqa: ANN401
        """Read it back."""
        return None if value is None else json.loads(value)
