"""Delivery reports (RFC 3464), read from a folder, a mailbox file or single mails: which letters did not arrive.

    for report in reports_in(path): …     one for each reader that a report speaks of

What is no report is handed on as such, to be counted; nothing is guessed at.

A report is matched by the Message-ID of the mail that it returns, by the key in the address it came back to, and
only without either by the reader's address.
"""

import email
import mailbox
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import Message
from pathlib import Path
from typing import Final

from tocsin.errors import UsageError

MOST_BYTES: Final = 10_000_000
_KEY: Final = re.compile(r"\b[0-9a-f]{32}\b")
_CODE: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_MBOX: Final = b"From "


@dataclass(frozen=True, slots=True)
class Report:
    """What one report says of one reader. `keys` may hold the letter's key; `code` is such as `5.1.1`.

    `action` is `failed`, `delayed`, `delivered`…, or empty where the mail is no delivery report at all.
    """

    keys: tuple[str, ...]
    returned: bool
    address: str
    action: str
    code: str


def reports_in(path: Path) -> Iterator[Report]:
    """Read a Maildir, a folder of .eml files, an mbox file or one mail. Raises UsageError when it cannot."""
    for content in _mails(path):
        yield from reports_of(content)


def reports_of(content: bytes) -> tuple[Report, ...]:
    """Return what one mail reports; one Report without an action when it reports nothing."""
    nothing = (Report((), returned=False, address="", action="", code=""),)
    if len(content) > MOST_BYTES:
        return nothing
    try:
        found = tuple(_reported(email.message_from_bytes(content, policy=policy.compat32)))
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        # Anybody may send us anything; what cannot be read is counted as not understood.
        return nothing
    return found or nothing


def _reported(message: Message) -> Iterator[Report]:
    statuses: list[Message] = []
    returned = ""
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status" and isinstance(part.get_payload(), list):
            statuses += [block for block in part.get_payload() if isinstance(block, Message)]
        elif kind == "message/rfc822" and part.is_multipart():
            inner = next((each for each in list(part.get_payload()) if isinstance(each, Message)), part)
            returned = returned or str(inner.get("Message-ID", ""))
        elif kind == "text/rfc822-headers":
            body = part.get_payload(decode=True)
            head = email.message_from_bytes(body if isinstance(body, bytes) else b"", policy=policy.compat32)
            returned = returned or str(head.get("Message-ID", ""))
    came_back_to = " ".join(str(message.get(name, "")) for name in ("To", "Delivered-To", "X-Original-To"))
    keys = tuple(dict.fromkeys(_KEY.findall(returned) or _KEY.findall(came_back_to)))
    for status in statuses:
        action = str(status.get("Action", "")).strip().casefold()
        if not action:
            continue  # the first block is about the mail as a whole
        reader = str(status.get("Original-Recipient") or status.get("Final-Recipient") or "")
        code = _CODE.search(str(status.get("Status", "")))
        yield Report(
            keys,
            returned=bool(returned or keys),
            address=reader.partition(";")[2].strip().strip("<>"),
            action=action,
            code=code[0] if code else "",
        )


def _mails(path: Path) -> Iterator[bytes]:
    try:
        if path.is_dir():
            folders = [path / name for name in ("new", "cur")] if (path / "cur").is_dir() else [path]
            wanted = [
                file
                for folder in folders if folder.is_dir()
                for file in sorted(folder.iterdir())
                if file.is_file() and (folder.name in {"new", "cur"} or file.suffix.lower() == ".eml")
            ]  # fmt: skip
            for file in wanted:
                yield _content(file)
            return
        with path.open("rb") as opened:
            is_mbox = opened.read(len(_MBOX)) == _MBOX
        if not is_mbox:
            yield _content(path)
            return
        box = mailbox.mbox(path, create=False)
        try:
            for key in box.keys():  # noqa: SIM118 - a mailbox iterates over its mails, not their keys
                yield box.get_bytes(key)
        finally:
            box.close()
    except (OSError, mailbox.Error) as fault:
        reason = getattr(fault, "strerror", None) or "it is no mailbox"
        raise UsageError(f"{path} cannot be read: {reason}. Nothing was changed.") from fault


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MOST_BYTES + 1)
