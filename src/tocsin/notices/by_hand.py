"""Sent by hand: the ICO's online form, a letter, a call. Recorded with what proves it."""

import hashlib
from pathlib import Path

from sqlalchemy import update

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import Refused, UsageError
from tocsin.notices.approval import refuse_unready
from tocsin.notices.deliveries import rows_of
from tocsin.notices.files import outbox_path, write_files
from tocsin.notices.register import Notice, Shown, notice_of, require_person, shown
from tocsin.store.tables import delivery, notice

_LONGEST_PROOF_BYTES = 25_000_000


def record_sent(ctx: Context, identity: str, *, reference: str | None = None, proof: Path | None = None) -> Notice:
    """Record that an approved notice was sent by hand: with a reference (a case number), a file as proof, or both.

    The proof is copied beside the notice in the outbox and its hash journalled. Raises UsageError without
    either, Refused when the text was not approved or a mail of it is still of unknown outcome.
    """
    require_person(ctx.workspace, ctx.actor, "record that a notice was sent")
    exact = shown(ctx, identity)
    if exact.notice.state == "recorded":
        return exact.notice
    if not (reference or "").strip() and proof is None:
        raise UsageError(
            "Say how it can be proved: --reference (a case or message number) or --proof FILE, or both."
        )
    refuse_unready(ctx, exact)
    write_files(ctx, exact)
    proof_sha256 = keep_proof(ctx, exact, proof) if proof else None
    with ctx.store.write(ctx.actor) as tx:
        if any(row.state in {"trying", "unknown"} for row in rows_of(tx.connection, exact.notice)):
            raise Refused(
                f"A mail of notice {exact.notice.id[:8]} may have gone out. Resolve that first: "
                "`tocsin notice resolve`. Nothing was recorded."
            )
        tx.execute(update(notice).where(notice.c.id == exact.notice.id).values(state="recorded", left_at=tx.now))
        tx.execute(
            update(delivery)
            .where(delivery.c.notice == exact.notice.id, delivery.c.state == "intended")
            .values(state="failed", finished_at=tx.now, detail="sent by hand instead")
        )
        tx.record(
            "notice.recorded",
            f"notice:{exact.notice.id}",
            {
                "notice": exact.notice.id,
                "version": exact.notice.version,
                "sha256": exact.sha256,
                "proof_sha256": proof_sha256,
            },
            {"reference": reference} if reference else None,
        )
    ctx.crash.reach("notice:recorded")
    return notice_of(ctx, exact.notice.id)


def keep_proof(ctx: Context, exact: Shown, proof: Path) -> str:
    """Copy a proof beside the notice in the outbox and return its SHA-256. Raises UsageError when it cannot."""
    try:
        size = proof.stat().st_size
        content = proof.read_bytes() if size <= _LONGEST_PROOF_BYTES else b""
    except OSError as fault:
        raise UsageError(f"The proof {proof} cannot be read: {fault.strerror}. Nothing was recorded.") from fault
    if not content:
        raise UsageError(f"The proof {proof} is empty or above 25 MB. Nothing was recorded.")
    digest = hashlib.sha256(content).hexdigest()
    path = outbox_path(ctx, exact.notice, f".proof{proof.suffix.lower()}")
    private_folder(path.parent)
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        # Letters may be posted in more than one batch, each with a receipt of its own.
        path = outbox_path(ctx, exact.notice, f".proof-{digest[:8]}{proof.suffix.lower()}")
    write_durably(path, content)
    return digest
