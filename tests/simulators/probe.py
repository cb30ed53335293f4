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


class UndoableProbe(Probe):
    """One whose effect can be taken back; writes that down too, and fails at it as told."""

    name: ClassVar[str] = "test.contain"

    def __init__(self, *, idempotent: bool = True) -> None:
        super().__init__(idempotent=idempotent)
        self.undone: list[str] = []
        self.undo_faults: list[BaseException] = []

    def undo(self, ctx: Any, place: Any, parameters: ProbeParameters, output: dict[str, Any]) -> Done:
        self.undone.append(f"{place.key}:{parameters.say}")
        if self.undo_faults:
            raise self.undo_faults.pop(0)
        return Done()

    def simulate_undo(self, parameters: ProbeParameters) -> str:
        return f"unprobe {parameters.say}"
