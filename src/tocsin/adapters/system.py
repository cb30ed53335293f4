"""The machine's own time and randomness, and the crash points of the kill tests."""

import os
import secrets
import signal
import time
from datetime import UTC, datetime


class SystemClock:
    """Time as the machine tells it."""

    def now(self) -> datetime:
        """Return the present as an aware UTC time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()


class SystemRandomness:
    """The operating system's randomness."""

    def token(self, length: int) -> bytes:
        """Return `length` random bytes."""
        return secrets.token_bytes(length)


class EnvironmentCrashPoints:
    """Kills this process, as a power cut would, at the place that TOCSIN_CRASH_AT names. Unset: never."""

    def __init__(self) -> None:
        self._where = os.environ.get("TOCSIN_CRASH_AT", "")

    def reach(self, name: str) -> None:
        """Do nothing, or never return."""
        if self._where and name == self._where:
            os.kill(os.getpid(), signal.SIGKILL)
