"""Prefect's server as a process of its own, which ends when the one that started it is gone.

Run as `python -m tocsin.serve.child PORT` by `server`, with a pipe for its standard input: however the starter
ends, kill -9 included, the pipe closes, and nothing is left behind.
"""

import os
import signal
import sys
import threading
import time

GRACE_SECONDS = 5
LAST_MOMENT_SECONDS = 12


def main() -> None:
    """Serve on loopback until told to stop or left alone."""
    threading.Thread(target=_end_with_starter, daemon=True).start()
    import uvicorn  # noqa: PLC0415 - the thread above must stand first
    from prefect.server.api.server import create_app  # noqa: PLC0415

    let_runs_be_scheduled()
    uvicorn.run(
        create_app(),
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


def _end_with_starter() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_MOMENT_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
