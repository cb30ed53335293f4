"""The notices of a case: the very text that was approved, each mail as it was handed over, and the proofs."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from tocsin.context import Context
from tocsin.incidents.casefile.copies import Copy
from tocsin.law.clocks import show_utc
from tocsin.notices import Delivery, Notice, approvals_of, deliveries, notices, shown
from tocsin.notices.files import outbox_path, sender_of
from tocsin.notices.message import mail_message
from tocsin.notices.recipient_rows import counts_in, list_in

_TEXT = "approved.txt"
_GONE = ("trying", "sent", "unknown")


@dataclass(frozen=True, slots=True)
class Papers:
    """What the case says of the notices, and the files that go with it."""

    rows: tuple[dict[str, object], ...]
    files: Mapping[str, bytes]


def papers_of(ctx: Context, incident_id: str, copy: Copy) -> Papers:
    """Return the notices that belong into this copy. One that never left is listed, and its text is not in it."""
    rows: list[dict[str, object]] = []
    files: dict[str, bytes] = {}
    found = [each for each in notices(ctx, incident=incident_id) if copy.may_send(each.addressee)]
    for number, notice in enumerate(found, start=1):
        row, own = _paper(ctx, notice, copy, f"notices/{number:02d}-{_safe(notice.addressee)}/")
        rows.append(row)
        files |= own
    return Papers(tuple(rows), files)


def _paper(ctx: Context, notice: Notice, copy: Copy, folder: str) -> tuple[dict[str, object], dict[str, bytes]]:
    ways = deliveries(ctx, notice.id)
    left = notice.state in {"sent", "recorded"} or any(
        each.channel == "mail" and each.state in _GONE for each in ways
    )
    text, digest = _text(ctx, notice, ways)
    files: dict[str, bytes] = {}
    mails: list[dict[str, object]] = []
    if left and copy.names:
        files[folder + _TEXT] = text
        files |= _proofs(ctx, notice, folder)
    for each in ways:
        name = (
            f"{folder}mail-{1 + sum(one['file'] != '' for one in mails)}.eml"
            if each.channel == "mail" and each.state in _GONE
            else ""
        )
        if name and copy.names:
            files[name] = _mail(ctx, notice, each)
        mails.append(_delivery(each, copy, name if copy.names else ""))
    row: dict[str, object] = {
        "id": notice.id,
        "to": shown(ctx, notice.id).addressee.name,
        "addressee": notice.addressee,
        "template": notice.template,
        "state": notice.state,
        "left": left,
        "version": notice.version,
        "sha256": digest,
        "text_file": folder + _TEXT if folder + _TEXT in files else "",
        "text": text.decode() if folder + _TEXT in files else "",
        "proofs": sorted(name for name in files if "/proof" in name),
        "approvals": [
            {
                "person": copy.person(each.person),
                "decision": each.decision,
                "at": show_utc(each.at),
                "door": each.door,
                "sha256": each.shown_sha256,
                "reason": copy.said(each.reason),
            }
            for each in approvals_of(ctx, notice.id)
        ],
        "deliveries": mails,
        "to_many": _to_many(ctx, notice),
    }
    return row, files


def _text(ctx: Context, notice: Notice, ways: tuple[Delivery, ...]) -> tuple[bytes, str]:
    """Return the text as it was approved and sent: the outbox's file, if an address has changed since."""
    now = shown(ctx, notice.id)
    sent = {each.sha256 for each in ways}
    path = outbox_path(ctx, notice, ".md")
    if sent and now.sha256 not in sent and path.is_file():
        kept = path.read_bytes()
        if (digest := sha256(kept).hexdigest()) in sent:
            return kept, digest
    return now.text.encode(), now.sha256


def _mail(ctx: Context, notice: Notice, way: Delivery) -> bytes:
    return mail_message(
        notice.draft,
        sender=sender_of(ctx),
        to=(way.address,),
        message_id=way.message_id,
        date=way.intended_at,
    ).as_bytes()


def _delivery(way: Delivery, copy: Copy, name: str) -> dict[str, object]:
    return {
        "id": way.id,
        "channel": way.channel,
        "address": way.address if copy.names or way.channel == "file" else "",
        "message_id": way.message_id,
        "state": way.state,
        "intended_at": show_utc(way.intended_at),
        "finished_at": show_utc(way.finished_at) if way.finished_at else None,
        "detail": copy.said(way.detail),
        "file": name,
    }


def _proofs(ctx: Context, notice: Notice, folder: str) -> dict[str, bytes]:
    path = outbox_path(ctx, notice, ".proof")
    found = sorted(path.parent.glob(f"{path.name}*")) if path.parent.is_dir() else []
    return {
        f"{folder}proof-{number}{_safe_ending(each.suffix)}": each.read_bytes()
        for number, each in enumerate(found, start=1)
    }


def _to_many(ctx: Context, notice: Notice) -> dict[str, object] | None:
    """Return counts and the root over all letters. Whom they went to is in no case file."""
    with ctx.store.read() as connection:
        listed = list_in(connection, notice.id)
        counts = counts_in(connection, notice.id)
    if listed is None:
        return None
    return {
        "by_mail": listed.by_mail,
        "on_paper": listed.on_paper,
        "held": listed.held,
        "outcomes": dict(counts),
        "list_sha256": listed.sha256,
        "root": listed.root,
    }


def _safe(addressee: str) -> str:
    return "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in addressee.lower())[:40]


def _safe_ending(suffix: str) -> str:
    return suffix if suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= 6 else ".bin"  # noqa: PLR2004 - as any ending a computer knows
