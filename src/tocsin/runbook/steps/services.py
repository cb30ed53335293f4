"""Steps that stop and start a service of a machine, through systemd."""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import StringConstraints

from tocsin.containment.services import bring_back, look_at, take_down
from tocsin.context import Context
from tocsin.model.document import Data
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.steps.on_machines import OnMachineOrHere, noted

LONGEST = timedelta(minutes=3)
ServiceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9@:._-]{0,100}$")]


class ServiceParameters(OnMachineOrHere):
    """The unit, as systemd calls it, on this machine unless another is named."""

    service: ServiceName


class StopService:
    """Stop a service. Undone, it is started again. `contain.stop_service` also keeps it down."""

    name: ClassVar[str] = "process.stop"
    parameters: ClassVar[type[Parameters]] = ServiceParameters
    idempotent: ClassVar[bool] = True
    # What it holds in memory is gone then.
    destructive: ClassVar[bool] = True
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: ServiceParameters) -> Done | Waits:
        """Stop it, and look; stopped already is as good."""
        machine = parameters.machine(ctx, place, LONGEST)
        before = noted(place, lambda: {"was_running": look_at(machine, parameters.service).is_running})
        take_down(machine, parameters.service, stays_down=False)
        return Done(before)

    def undo(
        self, ctx: Context, place: Place, parameters: ServiceParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Start it again, unless it was not running before."""
        was_running = bool((place.kept or output).get("was_running", True))
        bring_back(parameters.machine(ctx, place, LONGEST), parameters.service, was_running=was_running)
        return Done()

    def simulate(self, parameters: ServiceParameters) -> str:
        """Say what would be stopped."""
        return f"stop the service {parameters.service} on {parameters.where}"

    def simulate_undo(self, parameters: ServiceParameters) -> str:
        """Say what undoing would do."""
        return f"start the service {parameters.service} on {parameters.where} again, if it ran before"


class StartService:
    """Start a service."""

    name: ClassVar[str] = "process.start"
    parameters: ClassVar[type[Parameters]] = ServiceParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: ServiceParameters) -> Done | Waits:
        """Start it, and look; running already is as good."""
        machine = parameters.machine(ctx, place, LONGEST)
        was_running = look_at(machine, parameters.service).is_running
        bring_back(machine, parameters.service, was_running=True)
        return Done({"was_running": was_running})

    def simulate(self, parameters: ServiceParameters) -> str:
        """Say what would be started."""
        return f"start the service {parameters.service} on {parameters.where}"
