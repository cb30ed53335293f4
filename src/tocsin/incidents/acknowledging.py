"""Say that one is on it: the pages of an incident end, its deadline alarms are not repeated."""

from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.incidents.alarms import acknowledge
from tocsin.incidents.paging import Page, acknowledge_page
from tocsin.store.need_to_know import must_be_theirs


def acknowledge_all(ctx: Context, incident_id: str) -> tuple[tuple[Page, ...], int]:
    """Acknowledge every page and alarm of an incident that waits; returns the pages, and how many alarms.

    Raises UsageError when nothing waits, Refused for a stranger or where the incident is not theirs to know.
    """
    with ctx.store.read() as connection:
        must_be_theirs(connection, incident_id)
    paged = acknowledge_page(ctx, incident_id)
    try:
        return paged, acknowledge(ctx, incident_id)
    except UsageError:
        if not paged:
            raise
        return paged, 0
