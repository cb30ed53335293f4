"""What waits for a person and can be decided from Slack: steps of runs, and drafts of notices.

A button carries a name for it that means nothing to anybody who was not told it by us; what it stands for is
looked up among what waits at that moment. A button of yesterday so finds nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from sqlalchemy import Connection, select

from tocsin.model.workspace import Workspace
from tocsin.notices import approvers
from tocsin.store.tables import notice, step
from tocsin.tonight import Waiting
from tocsin.tonight.unfinished import waiting_steps

NOTICE = "notice"
BY_HAND = "by_hand"
"""A notice that was approved and that no mail carries: somebody sends it, and records that on the command line."""
_BY_STEP = ("approve", "ask", "task", "decide")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that waits. `name` is what a button carries; `kind` is `approve`, `ask`, `notice`, `failed`…"""

    name: str
    kind: str
    incident: str
    run: str = ""
    step: str = ""
    notice: str = ""
    question: str = ""
    who: str = ""
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def can_be_done_here(self) -> bool:
        """Whether there is a button for it; for the rest the command line is named."""
        return self.kind in (*_BY_STEP, NOTICE)


def waiting_for(connection: Connection, workspace: Workspace, incident: str | None = None) -> tuple[Item, ...]:
    """Return what waits, in one incident or in all; the failed steps first, then in the order of the runs."""
    told = _told_as_drafts(connection)
    steps = [
        _of_step(one)
        for one in waiting_steps(connection, workspace)
        if one.incident and (one.run, one.step) not in told
    ]
    found = [*steps, *_drafts(connection, workspace)]
    return tuple(item for item in found if incident in (None, item.incident))


def item_named(connection: Connection, workspace: Workspace, name: str) -> Item | None:
    """Return what a button stands for, if it still waits."""
    return next((item for item in waiting_for(connection, workspace) if item.name == name), None)


def _told_as_drafts(connection: Connection) -> set[tuple[str, str]]:
    """Return the steps that wait for a draft to be approved: the draft itself is what waits."""
    query = select(step.c.run, step.c.key, step.c.asked).where(step.c.state == "waiting")
    return {
        (row.run, row.key)
        for row in connection.execute(query)
        if (row.asked or {}).get("kind") == NOTICE and row.asked.get("state") == "draft"
    }


def _of_step(one: Waiting) -> Item:
    return Item(
        name=_name("step", one.run, one.step),
        kind=BY_HAND if one.kind == NOTICE else one.kind,
        incident=str(one.incident),
        run=one.run,
        step=one.step,
        question=one.question,
        who=one.who,
    )


def _drafts(connection: Connection, workspace: Workspace) -> list[Item]:
    rows = connection.execute(
        select(notice.c.id, notice.c.incident, notice.c.addressee, notice.c.duty)
        .where(notice.c.state == "draft")
        .order_by(notice.c.drafted_at, notice.c.id)
    )
    who = ", ".join(workspace.people[person].name for person in approvers(workspace))
    return [
        Item(
            name=_name("notice", row.id),
            kind=NOTICE,
            incident=row.incident,
            notice=row.id,
            question=f"The notice to {_addressee(workspace, row.addressee)}",
            who=who,
            details={"duty": row.duty},
        )
        for row in rows
    ]


def _addressee(workspace: Workspace, addressee: str) -> str:
    client = workspace.clients.get(addressee.partition(":")[2] or addressee)
    return client.name if client else addressee


def _name(*parts: str) -> str:
    return sha256("|".join(("tocsin", *parts)).encode()).hexdigest()[:32]
