"""How far each system is proven, and when: read from the drills and checks that our store keeps; no restic.

A system is proven by a backup plan as far as the best of its copies is, and altogether as far as the least of its
plans.
"""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, select

from tocsin.model.coverage import plans_by_system
from tocsin.model.ladder import Proof, Proven, Rung, highest, lowest, proven_by
from tocsin.model.workspace import Workspace
from tocsin.store.tables import operation as operations
from tocsin.store.tables import repository_check as checks

# Four a day for a year: what is older says nothing that a newer one does not.
_MOST = 1500


@dataclass(frozen=True, slots=True)
class SystemProof:
    """How far one system is proven. `plans` are the backup plans that cover it, none at times."""

    system: str
    proven: Proven
    plans: tuple[str, ...]


def proven_systems(connection: Connection, workspace: Workspace) -> tuple[SystemProof, ...]:
    """Return every system of the workspace, the least proven first."""
    checked = _proofs_of_checks(connection)
    drilled = _proofs_of_drills(connection, workspace)
    found = []
    for system, plans in plans_by_system(workspace).items():
        proven = [
            highest(
                proven_by([*checked[repository], *drilled[system, plan.id, repository]])
                for repository in plan.repositories
            )
            for plan in plans
        ]
        found.append(SystemProof(system, lowest(proven), tuple(plan.id for plan in plans)))
    return tuple(sorted(found, key=lambda one: one.proven.rung.height if one.proven.rung else -1))


def _proofs_of_checks(connection: Connection) -> dict[str, list[Proof]]:
    query = select(checks.c.repository, checks.c.at, checks.c.ok, checks.c.part, checks.c.parts)
    found: dict[str, list[Proof]] = defaultdict(list)
    for row in connection.execute(query.order_by(checks.c.at.desc()).limit(_MOST)):
        share = f"check of part {row.part} of {row.parts}" if row.parts > 1 else "check"
        reached, broken = (Rung.L1, None) if row.ok else (Rung.L0, Rung.L1)
        found[row.repository].append(Proof(row.at, reached, broken, share))
    return found


def _proofs_of_drills(connection: Connection, workspace: Workspace) -> dict[tuple[str, str, str], list[Proof]]:
    """Return what the drills said, by system, backup plan and repository."""
    plans = {f"drill:{drill.id}": drill.backup_plan for drill in workspace.drills.values()}
    query = select(operations.c.subject, operations.c.finished_at, operations.c.detail).where(
        operations.c.kind == "drill", operations.c.state == "finished", operations.c.subject.in_(plans)
    )
    found: dict[tuple[str, str, str], list[Proof]] = defaultdict(list)
    for row in connection.execute(query.order_by(operations.c.started_at.desc()).limit(_MOST)):
        detail = row.detail or {}
        by = f"{row.subject}, a part of it" if detail.get("part") else row.subject
        for system, pair in dict(detail.get("proved") or {}).items():
            reached, broken = (_rung(each) for each in pair)
            if reached or broken:  # else it could not run, and proved nothing
                key = (system, plans[row.subject], str(detail.get("repository")))
                found[key].append(Proof(row.finished_at, reached, broken, by))
    return found


def _rung(value: object) -> Rung | None:
    return Rung(value) if isinstance(value, str) and value in Rung.__members__ else None
