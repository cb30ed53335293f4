"""Sizes and time spans, as a person reads them."""

from datetime import timedelta


def spell_bytes(count: int) -> str:
    """Return a size as a person reads it: `1.2 GB`."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - a thousand of one unit is one of the next
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def spell_span(span: timedelta) -> str:
    """Return a time span as a person reads it: `0.8 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    seconds = span.total_seconds()
    if seconds < 100:  # noqa: PLR2004 - below, tenths of a second still mean something
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 100:  # noqa: PLR2004
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:  # noqa: PLR2004
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"
