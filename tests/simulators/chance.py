"""Randomness that repeats, and crash points that raise."""

import random


class SimulatedRandomness:
    """Implements `tocsin.ports.Randomness`, the same bytes each time."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def token(self, length: int) -> bytes:
        return self._random.randbytes(length)


class PowerCut(BaseException):
    """The process ended here. A BaseException, so that no tidy `except Exception` survives it."""


class CrashAt:
    """Implements `tocsin.ports.CrashPoints`: cuts the power the `nth` time `name` is reached; remembers all names."""

    def __init__(self, name: str = "", nth: int = 1) -> None:
        self._name = name
        self._left = nth
        self.reached: list[str] = []

    def reach(self, name: str) -> None:
        self.reached.append(name)
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                raise PowerCut(name)
