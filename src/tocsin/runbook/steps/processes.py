"""Steps that list, freeze and end processes, found by exactly what they are and never by a part of a name."""

import json
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tocsin.containment.on_host import program
from tocsin.context import Context
from tocsin.errors import OperationFailed, Refused
from tocsin.machines import Machine
from tocsin.model.document import Data
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.steps.contain_accounts import AccountName
from tocsin.runbook.steps.on_machines import AbsolutePath, OnMachineOrHere, noted

ProcessName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,15}$")]
"""As the kernel keeps it (`ps -o comm`): 15 letters at most."""


class ProcessesParameters(OnMachineOrHere):
    """Which processes: those of exactly this `name` (`ps -o comm`), `executable` and `owner`, as far as given.

    On this machine unless another is named; a machine elsewhere needs Python 3.8 or later.
    """

    name: ProcessName | None = None
    executable: AbsolutePath | None = None
    owner: AccountName | None = None

    @model_validator(mode="after")
    def _something_exact(self) -> Self:
        if self.name is None and self.executable is None and self.owner is None:
            raise ValueError("says not which processes. Add `name`, `executable` or `owner`.")
        return self

    @property
    def meant(self) -> str:
        """Which processes, as a person reads it."""
        parts = (
            f"name {self.name}" if self.name else "",
            f"program {self.executable}" if self.executable else "",
            f"owner {self.owner}" if self.owner else "",
        )
        return f"{', '.join(filter(None, parts))} on {self.where}"

    def found(self, machine: Machine) -> list[dict[str, Any]]:
        """Return those that there are."""
        asked = {"do": "list", "name": self.name, "executable": self.executable, "owner": self.owner}
        found: list[dict[str, Any]] = machine.python(program("processes"), json.dumps(asked))["processes"]
        return found


class FewProcessesParameters(ProcessesParameters):
    """As for `process.list`; where more than `at_most` match, nothing is done to any."""

    at_most: Annotated[int, Field(ge=1, le=1000)] = 5

    def few(self, machine: Machine) -> list[dict[str, Any]]:
        """Return those that there are. Raises Refused when they are more than were expected, or none."""
        found = self.found(machine)
        if len(found) > self.at_most:
            raise Refused(
                f"{len(found)} processes match ({self.meant}), more than the {self.at_most} expected. "
                "Nothing was done. Look with `process.list`, and name them more narrowly or raise `at_most`."
            )
        if not found:
            raise OperationFailed(f"No process matches ({self.meant}); nothing was done.")
        return found


class KillProcessesParameters(FewProcessesParameters):
    """As for `process.freeze`; `TERM` lets a program end by itself, `KILL` does not ask it."""

    signal: Literal["TERM", "KILL"] = "TERM"


class ListProcesses:
    """List processes: number, start, owner, name, program, state. Command lines may hold secrets: left out."""

    name: ClassVar[str] = "process.list"
    parameters: ClassVar[type[Parameters]] = ProcessesParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: ProcessesParameters) -> Done | Waits:
        """List them; none is an answer too."""
        found = parameters.found(parameters.machine(ctx, place))
        return Done({"count": len(found), "processes": [*found]})

    def simulate(self, parameters: ProcessesParameters) -> str:
        """Say what would be listed."""
        return f"list the processes: {parameters.meant}"


class FreezeProcesses:
    """Freeze processes where they stand: they do nothing more, and their memory stays for evidence."""

    name: ClassVar[str] = "process.freeze"
    parameters: ClassVar[type[Parameters]] = FewProcessesParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: FewProcessesParameters) -> Done | Waits:
        """Freeze exactly those found, and look that they are."""
        machine = parameters.machine(ctx, place)
        before = noted(place, lambda: {"processes": [*parameters.few(machine)]})
        return Done({**before, **_signalled(machine, before, "STOP")})

    def undo(
        self, ctx: Context, place: Place, parameters: FewProcessesParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Let those that were frozen go on."""
        was: dict[str, Any] = place.kept or output
        ours = [one for one in was["processes"] if one["state"] not in "Tt"]
        return Done(_signalled(parameters.machine(ctx, place), {"processes": ours}, "CONT"))

    def simulate(self, parameters: FewProcessesParameters) -> str:
        """Say what would be frozen."""
        return f"freeze (SIGSTOP) the processes, at most {parameters.at_most}: {parameters.meant}"

    def simulate_undo(self, parameters: FewProcessesParameters) -> str:
        """Say what undoing would do."""
        return f"let the frozen processes go on (SIGCONT): {parameters.meant}"


class KillProcesses:
    """End processes. What they held in memory is gone then: freeze them first, and take the evidence."""

    name: ClassVar[str] = "process.kill"
    parameters: ClassVar[type[Parameters]] = KillProcessesParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = True
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: KillProcessesParameters) -> Done | Waits:
        """End exactly those found, and look that they are gone."""
        machine = parameters.machine(ctx, place)
        before = noted(place, lambda: {"processes": [*parameters.few(machine)]})
        return Done({**before, **_signalled(machine, before, parameters.signal)})

    def simulate(self, parameters: KillProcessesParameters) -> str:
        """Say what would be ended."""
        return f"end (SIG{parameters.signal}) the processes, at most {parameters.at_most}: {parameters.meant}"


def _signalled(machine: Machine, which: dict[str, Any], signal: str) -> dict[str, Data]:
    asked = {"do": "signal", "signal": signal, "processes": which["processes"]}
    said = machine.python(program("processes"), json.dumps(asked))
    if left := said["left"]:
        numbers = ", ".join(map(str, left))
        raise OperationFailed(f"{len(left)} of them did not take SIG{signal} on {machine.name}: {numbers}.")
    return {"signalled": said["sent"]}
