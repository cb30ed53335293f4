"""Proofs by the calendar: that a repository refuses to be harmed, and that the safe's key opens it.

    repositories: offsite: {proofs: {append_only: 30d, key: 90d}}

The first is tried by the machine, with its own credentials, whenever the last try is that old. The second needs a
person and the safe; when it is due an alarm says so, as it does for a proof that failed or could not be tried.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from tocsin.alarms import Alarm
from tocsin.backups.key_check import KIND as KEY_CHECK
from tocsin.backups.out_of_reach import KIND as APPEND_ONLY
from tocsin.backups.out_of_reach import prove_append_only
from tocsin.context import Context
from tocsin.model.protection import Repository
from tocsin.model.workspace import Workspace
from tocsin.store.tables import operation as operations

OVERDUE, REFUTED = "proof.overdue", "proof.refuted"
KEY_OVERDUE, KEY_USELESS = "key.unchecked", "key.useless"
KINDS = (OVERDUE, REFUTED, KEY_OVERDUE, KEY_USELESS)
# The machine tries by itself; only when it has not managed to for so long is it a person's matter.
GRACE = timedelta(days=2)
_TOLD = {APPEND_ONLY: ("proven", "refuted"), KEY_CHECK: ("opens", "does-not-open")}


@dataclass(frozen=True, slots=True)
class LastProof:
    """The last proof of a kind that came to an end, whatever it showed."""

    verdict: str
    at: datetime


def last_proofs(connection: Connection) -> dict[tuple[str, str], LastProof]:
    """Return the last proof of each kind and repository: `("append-only-proof", "offsite")`."""
    query = select(operations).where(operations.c.kind.in_(_TOLD), operations.c.state == "finished")
    found = {}
    for row in connection.execute(query.order_by(operations.c.finished_at)):
        if row.verdict in _TOLD[row.kind]:
            found[row.kind, row.subject.removeprefix("repository:")] = LastProof(row.verdict, row.finished_at)
    return found


def is_proof_due(ctx: Context, repository: Repository, now: datetime) -> bool:
    """Tell whether this machine should try again what a repository lets through."""
    every = repository.proofs.append_only if repository.proofs else None
    if every is None:
        return False
    with ctx.store.read() as connection:
        last = last_proofs(connection).get((APPEND_ONLY, repository.id))
    return last is None or now - last.at >= every


def prove_if_due(ctx: Context, repository: Repository, now: datetime) -> str | None:
    """Try it if it is due, with the first plan that uses it; return what came of it, None when nothing was due.

    Raises what `prove_append_only` raises; it is then due as before.
    """
    plan = next((one.id for one in ctx.workspace.backup_plans.values() if repository.id in one.repositories), None)
    if plan is None or not is_proof_due(ctx, repository, now):
        return None
    (proof,) = prove_append_only(ctx, plan, repository=repository.id)
    let = ", ".join(str(act) for act, refused in proof.refused.items() if not refused)
    return (
        f"{repository.id}: NOT out of reach, this machine can {let}." if let else f"{repository.id}: out of reach."
    )


def proof_alarms(connection: Connection, workspace: Workspace, now: datetime) -> Iterator[Alarm]:
    """Yield an alarm for each proof that failed or is overdue."""
    wanted = [one for one in workspace.repositories.values() if one.proofs]
    last = last_proofs(connection) if wanted else {}
    for repository in wanted:
        yield from _append_only(repository, last.get((APPEND_ONLY, repository.id)), now)
        yield from _key(repository, last.get((KEY_CHECK, repository.id)), now)


def _append_only(repository: Repository, last: LastProof | None, now: datetime) -> Iterator[Alarm]:
    every = repository.proofs.append_only if repository.proofs else None
    if every is None:
        return
    name, subject = repository.id, f"repository:{repository.id}"
    if last is not None and last.verdict == "refuted":
        text = (
            f"The repository {name} is not out of reach: on {last.at:%Y-%m-%d} our own credentials could harm it. "
            "Make its server append-only, then run 'tocsin backup prove-append-only'."
        )
        yield Alarm(REFUTED, subject, text)
    elif last is None or now - last.at > every + GRACE:
        since = f"was last proved on {last.at:%Y-%m-%d}" if last else "was never proved"
        text = f"That {name} is out of reach {since}. Run 'tocsin backup maintain' and see why."
        yield Alarm(OVERDUE, subject, text)


def _key(repository: Repository, last: LastProof | None, now: datetime) -> Iterator[Alarm]:
    every = repository.proofs.key if repository.proofs else None
    if every is None:
        return
    name, subject = repository.id, f"repository:{repository.id}"
    how = f"'tocsin backup key-check {name} --key FILE'"
    if last is not None and last.verdict == "does-not-open":
        text = f"The key in the safe does not open {name}. Put the right one there today, then run {how}."
        yield Alarm(KEY_USELESS, subject, text)
    elif last is None or now - last.at > every:
        since = f"was last tried on {last.at:%Y-%m-%d}" if last else "was never tried"
        yield Alarm(KEY_OVERDUE, subject, f"The key of {name} in the safe {since}. Run {how}.")
