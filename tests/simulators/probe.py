"""A step kind for tests: it writes down each time it runs, and fails as told."""

from typing import Any, ClassVar

from tocsin.runbook.kinds import Done, Parameters


class ProbeParameters(Parameters):
    say: str = ""
    people: tuple[str, ...] = ()


class Probe:
    """Writes down each time it runs; fails as told."""

    name: ClassVar[str] = "test.probe"
    parameters: ClassVar[type[Parameters]] = ProbeParameters
    destructive: ClassVar[bool] = False

    def __init__(self, *, idempotent: bool = True) -> None:
        self.idempotent = idempotent
        self.ran: list[str] = []
        self.faults: list[BaseException] = []

    def run(self, ctx: Any, place: Any, parameters: ProbeParameters) -> Done:
        self.ran.append(place.key)
        if self.faults:
            raise self.faults.pop(0)
        return Done({"said": parameters.say or place.key, "item": place.item})

    def simulate(self, parameters: ProbeParameters) -> str:
        return f"probe {parameters.say}"
