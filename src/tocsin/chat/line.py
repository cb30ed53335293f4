"""The line to Slack: every envelope is acknowledged in time, whatever its act takes.

An act has two seconds to be answered with the acknowledgement itself. One that takes longer goes on; the person is
told so, and told again when it is done.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from tocsin.chat.acts import Reply
from tocsin.chat.blocks import told
from tocsin.chat.desk import Desk
from tocsin.chat.people import sender_of
from tocsin.errors import TocsinError
from tocsin.model.slack_text import SECTION, escaped
from tocsin.ports import Acknowledge, Chat, Envelope

IN_TIME_SECONDS = 2.0
WORKERS = 8
_log = logging.getLogger(__name__)


class Line:
    """What is between the socket and the desk. `poke` is called after each act: something may have changed."""

    def __init__(self, desk: Desk, chat: Chat, poke: Callable[[], None]) -> None:
        self._desk = desk
        self._chat = chat
        self._poke = poke
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="slack-act")

    def take(self, envelope: Envelope, acknowledge: Acknowledge) -> None:
        """Have an envelope dealt with, and acknowledge it within three seconds."""
        working = self._pool.submit(self._desk.take, envelope)
        try:
            reply = working.result(IN_TIME_SECONDS)
        except TimeoutError:
            acknowledge(_meanwhile(envelope))
            working.add_done_callback(lambda done: self._late(envelope, done))
            return
        acknowledge(_payload(envelope, reply))
        self._then(envelope, reply, is_answered=_is_form(envelope) or envelope.kind == "slash_commands")

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown(wait=True)

    def _late(self, envelope: Envelope, done: "Future[Reply]") -> None:
        reply = done.result()
        view = envelope.payload.get("view")
        if _is_form(envelope) and isinstance(view, Mapping) and self._may_answer():
            form = reply.form or told("Tocsin", reply.text or _first(reply.errors) or "Done.")
            with suppress(TocsinError):
                self._chat.replace_form(str(view.get("id")), form)
        self._then(envelope, reply, is_answered=_is_form(envelope))

    def _then(self, envelope: Envelope, reply: Reply, *, is_answered: bool) -> None:
        """Do what comes after the acknowledgement: a form to open, a word to the person, the long part."""
        if reply.form is not None and not _is_form(envelope) and self._may_answer():
            try:
                self._chat.open_form(str(envelope.payload.get("trigger_id") or ""), reply.form)
            except TocsinError as fault:
                self._whisper(envelope, str(fault))
        elif reply.text and not is_answered:
            self._whisper(envelope, reply.text)
        self._poke()
        if reply.later is not None:
            self._pool.submit(self._finish, envelope, reply.later)

    def _finish(self, envelope: Envelope, later: Callable[[], str]) -> None:
        try:
            said = later()
        except TocsinError as error:
            said = f"It was done, and then: {error}"
        except Exception as fault:  # noqa: BLE001 - in a thread nobody else would ever say it
            _log.exception("What came after an act failed.")
            said = f"It was done, and then Tocsin itself was at fault ({type(fault).__name__}). See: tocsin status"
        self._poke()
        if said:
            self._whisper(envelope, said)

    def _may_answer(self) -> bool:
        """Look once more: Slack may have been marked compromised while the act went on."""
        try:
            return not self._desk.is_closed()
        except TocsinError:
            return False

    def _whisper(self, envelope: Envelope, text: str) -> None:
        if not self._may_answer():
            return
        sender = sender_of(envelope)
        # A person who cannot be told looks at the channel; nothing depends on it.
        with suppress(TocsinError):
            self._chat.whisper(sender.room or self._chat.room().id, sender.member, escaped(text, SECTION))


def _payload(envelope: Envelope, reply: Reply) -> Mapping[str, object] | None:
    if _is_form(envelope):
        if reply.errors:
            return {"response_action": "errors", "errors": dict(reply.errors)}
        if reply.form is not None:
            return {"response_action": "update", "view": reply.form}
        return {"response_action": "update", "view": told("Tocsin", reply.text)} if reply.text else None
    if envelope.kind == "slash_commands" and reply.text:
        return {"response_type": "ephemeral", "text": escaped(reply.text, SECTION)}
    return None


def _meanwhile(envelope: Envelope) -> Mapping[str, object] | None:
    if _is_form(envelope):
        return {
            "response_action": "update",
            "view": told("Tocsin", "This takes a moment. It goes on if you close this."),
        }
    return None


def _is_form(envelope: Envelope) -> bool:
    return envelope.payload.get("type") == "view_submission"


def _first(errors: Mapping[str, str]) -> str:
    return next(iter(errors.values()), "")
