"""The step that waits for a time, or until something is so. It waits in the ledger, not in memory."""

from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import ConfigDict, Field, model_validator

from tocsin.context import Context
from tocsin.model.document import Data
from tocsin.model.fields import Duration, Line, spell_duration
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.readiness import FOR_TIME, moment


class WaitParameters(Parameters):
    """`for`: how long; or `until`: an expression that is looked at whenever the run is advanced."""

    model_config = ConfigDict(populate_by_name=True)

    for_: Duration | None = Field(default=None, alias="for")
    until: Line | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "WaitParameters":
        if (self.for_ is None) == (self.until is None):
            raise ValueError("says how long to wait, or until when. Write one of `for:` and `until:`.")
        return self


class Wait:
    """Let some time pass, or wait until an expression is true."""

    name: ClassVar[str] = "wait"
    parameters: ClassVar[type[Parameters]] = WaitParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    is_isolated: ClassVar[bool] = True
    conditions: ClassVar[tuple[str, ...]] = ("until",)

    def run(self, ctx: Context, place: Place, parameters: WaitParameters) -> Done | Waits:
        """Look whether it is time; a wake-up that comes too early waits on from where it began."""
        now = ctx.clock.now()
        if parameters.until is not None:
            if place.holds(parameters.until):
                return Done({"waited_seconds": _seconds(now - (place.since or now))})
            said = f"waits until {parameters.until}"
            return Waits({"kind": FOR_TIME, "until": parameters.until, "question": said, "who": "the facts"})
        at = (place.since or now) + (parameters.for_ or timedelta(0))
        if now >= at:
            return Done({"waited_seconds": _seconds(now - (place.since or now))})
        said = f"waits until {moment(at)}"
        return Waits({"kind": FOR_TIME, "at": at.isoformat(), "question": said, "who": "the clock"}, until=at)

    def has_settled(self, ctx: Context, place: Place, asked: dict[str, Data]) -> bool:
        """Tell whether it is time."""
        if "until" in asked:
            return place.holds(str(asked["until"]))
        return ctx.clock.now() >= datetime.fromisoformat(str(asked["at"]))

    def simulate(self, parameters: WaitParameters) -> str:
        """Say what would be waited for."""
        if parameters.for_ is not None:
            return f"wait for {spell_duration(parameters.for_)}"
        return f"wait until {parameters.until}"


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
