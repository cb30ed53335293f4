"""Prefect's server as a process of its own, which ends when the one that started it is gone.

Run as `python -m tocsin.serve.child PORT` by `server`, with a pipe for its standard input: however the starter
ends, kill -9 included, the pipe closes, and nothing is left behind.
"""

import os
import signal
import sys
import threading
import time

APPLICATION = "prefect.server.api.server:create_app"
GRACE_SECONDS = 5
LAST_MOMENT_SECONDS = 12


def main() -> None:
    """Serve on loopback until told to stop or left alone."""
    threading.Thread(target=_end_with_starter, daemon=True).start()
    import uvicorn  # noqa: PLC0415 - the thread above must stand first

    uvicorn.run(
        APPLICATION,
        factory=True,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _end_with_starter() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_MOMENT_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
