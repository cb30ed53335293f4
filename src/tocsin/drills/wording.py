"""Times as the journal and the reports write them."""

from datetime import datetime, timedelta


def milliseconds(span: timedelta | None) -> int | None:
    """Return a span in whole milliseconds: the journal holds no fractions."""
    return None if span is None else round(span.total_seconds() * 1000)


def instant(moment: datetime | None) -> str | None:
    """Return a time as UTC text to the second."""
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")
