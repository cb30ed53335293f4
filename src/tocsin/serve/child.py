"""Prefect's server as a process of its own, which ends when the one that started it is gone.

Run as `python -m tocsin.serve.child PORT` by `server`, with a pipe for its standard input: however the starter
ends, kill -9 included, the pipe closes, and nothing is left behind.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

# ASGI's three callables.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
CLOSED = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
GRACE_SECONDS = 5
LAST_MOMENT_SECONDS = 12


def main() -> None:
    """Serve on loopback until told to stop or left alone."""
    threading.Thread(target=_end_with_starter, daemon=True).start()
    import uvicorn  # noqa: PLC0415 - the thread above must stand first
    from prefect.server.api.server import create_app  # noqa: PLC0415

    let_runs_be_scheduled()
    leave_out_the_second_ui()
    uvicorn.run(
        closed(create_app()),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def let_runs_be_scheduled() -> None:
    """Let Prefect's scheduler write its runs where SQLAlchemy is 2.1 or later.

    Prefect 3.8 hands the whole run over with its `state`, which is no column and was left aside by SQLAlchemy 2.0.
    SQLAlchemy 2.1 asks the property what to do with it, gets no answer and refuses: no schedule ever rings. The
    answer is "leave it aside", for Prefect writes the states right after.
    """
    from prefect.server.database.orm_models import FlowRun  # noqa: PLC0415
    from sqlalchemy import inspect  # noqa: PLC0415

    state = inspect(FlowRun).all_orm_descriptors["state"]
    if hasattr(state, "bulk_dml_setter") and state.bulk_dml_setter is None:
        state.bulk_dml_setter = lambda _model, _mapping, _value: None


def leave_out_the_second_ui() -> None:
    """Serve Prefect's first UI alone.

    Its second calls an analytics host from the reader's browser whatever is switched off, and its own switch only
    decides which of the two comes first.
    """
    import prefect  # noqa: PLC0415

    prefect.__ui_v2_static_path__ = prefect.__ui_v2_static_path__ / "left-out"


def closed(application: Application) -> Application:
    """Tell every browser to speak to this server and to nobody else: the UI asks for logos on the internet."""

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        async def send_closed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *CLOSED]}
            await send(message)

        await application(scope, receive, send_closed)

    return answer


def _end_with_starter() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_MOMENT_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
