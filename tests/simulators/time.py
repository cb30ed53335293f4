"""A clock that moves only when told to."""

from datetime import UTC, datetime, timedelta

FRIDAY_EVENING = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)


class SimulatedClock:
    """Implements `tocsin.ports.Clock`."""

    def __init__(self, start: datetime = FRIDAY_EVENING) -> None:
        self._start = self._now = start

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start).total_seconds()

    def advance(self, by: timedelta) -> None:
        assert by >= timedelta(0)
        self._now += by

    def set(self, moment: datetime) -> None:
        self._now = moment
