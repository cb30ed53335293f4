"""The day it is at the office: what commands that open no store measure dates by."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from tocsin.model.workspace import Workspace


def today_at(workspace: "Workspace") -> date:
    """Return today's date on the organisation's clock."""
    return datetime.now(UTC).astimezone(ZoneInfo(workspace.organisation.timezone)).date()
