"""The report on paper, through typst, where that optional package is installed."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import import_module
from zoneinfo import ZoneInfo

from tocsin.context import Context
from tocsin.recovery.amounts import spell_bytes, spell_span
from tocsin.workspace import starter

_TEMPLATE = "drill.typ"
_NOT_MEASURED = "not measured"


def drill_pdf(ctx: Context, facts: Mapping[str, object], picture: str) -> bytes | None:
    """Return the report as PDF; None without typst, for the page says the same and any browser prints it."""
    try:
        typst = import_module("typst")
    except ImportError:
        return None
    template = starter() / "templates" / "reports" / _TEMPLATE
    content = {"report": json.dumps(_spelt(ctx, facts)), "picture": picture}
    try:
        return bytes(typst.compile(template.read_bytes(), sys_inputs=content))
    except RuntimeError:  # what typst raises: a verdict must not go unreported for want of its paper
        return None


def _spelt(ctx: Context, facts: Mapping[str, object]) -> object:
    """Return the facts with every span, size and time beside its own name as a person reads it."""
    zone = ZoneInfo(ctx.workspace.organisation.timezone)

    def spelt(value: object, name: str = "") -> object:
        if isinstance(value, Mapping):
            return {key: spelt(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [spelt(inner, name) for inner in value]
        if value is None and name.endswith("_ms") and name != "phases_ms":
            return _NOT_MEASURED
        if isinstance(value, int) and not isinstance(value, bool):
            if name.endswith("_ms") or name in {"fetch", "load", "verify", "start"}:
                return spell_span(timedelta(milliseconds=value))
            if name.startswith("bytes"):
                return spell_bytes(value)
        if isinstance(value, str) and name.endswith("at") and value.endswith("Z"):
            return datetime.fromisoformat(value).astimezone(zone).strftime("%A %d %B %Y, %H:%M:%S %Z")
        return value

    return spelt(facts)
