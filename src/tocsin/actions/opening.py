"""Open an action: somebody answers for it, by a day, and what will prove it is fixed from the start."""

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import func, insert, select

from tocsin.actions.ledger import today
from tocsin.actions.proof import Proof, check_proof
from tocsin.context import Context
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.findings import finding_named
from tocsin.model.vocabulary import Cause
from tocsin.model.workspace import Workspace
from tocsin.store.columns import storable
from tocsin.store.database import Transaction
from tocsin.store.need_to_know import must_be_theirs
from tocsin.store.tables import action, incident

SOURCES = ("review", "incident", "finding", "drill", "exercise", "practice", "person")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An action as it is asked for. `source_id` names the incident, finding, drill or sheet it came from."""

    title: str
    risk: str
    owner: str
    due_on: date
    proof: Proof
    deputy: str | None = None
    source: str = "person"
    source_id: str = ""
    incident: str | None = None
    causes: tuple[str, ...] = ()


def open_action(ctx: Context, wanted: Wanted) -> str:
    """Open an action and return its id. Raises UsageError for what cannot be; nothing is changed then."""
    with ctx.store.write(ctx.actor) as tx:
        identity = open_in(tx, ctx.workspace, wanted)
    ctx.store.sign_head(ctx.actor)
    return identity


def open_in(tx: Transaction, workspace: Workspace, wanted: Wanted) -> str:
    """Open an action within a transaction: practices, drills and reviews open theirs beside their own rows."""
    wanted = _checked(tx, workspace, wanted)
    prefix = f"ACT-{tx.now.year}-"
    count = select(func.count()).select_from(action).where(action.c.id.startswith(prefix))
    identity = f"{prefix}{(tx.execute(count).scalar() or 0) + 1:03}"
    tx.execute(
        insert(action).values(
            id=identity,
            title=storable(wanted.title.strip()),
            risk=storable(wanted.risk.strip()),
            owner=wanted.owner,
            deputy=wanted.deputy,
            due_on=wanted.due_on.isoformat(),
            source=wanted.source,
            source_id=wanted.source_id,
            incident=wanted.incident,
            causes=list(wanted.causes),
            proof=wanted.proof.as_json(),
            state="open",
            opened_by=tx.actor.person,
            opened_at=tx.now,
            reopened=0,
        )
    )
    told = {
        "owner": wanted.owner,
        "due_on": wanted.due_on.isoformat(),
        "source": wanted.source,
        "source_id": wanted.source_id,
        "incident": wanted.incident,
        "proof": wanted.proof.kind,
    }
    tx.record("action.opened", f"action:{identity}", dict(told), {"title": wanted.title, "risk": wanted.risk})
    return identity


def _checked(tx: Transaction, workspace: Workspace, wanted: Wanted) -> Wanted:
    """Return it with its incident's causes. What is wrong is said before anything is written."""
    if not wanted.title.strip() or not wanted.risk.strip():
        raise UsageError("An action needs a title, and the risk it lowers (--risk TEXT). Nothing was changed.")
    for person in filter(None, (wanted.owner, wanted.deputy)):
        if person not in workspace.people:
            near = did_you_mean(person, workspace.people)
            raise UsageError(f"There is no person {person!r} in the workspace.{near} Nothing was changed.")
    if wanted.deputy == wanted.owner:
        raise UsageError(f"{wanted.owner} cannot be their own deputy. Nothing was changed.")
    if wanted.due_on < today(workspace, tx.now):
        raise UsageError(f"{wanted.due_on} has passed. An action is due today or later. Nothing was changed.")
    check_proof(wanted.proof, workspace)
    if unknown := [cause for cause in wanted.causes if cause not in {each.value for each in Cause}]:
        near = did_you_mean(unknown[0], [each.value for each in Cause])
        raise UsageError(f"There is no cause {unknown[0]!r}.{near} Nothing was changed.")
    deputy = wanted.deputy
    if deputy is None and (stands_in := workspace.deputy_of(wanted.owner)):
        deputy = stands_in.id
    wanted = replace(wanted, deputy=deputy)
    if wanted.source == "finding":
        kept = finding_named(tx.connection, wanted.source_id)
        if kept.settled_at is not None:
            raise Refused(f"The finding {kept.id[:8]} is settled already. Nothing was changed.")
        wanted = replace(wanted, source_id=kept.id)
    return _with_incident(tx, wanted)


def _with_incident(tx: Transaction, wanted: Wanted) -> Wanted:
    if wanted.incident is None:
        return wanted
    must_be_theirs(tx.connection, wanted.incident)
    row = tx.execute(select(incident.c.cause).where(incident.c.id == wanted.incident)).one_or_none()
    if row is None:
        raise UsageError(
            f"There is no incident {wanted.incident!r}. See: tocsin incident list. Nothing was changed."
        )
    causes = dict.fromkeys([*wanted.causes, *([row.cause] if row.cause else [])])
    return replace(wanted, causes=tuple(causes))
