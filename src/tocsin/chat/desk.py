"""One thing a person did in Slack: who they are, whether it was taken before, and the act it asks for.

1. While Slack is marked compromised nothing that comes from there is obeyed.
2. Whoever is nobody in the workspace is told so, and nothing else happens.
3. What was handed over before is not done again.
4. The act is done in that person's name through the door `slack`; every fault becomes one clear sentence.
"""

import logging
from collections.abc import Mapping
from typing import Any

from tocsin.chat import acts, forms, seen
from tocsin.chat.acts import Reply
from tocsin.chat.audience import chat_of, is_compromised
from tocsin.chat.blocks import told
from tocsin.chat.people import UNKNOWN, person_of, sender_of
from tocsin.chat.picture import open_incidents
from tocsin.chat.status import ACKNOWLEDGE, OPEN, TAKE_ROLE
from tocsin.context import Context
from tocsin.errors import Refused, Temporary, TocsinError, UsageError, did_you_mean
from tocsin.incidents import ROLES
from tocsin.ports import Actor, Envelope

DOOR = "slack"
WORDS = ("declare", "status", "report", "drill", "page")
HELP = (
    "`/tocsin declare` something is wrong: open an incident\n`/tocsin status` what is going on\n"
    "`/tocsin report` a suspicion, without your name\n`/tocsin page` somebody about an incident\n"
    "`/tocsin drill` run a drill"
)
_log = logging.getLogger(__name__)


class Desk:
    """Takes envelopes one after the other or several at once; the store keeps them apart."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def take(self, envelope: Envelope) -> Reply:
        """Do what an envelope asks for and return what its sender is answered. Raises nothing."""
        key = seen.key_of(envelope)
        try:
            if self.is_closed():
                return Reply()
            sender = sender_of(envelope)
            person = person_of(self._ctx.workspace, sender, team=chat_of(self._ctx).identity().team)
            if person is None:
                return _said(envelope, UNKNOWN.format(member=sender.member or "unknown"))
            if not seen.take(self._ctx, key):
                return Reply()
            reply = self._act(self._ctx.acting_as(Actor(person.id, DOOR)), envelope)
            if reply.errors:
                seen.give_back(self._ctx, key)
        except TocsinError as error:
            return self._explained(envelope, key, error)
        except Exception as fault:  # noqa: BLE001 - whatever it was, the person is told, and the line goes on
            _log.exception("An envelope could not be dealt with.")
            return _said(envelope, f"Tocsin itself is at fault ({type(fault).__name__}). Use the command line.")
        return reply

    def is_closed(self) -> bool:
        """Tell whether nothing may go to Slack any more, not even an answer."""
        with self._ctx.store.read() as connection:
            return is_compromised(connection)

    def _act(self, ctx: Context, envelope: Envelope) -> Reply:
        if envelope.kind == "slash_commands":
            return self._command(ctx, str(envelope.payload.get("text") or ""))
        kind = envelope.payload.get("type")
        if envelope.kind == "interactive" and kind == "block_actions":
            return self._button(ctx, envelope.payload)
        if envelope.kind == "interactive" and kind == "view_submission":
            view = _view(envelope)
            if act := acts.FORMS.get(str(view.get("callback_id"))):
                return act(ctx, forms.unpacked(view), forms.answers(view))
        return Reply()  # nothing that we asked to be told

    def _command(self, ctx: Context, text: str) -> Reply:
        word, _, rest = text.strip().partition(" ")
        match word.casefold():
            case "declare":
                return Reply(form=forms.declare_form(ctx.workspace, rest.strip()))
            case "status":
                return acts.status(ctx)
            case "report":
                return Reply(form=forms.report_form(ctx.workspace))
            case "drill":
                return Reply(form=forms.drill_form(ctx.workspace))
            case "page":
                with ctx.store.read() as connection:
                    return Reply(form=forms.page_form(ctx.workspace, open_incidents(connection), ROLES))
            case "" | "help":
                return Reply(HELP)
        raise UsageError(f"There is no `/tocsin {word[:40]}`.{did_you_mean(word, WORDS)}\n{HELP}")

    def _button(self, ctx: Context, payload: Mapping[str, Any]) -> Reply:
        pressed = payload.get("actions") or [{}]
        action, value = str(pressed[0].get("action_id", "")), str(pressed[0].get("value", ""))
        if action == OPEN:
            return acts.open_item(ctx, value)
        if action == ACKNOWLEDGE:
            return acts.acknowledge(ctx, value)
        if action == TAKE_ROLE:
            return Reply(form=forms.role_form(value, ROLES))
        return Reply()

    def _explained(self, envelope: Envelope, key: str, error: TocsinError) -> Reply:
        """Say what is wrong: beside the form while it can be corrected, else in its place."""
        if isinstance(error, UsageError | Temporary) and (name := _first_field(envelope)):
            seen.give_back(self._ctx, key)
            return Reply(errors={name: str(error)})
        prefix = "Not done. " if isinstance(error, Refused) else ""
        return _said(envelope, f"{prefix}{error}")


def _said(envelope: Envelope, text: str) -> Reply:
    """Return a text for one person; in answer to a form it takes the form's place."""
    return Reply(form=told("Tocsin", text)) if _view(envelope) else Reply(text)


def _view(envelope: Envelope) -> Mapping[str, Any]:
    found = envelope.payload.get("view")
    is_sent = envelope.payload.get("type") == "view_submission"
    return found if is_sent and isinstance(found, dict) else {}


def _first_field(envelope: Envelope) -> str:
    blocks = _view(envelope).get("blocks") or []
    return next((str(block["block_id"]) for block in blocks if block.get("type") == "input"), "")
