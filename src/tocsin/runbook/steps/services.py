"""Steps that stop and start a service of this machine, through systemd."""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import StringConstraints

from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.model.document import Data
from tocsin.ports import Command
from tocsin.runbook.kinds import Done, Parameters, Place, Waits

LONGEST = timedelta(minutes=3)


class ServiceParameters(Parameters):
    """The unit, as systemd calls it."""

    service: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9@:._-]{0,100}$")]


class StopService:
    """Stop a service. Undone, it is started again."""

    name: ClassVar[str] = "process.stop"
    parameters: ClassVar[type[Parameters]] = ServiceParameters
    # A second run would not know whether it had run before the first.
    idempotent: ClassVar[bool] = False
    # What it holds in memory is gone then.
    destructive: ClassVar[bool] = True
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: ServiceParameters) -> Done | Waits:
        """Stop it; stopped already is as good."""
        return Done({"was_running": _switch(ctx, place, parameters.service, "stop")})

    def undo(
        self, ctx: Context, place: Place, parameters: ServiceParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Start it again, unless it was not running before."""
        if output.get("was_running", True):
            _switch(ctx, place, parameters.service, "start")
        return Done()

    def simulate(self, parameters: ServiceParameters) -> str:
        """Say what would be stopped."""
        return f"stop the service {parameters.service}"

    def simulate_undo(self, parameters: ServiceParameters) -> str:
        """Say what undoing would do."""
        return f"start the service {parameters.service} again, if it ran before"


class StartService:
    """Start a service."""

    name: ClassVar[str] = "process.start"
    parameters: ClassVar[type[Parameters]] = ServiceParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: ServiceParameters) -> Done | Waits:
        """Start it; running already is as good."""
        return Done({"was_running": _switch(ctx, place, parameters.service, "start")})

    def simulate(self, parameters: ServiceParameters) -> str:
        """Say what would be started."""
        return f"start the service {parameters.service}"


def _switch(ctx: Context, place: Place, service: str, verb: str) -> bool:
    """Stop or start it, and return whether it ran before."""
    limit = place.step.timeout or LONGEST
    before = ctx.shell.run(Command(("systemctl", "is-active", "--quiet", "--", service), limit))
    said = ctx.shell.run(Command(("systemctl", verb, "--", service), limit))
    if said.code != 0:
        why = (said.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise OperationFailed(f"systemd did not {verb} {service}: {why}")
    return before.code == 0
