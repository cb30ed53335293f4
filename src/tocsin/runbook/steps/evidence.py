"""Steps that take evidence before anybody destroys it."""

import shlex
from pathlib import Path
from typing import ClassVar, Self

from pydantic import model_validator

from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.evidence import Item, Wanted, collect
from tocsin.model.document import Data
from tocsin.model.fields import Line
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.steps.on_machines import OnMachineOrHere


class CollectParameters(OnMachineOrHere):
    """What to take: `paths`, or what a program says (`argv`), from this machine or the one that is named.

    With a `system` and neither, the system's own `paths` are taken. A system without `ssh` is one of this machine.
    """

    paths: tuple[Line, ...] = ()
    argv: tuple[Line, ...] = ()
    title: Line | None = None

    @model_validator(mode="after")
    def _say_what(self) -> Self:
        if self.paths and self.argv:
            raise ValueError("take `paths` or what a program says (`argv`), not both in one step.")
        if not self.paths and not self.argv and self.system is None:
            raise ValueError("say what to take: `paths`, `argv`, or a `system` whose paths stand in tocsin.yaml.")
        return self


class Collect:
    """Take files, folders or what a program says into the evidence repository: hashed, held, with its custody."""

    name: ClassVar[str] = "evidence.collect"
    parameters: ClassVar[type[Parameters]] = CollectParameters
    # What this step kept already is not taken twice; what broke off is taken anew, and the broken one says so.
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: CollectParameters) -> Done | Waits:
        """Take it; each path is an item of its own."""
        known = ctx.workspace.systems.get(parameters.system) if parameters.system else None
        if parameters.system is not None and known is None:
            raise UsageError(f"There is no system {parameters.system!r} in the workspace; nothing was taken.")
        machine = None
        if parameters.host is not None or (known is not None and known.ssh is not None):
            machine = parameters.machine(ctx, place)
        paths = parameters.paths
        if not paths and not parameters.argv:
            paths = tuple(known.paths) if known else ()
            if not paths:
                raise UsageError(
                    f"Nobody has written down which paths {parameters.system} has, so nothing was taken. Name "
                    "`paths` in the step, or take it by hand with `tocsin evidence collect`."
                )
            if machine is not None and machine.way is not None:
                paths = tuple(path for path in paths if path.startswith("/"))
        wanted = Wanted(
            incident=place.incident,
            paths=paths,
            argv=parameters.argv,
            machine=machine,
            title=parameters.title or "",
            step=place.name,
            **({"limit": place.step.timeout} if place.step.timeout else {}),
        )
        return Done(_told(collect(ctx, wanted)))

    def simulate(self, parameters: CollectParameters) -> str:
        """Say what would be taken."""
        what = ", ".join(parameters.paths) or (
            f"what {shlex.join(parameters.argv)} says" if parameters.argv else ""
        )
        return f"take {what or 'the files'} of {parameters.where} as evidence"


class AddParameters(Parameters):
    """A file that is evidence already: a photo, a saved mail, a printout that was scanned."""

    path: Line
    note: Line | None = None


class Add:
    """Put one file into the evidence repository."""

    name: ClassVar[str] = "evidence.add"
    parameters: ClassVar[type[Parameters]] = AddParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False

    def run(self, ctx: Context, place: Place, parameters: AddParameters) -> Done | Waits:
        """Take it."""
        wanted = Wanted(
            incident=place.incident, paths=(parameters.path,), title=parameters.note or "", step=place.name
        )
        return Done(_told(collect(ctx, wanted)))

    def simulate(self, parameters: AddParameters) -> str:
        """Say what would be put there."""
        return f"put {Path(parameters.path).name} into the evidence repository"


def _told(found: tuple[Item, ...]) -> dict[str, Data]:
    return {
        "items": [item.id for item in found],
        "sha256": [item.sha256 for item in found],
        "bytes": sum(item.bytes or 0 for item in found),
    }
