"""What the steps share that work on a machine: which one it is, and how it is reached."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from tocsin.context import Context
from tocsin.machines import HERE, LONGEST, Machine, machine_at
from tocsin.model.document import Data
from tocsin.model.fields import Id, Line, TrueFalse
from tocsin.model.holdings import HostName, Ssh, check_host
from tocsin.runbook.kinds import Parameters, Place

AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[^\x00\n]{0,4000}$")]
"""A path on a machine, whole from its root."""


class OnMachine(Parameters):
    """The machine: a `system` whose `ssh` stands in tocsin.yaml, or a `host` (`this-machine`: where we are)."""

    system: Id | None = None
    host: HostName | None = None
    user: Annotated[Line, AfterValidator(check_host)] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    known_hosts: Line = "known_hosts"
    identity: Line | None = None
    sudo: TrueFalse = False

    @property
    def where(self) -> str:
        """How a person reads which machine is meant."""
        if self.system is not None:
            return f"the machine of {self.system}"
        if self.host in (HERE, None):
            return "this machine"
        return f"{self.user}@{self.host}" if self.user else str(self.host)

    def machine(self, ctx: Context, place: Place, longest: timedelta = LONGEST) -> Machine:
        """Return the machine, for programs that may take as long as the step may."""
        way = None
        if self.host is not None:
            way = Ssh(
                host=self.host,
                user=self.user,
                port=self.port,
                known_hosts=self.known_hosts,
                identity=self.identity,
                sudo=self.sudo,
            )
        return machine_at(ctx, system=self.system, way=way).within(place.step.timeout or longest)


class OnNamedMachine(OnMachine):
    """As `OnMachine`, where a machine must be named: nothing is ever cut off because a value was missing."""

    @model_validator(mode="after")
    def _one_machine(self) -> Self:
        if (self.system is None) == (self.host is None):
            raise ValueError(
                "name one machine: `system` (whose `ssh` stands in tocsin.yaml) or `host`. `host: this-machine` "
                "is the one Tocsin runs on."
            )
        return self


class OnMachineOrHere(OnMachine):
    """As `OnMachine`; where none is named it is the one Tocsin runs on."""

    @model_validator(mode="after")
    def _at_most_one_machine(self) -> Self:
        if self.system is not None and self.host is not None:
            raise ValueError("name one machine: `system` or `host`.")
        return self

    def machine(self, ctx: Context, place: Place, longest: timedelta = LONGEST) -> Machine:
        """Return the machine, this one unless another is named."""
        if self.system is None and self.host is None:
            return Machine(ctx).within(place.step.timeout or longest)
        return OnMachine.machine(self, ctx, place, longest)


def noted(place: Place, look: Callable[[], dict[str, Data]]) -> dict[str, Data]:
    """Return how things were before the step touched them: as an earlier try wrote it down, or as they are."""
    if place.kept is not None:
        return place.kept
    found = look()
    place.keep(found)
    return found
