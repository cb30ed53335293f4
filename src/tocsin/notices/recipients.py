"""Whom an approved letter to people goes to: a list, looked through line by line, that the approval is bound to.

    planned = plan_recipients(ctx, notice, listed)     who gets a mail, who a letter on paper, who is held back
    load_recipients(ctx, planned)                      kept; an approval of the letter with another list is void

Nobody is dropped: whoever cannot be written to is a row of its own with its reason, and counts among those who
were not reached. Names and addresses stand in this list alone, never in the journal, and go on schedule.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, select, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.notices.bulk import LetterMerge, Recipient
from tocsin.notices.carried import claims_carried
from tocsin.notices.guard import GuardFinding
from tocsin.notices.listed import Entry, ListedPeople
from tocsin.notices.recipient_rows import RecipientList, list_in
from tocsin.notices.register import Notice, Shown, require_person, shown
from tocsin.notices.sheet import PEOPLE, Draft
from tocsin.store.database import JsonValue, Transaction
from tocsin.store.tables import notice, recipient, recipient_list

SAMPLES: Final = 3
_LOCAL, _WHOLE = 64, 254
_MAIL: Final = re.compile(r"[^@\s<>()\[\]\\,;:\"\x00-\x1f\x7f]+@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,63}")
WHY_HELD: Final = {
    "bad-address": "the mail address cannot be one, and there is no postal address",
    "no-way": "there is neither a mail address nor a postal address",
    "no-mail": "there is a mail address alone, and the workspace has no mail channel",
    "duplicate": "the same person stands in the list before",
    "guard": "the guard holds this letter back",
}


@dataclass(frozen=True, slots=True)
class PlannedLetter:
    """One line of the list and what will be done about it; `why` says so where it is not as the list asks."""

    entry: Entry
    way: str
    code: str = ""
    why: str = ""

    @property
    def recipient(self) -> Recipient:
        """What is put into the letter."""
        return Recipient(self.entry.name, self.entry.address)


@dataclass(frozen=True, slots=True)
class PlannedList:
    """What loading a list would do. `findings` are the guard's on the letter itself."""

    notice: Notice
    letters: tuple[PlannedLetter, ...]
    said: tuple[str, ...]
    findings: tuple[GuardFinding, ...]
    samples: tuple[tuple[int, Draft], ...]
    shared: tuple[tuple[str, int], ...]
    """Mail addresses that several people share, and how many: each of them gets a mail of their own."""

    def count(self, way: str) -> int:
        """Return how many go this way."""
        return sum(letter.way == way for letter in self.letters)

    @property
    def held(self) -> tuple[PlannedLetter, ...]:
        """Those that nobody will get."""
        return tuple(letter for letter in self.letters if letter.way == "held")

    @property
    def to_look_at(self) -> tuple[PlannedLetter, ...]:
        """Those that go out, though not quite as the list says, or with something to make sure of."""
        return tuple(letter for letter in self.letters if letter.way != "held" and letter.why)


def merge_of(ctx: Context, exact: Shown) -> LetterMerge:
    """Return the letter of a notice, guarded once, ready to be made out."""
    with ctx.store.read() as connection:
        carried = claims_carried(connection, exact.notice.incident, exact.notice.addressee)
    return LetterMerge(exact.notice.draft, exact.addressee, ctx.workspace, carried)


def plan_recipients(ctx: Context, identity: str, listed: ListedPeople) -> PlannedList:
    """Look through a list for one letter to people; nothing is changed.

    Raises UsageError for a notice that is no letter to people, and for a list of nobody.
    """
    exact = shown(ctx, identity)
    if exact.notice.duty != PEOPLE:
        raise UsageError(
            f"Notice {exact.notice.id[:8]} goes to {exact.addressee.name}, not to people one by one: it takes no "
            "list. Nothing was loaded."
        )
    if not listed.entries:
        raise UsageError("The list holds nobody. Nothing was loaded.")
    merge = merge_of(ctx, exact)
    has_mail = ctx.workspace.channels.mail is not None
    before: dict[tuple[str, ...], int] = {}
    sharing: dict[str, int] = {}
    letters = []
    for entry in listed.entries:
        letter = _planned(entry, merge, before, has_mail=has_mail)
        letters.append(letter)
        if letter.way == "mail":
            sharing[entry.email.casefold()] = sharing.get(entry.email.casefold(), 0) + 1
    going = [letter for letter in letters if letter.way != "held"]
    picked = dict.fromkeys((0, len(going) // 2, len(going) - 1)) if going else {}
    return PlannedList(
        notice=exact.notice,
        letters=tuple(letters),
        said=listed.said,
        findings=merge.findings,
        samples=tuple((going[at].entry.line, merge.letter(going[at].recipient)) for at in picked),
        shared=tuple((email, count) for email, count in sharing.items() if count > 1),
    )


def _planned(
    entry: Entry, merge: LetterMerge, before: dict[tuple[str, ...], int], *, has_mail: bool
) -> PlannedLetter:
    name = " ".join(entry.name.casefold().split())
    same = (name, entry.email.casefold() or " ".join(entry.address).casefold())
    if (first := before.setdefault(same, entry.line)) != entry.line:
        return PlannedLetter(entry, "held", "duplicate", f"the same person stands in line {first}")
    findings = merge.check(Recipient(entry.name, entry.address))
    if stopping := [each.text for each in findings if each.blocking]:
        return PlannedLetter(entry, "held", "guard", " ".join(stopping))
    notes = " ".join(each.text for each in findings)
    if entry.email and _is_mail_address(entry.email) and has_mail:
        return PlannedLetter(entry, "mail", why=notes)
    why = (
        ""
        if not entry.email
        else "There is no mail channel."
        if _is_mail_address(entry.email)
        else f"{entry.email!r} is no mail address."
    )
    if entry.address:
        return PlannedLetter(entry, "paper", why=" ".join(filter(None, (why and f"{why} On paper then.", notes))))
    code = "no-way" if not entry.email else "no-mail" if _is_mail_address(entry.email) else "bad-address"
    return PlannedLetter(entry, "held", code, WHY_HELD[code])


def _is_mail_address(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return (
        len(text) <= _WHOLE
        and 0 < len(local.encode()) <= _LOCAL
        and ".." not in text
        and not local.startswith(".")
        and not local.endswith(".")
        and _MAIL.fullmatch(text) is not None
        and bool(domain)
    )


def load_recipients(ctx: Context, planned: PlannedList) -> RecipientList:
    """Keep the list; the same list again changes nothing, another one voids an approval.

    Raises Refused when letters have left already, or when nobody in particular acts.
    """
    person = require_person(ctx.workspace, ctx.actor, "say whom a letter goes to")
    current = planned.notice
    lines = [_canonical(position, letter) for position, letter in enumerate(planned.letters, 1)]
    with ctx.store.write(ctx.actor) as tx:
        _refuse_if_begun(tx, current)
        old = list_in(tx.connection, current.id)
        if old is not None and old.salt is not None and old.sha256 == _list_hash(old.salt, lines):
            return old
        tx.execute(delete(recipient).where(recipient.c.notice == current.id))
        tx.execute(delete(recipient_list).where(recipient_list.c.notice == current.id))
        salt = tx.new_id()
        counts: dict[str, JsonValue] = {
            "by_mail": planned.count("mail"),
            "on_paper": planned.count("paper"),
            "held": planned.count("held"),
        }
        sha256 = _list_hash(salt, lines)
        tx.execute(
            insert(recipient_list).values(
                notice=current.id,
                state="loaded",
                sha256=sha256,
                salt=salt,
                loaded_by=person,
                loaded_at=tx.now,
                **counts,
            )
        )
        tx.connection.execute(
            insert(recipient),
            [_row(tx, current.id, position, letter) for position, letter in enumerate(planned.letters, 1)],
        )
        tx.execute(update(notice).where(notice.c.id == current.id).values(state="draft"))
        payload: dict[str, JsonValue] = {"notice": current.id, "list_sha256": sha256, **counts}
        tx.record("notice.recipients-loaded", f"notice:{current.id}", payload)
    ctx.crash.reach("notice:recipients-loaded")
    with ctx.store.read() as connection:
        loaded = list_in(connection, current.id)
    if loaded is None:
        raise Refused("The list was replaced by somebody else at this moment. Look again.")
    return loaded


def _refuse_if_begun(tx: Transaction, current: Notice) -> None:
    begun = list_in(tx.connection, current.id)
    state = tx.execute(select(notice.c.state).where(notice.c.id == current.id)).scalar_one()
    if state not in {"draft", "approved"} or (begun is not None and begun.began_at is not None):
        raise Refused(
            f"Letters of notice {current.id[:8]} have left already, so its list stays as it is. Draft another "
            "notice for whoever is still to be told. Nothing was changed."
        )


def _canonical(position: int, letter: PlannedLetter) -> bytes:
    entry = letter.entry
    fields = [position, letter.way, entry.name, entry.email, *entry.address]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _list_hash(salt: str, lines: list[bytes]) -> str:
    # Salted: of a list of few, the hash alone would let somebody try out whether a person stands in it.
    digest = hashlib.sha256(salt.encode())
    for line in lines:
        digest.update(b"\n" + line)
    return digest.hexdigest()


def _row(tx: Transaction, identity: str, position: int, letter: PlannedLetter) -> dict[str, object]:
    entry = letter.entry
    return {
        "notice": identity,
        "position": position,
        "key": tx.new_id(),
        "name": entry.name,
        "email": entry.email,
        "address": "\n".join(entry.address),
        "way": letter.way,
        "state": "held" if letter.way == "held" else "intended",
        "tries": 0,
        "code": letter.code or None,
        "detail": letter.why or None,
    }
