"""What one copy of a case may hold: whole, without names, or one client's alone.

Whole: everything. Without names: no name, address or free text of anybody; ids, codes, counts and hashes stay, and
whoever has the words can compare them. A client's: what its register entry holds, and its own notices; whatever
bears the mark of another client is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.incidents.register import LEFT_OUT, OF_ONE_CONTROLLER
from tocsin.model.workspace import Workspace
from tocsin.notices import client_of
from tocsin.notices.strangers import strangers_named
from tocsin.store.chain import JsonValue, Line

CLOSED = "[closed in this copy; its digest stands in the journal]"
READERS = ("lawyer", "insurer", "regulator")

# What a client's copy shows of the journal. Everything else stands in it as a hash.
_OF_THE_JOURNAL = ("journal.opened", "journal.key_added")
_OF_THE_INCIDENT = ("confirmed", "contained", "recovered", "reviewed", "near_miss", "not_a_breach", "closed")


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy: for whom, of which client, and whether names and free texts are in it."""

    workspace: Workspace
    reader: str
    client: str | None
    names: bool

    def person(self, identity: str) -> str:
        """Return a person's name, or the id where names are left out."""
        known = self.workspace.people.get(identity)
        return known.name if known and self.names else identity

    def said(self, text: str | None) -> str:
        """Return what somebody wrote freely, as far as this copy may hold it."""
        if not text:
            return ""
        if not self.names:
            return CLOSED
        if self.client is not None and strangers_named(text, self.workspace, self.client):
            return LEFT_OUT
        return text

    def may_open(self, line: Line) -> bool:
        """Tell whether the texts kept beside an entry may be in this copy."""
        # Whoever reported something was told who reads it.
        return self.names and not line.kind.startswith("report.")

    def may_show(self, line: Line, payload: Mapping[str, JsonValue], text: str, own: "Own") -> bool:
        """Tell whether an entry may be shown; `text` is all of it, as it would stand there."""
        if self.client is None or line.kind in _OF_THE_JOURNAL:
            return True
        family, _, what = line.kind.partition(".")
        controller = str(payload.get("controller") or "")
        shared = not controller and str(payload.get("path", "")).split(".")[0] not in OF_ONE_CONTROLLER
        shown = (
            (line.kind == "fact.stated" and (controller == self.client or shared))
            or (family == "duty" and payload.get("duty") in own.duties)
            or (family == "notice" and payload.get("notice") in own.notices)
            or (family == "incident" and what in _OF_THE_INCIDENT)
        )
        return shown and not strangers_named(text, self.workspace, self.client)

    def may_send(self, addressee: str) -> bool:
        """Tell whether notices to this addressee belong into this copy."""
        return self.client is None or client_of(addressee) == self.client

    def faults(self, text: str) -> tuple[str, ...]:
        """Return what this text holds and the copy may not: whose mark, or what sort of name."""
        if self.client is not None:
            found = strangers_named(text, self.workspace, self.client)
            return tuple(dict.fromkeys(f"a {mark.what} of another client" for mark in found))
        if not self.names:
            return tuple(dict.fromkeys(what for what, words in self._names() if words in text))
        return ()

    def _names(self) -> list[tuple[str, str]]:
        people = [*self.workspace.people.values()]
        contacts = [each for client in self.workspace.clients.values() for each in client.contacts]
        known = [(each.name, each.email, each.phone) for each in people]
        contacts += [own] if (own := self.workspace.organisation.contact) else []
        known += [(each.name, each.email, each.phone) for each in contacts]
        kinds = ("somebody's name", "a mail address", "a phone number")
        return [(kind, words) for each in known for kind, words in zip(kinds, each, strict=True) if words]


@dataclass(frozen=True, slots=True)
class Own:
    """The duties and notices that belong into a client's copy, by what the journal calls them."""

    duties: frozenset[str]
    notices: frozenset[str]
