"""Which claims of absence the facts in force carry: "no data was taken" is said only where it was found out."""

from typing import Final

from sqlalchemy import Connection, select

from tocsin.law.facts import FactPatch, fold
from tocsin.model.document import Data
from tocsin.notices.addressees import client_of, is_about_all
from tocsin.notices.guard import NOT_MISUSED, NOT_TAKEN
from tocsin.store.tables import fact

_OURSELVES: Final = "ourselves"


def claims_carried(connection: Connection, incident: str, addressee: str) -> frozenset[str]:
    """Return `not_taken` where exfiltration is ruled out on complete logs, `not_misused` where that is stated."""
    whose = "" if is_about_all(addressee) else client_of(addressee) or _OURSELVES
    query = (
        select(fact)
        .where(fact.c.incident == incident, fact.c.controller.in_({"", whose}))
        .order_by(fact.c.controller, fact.c.version)
    )
    facts = fold(
        FactPatch(row.path, row.value, row.stated_by, row.stated_at, row.evidence)
        for row in connection.execute(query)
    )
    return claims_in(facts)


def claims_in(facts: dict[str, Data]) -> frozenset[str]:
    """Return the claims that a facts document carries. Pure."""
    taken = facts.get("exfiltration") == "ruled_out" and facts.get("logs") == "complete"
    misused = facts.get("misuse_seen") in ("no", False)
    return frozenset(word for word, holds in ((NOT_TAKEN, taken), (NOT_MISUSED, misused)) if holds)
