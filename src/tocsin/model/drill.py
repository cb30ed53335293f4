"""A drill's file: which backup plan is really restored, how often, and what it is judged against."""

from typing import Annotated

from pydantic import Field

from tocsin.model.fields import Cron, Duration, Id, Line
from tocsin.model.parts import Part, Scheduled

QUARTERLY = "0 9 1 */3 *"


class Targets(Part):
    """What the drill must reach; what is left out is taken from the backup plan."""

    rpo: Duration | None = None
    rto: Duration | None = None


class Drill(Scheduled):
    """A restore into isolation, checked file by file and timed."""

    drill: Id
    title: Line
    backup_plan: Id
    schedule: Annotated[Cron, Field(validate_default=False)] = QUARTERLY
    targets: Targets = Targets.model_construct()
    owner: Id | None = None
    deputy: Id | None = None

    @property
    def id(self) -> str:
        """The drill's own id."""
        return self.drill

    @property
    def zone(self) -> str:
        """The time zone of the schedule."""
        return self.zone_of(self.schedule)
