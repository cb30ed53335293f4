"""The versions of a notice, compared: what an approver has not read yet."""

import difflib
from dataclasses import dataclass

from sqlalchemy import select

from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.notices.register import notice_of
from tocsin.store.tables import approval, notice_version


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions of one notice and what differs; `text` is a unified diff, empty where nothing does."""

    notice: str
    older: int
    newer: int
    edited_by: str
    text: str


def compared(ctx: Context, identity: str, older: int | None = None) -> Compared:
    """Compare the current version with an earlier one: by default the last approved, else the one before.

    Raises UsageError for a version that does not exist.
    """
    current = notice_of(ctx, identity)
    with ctx.store.read() as connection:
        rows = connection.execute(select(notice_version).where(notice_version.c.notice == current.id)).all()
        approved = set(
            connection.execute(
                select(approval.c.at).where(
                    approval.c.subject == f"notice:{current.id}", approval.c.decision == "approved"
                )
            ).scalars()
        )
    texts = {row.version: f"Subject: {row.subject}\n\n{row.body}" for row in rows}
    if older is None:
        # By time and not by hash: what was approved of a letter to many is its text with its list.
        then = [[row.version for row in rows if row.edited_at <= at] for at in approved]
        read = [max(known) for known in then if known and max(known) < current.version]
        older = max(read, default=max(current.version - 1, 1))
    if older not in texts:
        raise UsageError(f"Notice {current.id[:8]} has versions 1 to {current.version}, not {older}.")
    lines = difflib.unified_diff(
        texts[older].splitlines(),
        texts[current.version].splitlines(),
        f"version {older}",
        f"version {current.version}",
        lineterm="",
        n=2,
    )
    return Compared(current.id, older, current.version, current.edited_by, "\n".join(lines))
