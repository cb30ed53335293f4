"""Serve Slack until told to stop: listen, and every few seconds bring the channel up to what stands.

    beside(workspace)            in a thread of its own, beside Prefect's schedules
    serve_chat(folder, stop)     alone: `tocsin serve --slack-only`, without Prefect

Whatever goes wrong with Slack ends in a sentence and another try, never in the end of what is served: the token,
the line and the channel are looked for anew, after ten seconds at first and a minute at most.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tocsin.chat.audience import SLACK, chat_of, is_compromised, settings_of
from tocsin.chat.desk import Desk
from tocsin.chat.line import Line
from tocsin.chat.rounds import Rounds
from tocsin.context import Context
from tocsin.errors import TocsinError
from tocsin.model.workspace import Workspace
from tocsin.ports import Actor, Listening
from tocsin.wiring import open_context

ROUND_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 60.0
MACHINE = Actor("service:tocsin", SLACK)
Say = Callable[[str], None]
_log = logging.getLogger(__name__)


def can_be_served(workspace: Workspace) -> bool:
    """Tell whether there is a Slack to serve: a token, or a webhook."""
    slack = workspace.channels.slack
    return slack is not None and bool(slack.token or slack.webhook)


@contextmanager
def beside(workspace: Workspace, say: Say | None = None) -> Iterator[None]:
    """Serve Slack in a thread for as long as the block lasts; nothing happens where there is no Slack."""
    if not can_be_served(workspace):
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=serve_chat, args=(workspace.root, stop, say or _logged), name="slack")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def serve_chat(folder: Path, stop: threading.Event, say: Say) -> None:
    """Serve until `stop` is set. Raises nothing: every fault is said once and tried again."""
    pause, last = FIRST_PAUSE_SECONDS, ""
    while not stop.is_set():
        began = threading.Event()
        try:
            with open_context(folder, door=SLACK) as ctx:
                settings_of(ctx)
                serve_in(ctx.acting_as(MACHINE), stop, say, began)
        except TocsinError as fault:
            sentence = str(fault)
        except Exception as fault:  # noqa: BLE001 - a door that is left open by itself must not fall shut
            _log.exception("Serving Slack failed.")
            sentence = f"Serving Slack failed ({type(fault).__name__}: {fault})."
        else:
            return
        if sentence != last:
            say(sentence)
        pause = FIRST_PAUSE_SECONDS if began.is_set() else min(pause * 2, LONGEST_PAUSE_SECONDS)
        last = sentence
        stop.wait(pause)


def serve_in(ctx: Context, stop: threading.Event, say: Say, began: threading.Event) -> None:
    """Serve with these tools until `stop` is set, or raise what ends the line."""
    chat, rounds, poked = chat_of(ctx), Rounds(ctx), threading.Event()
    line = Line(Desk(ctx), chat, poked.set)
    listening: Listening | None = None
    faults: tuple[str, ...] = ()
    try:
        while not stop.is_set():
            listening = _listening(ctx, line, listening)
            went = rounds.go()
            began.set()
            if went.faults != faults:
                for fault in went.faults:
                    say(fault)
                faults = went.faults
            _wait(stop, poked)
    finally:
        if listening is not None:
            listening.close()
        line.close()


def _listening(ctx: Context, line: Line, listening: Listening | None) -> Listening | None:
    """Open the line where there is a token for it; hang up while Slack is marked compromised."""
    chat = chat_of(ctx)
    with ctx.store.read() as connection:
        marked = is_compromised(connection)
    if listening is not None and marked:
        listening.close()
        return None
    if listening is None and not marked and chat.may_listen:
        return chat.listen(line.take)
    return listening


def _wait(stop: threading.Event, poked: threading.Event) -> None:
    """Wait for the next round: a few seconds, or until something was done here."""
    waited = 0.0
    while waited < ROUND_SECONDS and not stop.is_set():
        if poked.wait(0.25):
            poked.clear()
            return
        waited += 0.25


def _logged(sentence: str) -> None:
    _log.warning("%s", sentence)
