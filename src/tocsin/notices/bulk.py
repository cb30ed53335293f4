"""One approved letter for thousands of people: its text is guarded once, then only what is put into it.

    merge = LetterMerge(draft, addressee, workspace, carried)    the whole guard, once: `merge.findings`
    merge.letter(recipient)                                      the letter, with this reader's name and address
    merge.check(recipient)                                       what was put in, and the seams around it

A reader's own name and address may stand in their letter and nothing else of anybody's. Pure; nothing is kept.
"""

import re
from dataclasses import dataclass
from typing import Final

from tocsin.model.workspace import Workspace
from tocsin.notices.folding import squeezed, visible
from tocsin.notices.guard import GuardFinding, check_notice
from tocsin.notices.secrets import bank_or_identity_numbers, secrets_in
from tocsin.notices.sheet import ADDRESS_MARK, NAME_MARK, Addressee, Draft
from tocsin.notices.strangers import marks_of_others, strangers_named

_MARK: Final = re.compile(f"({re.escape(NAME_MARK)}|{re.escape(ADDRESS_MARK)})")
_MARKUP: Final = re.compile(r"[\[\]{}<>|`*_#\\]|://|\bNone\b|\bnan\b|\bnull\b|\bundefined\b", re.IGNORECASE)
_ESCAPED: Final = re.compile(r"([\\`*_\[\]<>#|!&~])")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
_LONGEST: Final = 120
_SEAM: Final = 80
_DIGITS_OF_A_PHONE: Final = 6
_OF_A_PERSON: Final = frozenset({"contact", "id"})
"""Marks that a private person may share by chance: a namesake, or a street called as a client is."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One reader's own name and postal address, line by line."""

    name: str
    address: tuple[str, ...] = ()


class LetterMerge:
    """A letter to people, ready to be made out to each of them.

    `draft` is its text, `findings` what the guard says of it once.
    """

    def __init__(
        self, draft: Draft, addressee: Addressee, workspace: Workspace, carried: frozenset[str] = frozenset()
    ) -> None:
        self.findings = check_notice(draft, addressee, workspace, carried)
        self.draft, self._workspace = draft, workspace
        self._whose = addressee.client or addressee.id
        self._pieces = tuple(_MARK.split(draft.body))
        self._seams = tuple(
            (self._pieces[at - 1][-_SEAM:], piece, self._pieces[at + 1][:_SEAM])
            for at, piece in enumerate(self._pieces)
            if piece in {NAME_MARK, ADDRESS_MARK}
        )
        marks = marks_of_others(workspace, self._whose)
        words = {squeezed(mark.words) for mark in marks if mark.what not in _OF_A_PERSON} - {""}
        self._key = min((len(word) for word in words), default=0)
        self._beginning: dict[str, list[str]] = {}
        for word in words:
            self._beginning.setdefault(word[: self._key], []).append(word)

    def letter(self, recipient: Recipient) -> Draft:
        """Return the letter to one reader; whatever looks like markup in their name stays text."""
        filled = {
            NAME_MARK: _as_text(recipient.name),
            ADDRESS_MARK: "\\\n".join(_as_text(line) for line in recipient.address),
        }
        return Draft(self.draft.subject, "".join(filled.get(piece, piece) for piece in self._pieces))

    def check(self, recipient: Recipient) -> tuple[GuardFinding, ...]:
        """Return what is wrong with what is put into one letter; a blocking finding holds this letter back."""
        found = list(_shape("name", recipient.name))
        for line in recipient.address:
            found += _shape("address", line)
        for before, mark, after in self._seams:
            values = (recipient.name,) if mark == NAME_MARK else recipient.address
            # A name is put where a reader's eye meets it: what stands before and after belongs to it.
            found += self._strangers(f"{before}{' '.join(values)}{after}", blocking=mark == NAME_MARK)
        return tuple(dict.fromkeys(found))

    def _strangers(self, window: str, *, blocking: bool) -> list[GuardFinding]:
        if not self._may_name_somebody(squeezed_once(window)):
            return []
        return [
            GuardFinding(
                "other-client", blocking, f"It holds the {mark.what} of another client ({mark.client})."
                + ("" if blocking else " Make sure that this is the reader's own address.")
            )
            for mark in strangers_named(window, self._workspace, self._whose)
            if mark.what not in _OF_A_PERSON
        ]  # fmt: skip

    def _may_name_somebody(self, letters: str) -> bool:
        # Looked up by how they begin: to search each letter for each of thousands of marks took a millisecond.
        key, beginning = self._key, self._beginning
        return bool(beginning) and any(
            letters.startswith(word, at)
            for at in range(len(letters) - key + 1)
            for word in beginning.get(letters[at : at + key], ())
        )


def squeezed_once(text: str) -> str:
    """Return the letters and digits of a text that is looked at once: `squeezed` would keep it in memory."""
    return squeezed.__wrapped__(text)


def _as_text(value: str) -> str:
    return _ESCAPED.sub(r"\\\1", " ".join(value.split()))


def _shape(what: str, value: str) -> list[GuardFinding]:
    """Return what no name and no line of an address looks like."""
    faults = {
        f"the {what} is empty": not value.strip(),
        f"the {what} is longer than {_LONGEST} signs": len(value) > _LONGEST,
        f"the {what} holds a line break or an unprintable sign": _UNPRINTABLE.search(value) is not None,
        f"the {what} holds markup or an empty value": _MARKUP.search(value) is not None,
        f"the {what} is a mail address": "@" in value,
    }
    found = [
        GuardFinding("hole", True, f"{fault[0].upper()}{fault[1:]}.") for fault, holds in faults.items() if holds
    ]
    if sum(sign.isdigit() for sign in value) >= _DIGITS_OF_A_PHONE:
        seen = visible(value)
        found += [
            GuardFinding("personal-data", True, f"The {what} holds {kind}.")
            for kind in (*secrets_in(seen), *bank_or_identity_numbers(seen))
        ]
        if what == "name":
            found.append(GuardFinding("personal-data", True, "The name holds a number."))
    return found
