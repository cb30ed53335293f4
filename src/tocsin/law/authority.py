"""Who regulates data protection in the United Kingdom, by date. Names change; the brand "ICO" stays."""

from datetime import date, datetime

from tocsin.errors import UsageError
from tocsin.law.files import read_data

BRAND = "ICO"


def authority(at: date) -> str:
    """Return the regulator's statutory name on a day (Data (Use and Access) Act 2025 ss.118, 119)."""
    day = at.date() if isinstance(at, datetime) else at
    for entry in read_data("authorities")["authorities"]:
        if entry["from"] <= day and (entry["to"] is None or day <= entry["to"]):
            name: str = entry["name"]
            return name
    raise UsageError(f"Who the regulator was on {day.isoformat()} is not recorded; it is from 25 May 2018 on.")
