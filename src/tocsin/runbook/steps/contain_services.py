"""Steps that take a service down and keep it down, and that put a holding page in a site's place."""

import json
from datetime import timedelta
from importlib.resources import files
from typing import Annotated, Any, ClassVar, Self

from pydantic import StringConstraints, model_validator

from tocsin.containment.on_host import program
from tocsin.containment.services import bring_back, look_at, take_down
from tocsin.context import Context
from tocsin.errors import OperationFailed, TocsinError
from tocsin.machines import Machine
from tocsin.model.document import Data
from tocsin.model.fields import TrueFalse
from tocsin.ports import HttpRequest
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.steps.on_machines import AbsolutePath, OnNamedMachine, noted
from tocsin.runbook.steps.programs import Argv
from tocsin.runbook.steps.services import ServiceName
from tocsin.runbook.steps.web import Url

_TOKEN_BYTES = 5
_PAGE_ANSWERS = timedelta(seconds=20)
HOLDING_STATUS = (200, 503)
_PAGES = "/var/lib/tocsin/holding"
# A named location, for the `return` of the server itself is not looked at again on the way to one.
_INCLUDE = """\
# Put down by Tocsin: a holding page stands in this site's place. Undoing takes it away again.
error_page 503 @tocsin_holding;
location @tocsin_holding {{
    root {folder};
    rewrite ^ /index.html break;
    add_header Retry-After 3600 always;
}}
return 503;
"""


class StopServiceParameters(OnNamedMachine):
    """The unit as systemd calls it; with `stays_down` nothing but undoing or a reboot starts it again."""

    service: ServiceName
    stays_down: TrueFalse = True


class TakeServiceDown:
    """Stop a service of a machine and keep it down until a reboot. Undone, it runs again if it ran before."""

    name: ClassVar[str] = "contain.stop_service"
    parameters: ClassVar[type[Parameters]] = StopServiceParameters
    idempotent: ClassVar[bool] = True
    # What it holds in memory is gone then.
    destructive: ClassVar[bool] = True
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: StopServiceParameters) -> Done | Waits:
        """Stop it, and look."""
        machine = parameters.machine(ctx, place)

        before = noted(place, lambda: {"was_running": look_at(machine, parameters.service).is_running})
        take_down(machine, parameters.service, stays_down=parameters.stays_down)
        return Done(before)

    def undo(
        self, ctx: Context, place: Place, parameters: StopServiceParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Let it be started again, and start it if it ran before."""
        machine = parameters.machine(ctx, place)
        bring_back(machine, parameters.service, was_running=bool((place.kept or output)["was_running"]))
        return Done()

    def simulate(self, parameters: StopServiceParameters) -> str:
        """Say what would be stopped."""
        kept = " and keep it down until the next reboot" if parameters.stays_down else ""
        return f"stop the service {parameters.service} on {parameters.where}{kept}"

    def simulate_undo(self, parameters: StopServiceParameters) -> str:
        """Say what undoing would do."""
        return f"start the service {parameters.service} on {parameters.where} again, if it ran before"


class HoldingPageParameters(OnNamedMachine):
    """Which site of which machine, and how it is turned round.

    `link` is the symbolic link by which the web server finds the site; `include` a file that nginx includes in the
    site's `server` block. `page` is a folder on the machine with an index.html; without it a neutral page is
    written. `check` and `reload` are the web server's own commands. `url` is looked at afterwards and must hold
    `contains`.
    """

    link: AbsolutePath | None = None
    include: AbsolutePath | None = None
    page: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9_./-]{1,255}$")] | None = None
    check: Argv | None = None
    reload: Argv | None = None
    url: Url | None = None
    contains: str = "We will be back soon"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.link is None) == (self.include is None):
            raise ValueError("say how the site is turned round: `link` or `include`.")
        if self.include is not None and self.reload is None:
            raise ValueError("nginx reads an include only when told to: add `reload: [systemctl, reload, nginx]`.")
        return self

    def request(self, do: str, token: Data, **more: object) -> str:
        """Return what the program on the machine is asked."""
        folder = self.page or f"{_PAGES}-{token}"
        page = None if self.page else _neutral_page()
        asked = {
            "do": do,
            "place": self.link or self.include,
            "is_link": self.link is not None,
            "folder": folder,
            "page": page,
            "content": _INCLUDE.format(folder=folder),
            "token": token,
        }
        return json.dumps({**asked, **more})


class HoldingPage:
    """Put a holding page in a site's place. Undone, the site stands there exactly as before.

    The machine needs Python 3.8 or later. Where the web server or the site does not take it, it is undone at once.
    """

    name: ClassVar[str] = "contain.holding_page"
    parameters: ClassVar[type[Parameters]] = HoldingPageParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: HoldingPageParameters) -> Done | Waits:
        """Turn the site round, and look at it."""
        machine = parameters.machine(ctx, place)

        def look() -> dict[str, Data]:
            token = ctx.randomness.token(_TOKEN_BYTES).hex()
            was = machine.python(program("page"), parameters.request("look", token))["was"]
            return {"token": token, "was": was}

        before = noted(place, look)
        machine.python(program("page"), parameters.request("hold", before["token"], was=before["was"]))
        try:
            _told(machine, parameters)
            seen = _seen(ctx, parameters)
        except TocsinError as wrong:
            _release(machine, parameters, before)
            raise OperationFailed(f"{wrong} The site stands there again as before.") from wrong
        return Done({**before, "seen": seen})

    def undo(
        self, ctx: Context, place: Place, parameters: HoldingPageParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Put back exactly what stood there; refused where somebody changed it since."""
        machine = parameters.machine(ctx, place)
        _release(machine, parameters, place.kept or output)
        return Done()

    def simulate(self, parameters: HoldingPageParameters) -> str:
        """Say what would be turned round."""
        page = parameters.page or "a neutral page"
        how = f"the link {parameters.link}" if parameters.link else f"nginx's {parameters.include}"
        return f"put {page} in the site's place on {parameters.where}, by {how}"

    def simulate_undo(self, parameters: HoldingPageParameters) -> str:
        """Say what undoing would do."""
        return f"put {parameters.link or parameters.include} on {parameters.where} back: the site is there again"


def _told(machine: Machine, parameters: HoldingPageParameters) -> None:
    for argv in filter(None, (parameters.check, parameters.reload)):
        machine.do(*argv)


def _seen(ctx: Context, parameters: HoldingPageParameters) -> bool:
    if parameters.url is None:
        return False
    answer = ctx.http.request(HttpRequest("GET", parameters.url, _PAGE_ANSWERS))
    if answer.status not in HOLDING_STATUS or parameters.contains not in answer.body:
        raise OperationFailed(f"{parameters.url} does not show the holding page (it answered {answer.status}).")
    return True


def _release(machine: Machine, parameters: HoldingPageParameters, before: dict[str, Any]) -> None:
    asked = parameters.request("release", before["token"], was=before["was"])
    machine.python(program("page"), asked)
    _told(machine, parameters)


def _neutral_page() -> str:
    return files("tocsin.containment").joinpath("holding.html").read_text(encoding="utf-8")
