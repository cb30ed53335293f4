"""Write the recovery kit and its page: sealed first, then put in each place, and journalled with its digest."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from tocsin.context import Context
from tocsin.durable import explained, write_durably
from tocsin.errors import OperationFailed, TocsinError, UsageError
from tocsin.recovery.kit.gathering import gather, lost_with_the_server
from tocsin.recovery.kit.page import kit_page
from tocsin.recovery.kit.sealing import seal
from tocsin.store.database import JsonValue
from tocsin.store.operations import begin, finish
from tocsin.store.schedules import claim_due, give_back
from tocsin.store.tables import operation as operations

KIND = "kit"
SUBJECT = "kit:recovery"
SCHEDULE = "kit:recovery"
PAGE = ".page.html"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: where, its SHA-256, how many keys and snapshots are in it, and what to mind.

    `faults` say which places could not be written; `lost` are repositories that would be gone with this machine.
    """

    places: tuple[Path, ...]
    pages: tuple[Path, ...]
    sha256: str
    keys: int
    snapshots: int
    faults: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def write_kit(ctx: Context, passphrase: str, places: Sequence[Path]) -> Written:
    """Write the kit to every place (0600), each as a whole, and its printable page beside it.

    Raises:
        UsageError: no place, or one inside the state folder; a passphrase that could be guessed.
        ConfigurationError, Temporary: a repository's secret cannot be read; nothing was written.
        OperationFailed: it could be written nowhere.
    """
    _refuse_places(ctx, places)
    operation = begin(ctx.store, ctx.actor, KIND, SUBJECT)
    try:
        kit = gather(ctx)
        sealed = seal(kit.packed(), passphrase, ctx.randomness)
        digest = hashlib.sha256(sealed).hexdigest()
        page = kit_page(ctx, kit, digest)
        written, pages, faults = [], [], []
        for place in places:
            try:
                with explained(place):
                    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_durably(place, sealed)
                ctx.crash.reach("kit:written")
                beside = place.with_name(place.name + PAGE)
                write_durably(beside, page.encode())
            except OperationFailed as fault:
                faults.append(str(fault))
            else:
                written.append(place)
                pages.append(beside)
        if not written:
            raise OperationFailed(" ".join(faults))
    except (TocsinError, KeyboardInterrupt) as fault:
        with ctx.store.write(ctx.actor) as tx:
            finish(tx, operation, "failed", {"error": type(fault).__name__})
        raise
    with ctx.store.write(ctx.actor) as tx:
        told: dict[str, JsonValue] = {"sha256": digest, "places": len(written), "snapshots": len(kit.ledger)}
        finish(tx, operation, "incomplete" if faults else "ok", told)
    ctx.store.sign_head(ctx.actor)
    lost = lost_with_the_server(kit)
    return Written(tuple(written), tuple(pages), digest, len(kit.secrets), len(kit.ledger), tuple(faults), lost)


def kit_if_due(ctx: Context, now: datetime) -> Written | None:
    """Write the kit if the workspace's schedule says so; None when it does not. Raises as `write_kit` does."""
    kit = ctx.workspace.recovery_kit
    if kit is None:
        return None
    due = claim_due(ctx.store, ctx.actor, SCHEDULE, kit.schedule, kit.zone, now)
    if due is None:
        return None
    try:
        places = [ctx.workspace.resolve(place) for place in kit.to]
        return write_kit(ctx, ctx.secrets.read(kit.passphrase), places)
    except (TocsinError, KeyboardInterrupt):
        give_back(ctx.store, ctx.actor, SCHEDULE, due)
        raise


def last_kit(connection: Connection) -> datetime | None:
    """Return when a kit was last written, or None."""
    query = select(operations.c.finished_at).where(operations.c.kind == KIND, operations.c.verdict == "ok")
    return connection.execute(query.order_by(operations.c.finished_at.desc()).limit(1)).scalar()


def _refuse_places(ctx: Context, places: Sequence[Path]) -> None:
    if not places:
        raise UsageError(
            "Where the kit goes is not said: give --to FILE, or write `recovery_kit:` into tocsin.yaml."
        )
    state = ctx.workspace.state_folder.resolve()
    for place in places:
        if place.is_dir():
            raise UsageError(f"{place} is a folder. Name the file, such as {place / 'kit.tocsin'}.")
        if place.resolve().is_relative_to(state):
            raise UsageError(
                f"{place} lies in the state folder, which is gone when the server is. Name another place."
            )
