"""What the parts of a workspace file are made of."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator

from tocsin.model.fields import TimeZone, is_hourly

LOCAL_ZONE = "Europe/London"


class Part(BaseModel):
    """A piece of a workspace file. A key with nothing after it counts as left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, data: Any) -> Any:  # noqa: ANN401 - what a file holds, before it is checked
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


class Named(Part):
    """A part that stands in a map and is known by its key there."""

    _id: str = PrivateAttr("")

    @property
    def id(self) -> str:
        """The key this part stands under."""
        return self._id

    def known_as(self, key: str) -> Self:
        """Take the map's key as id and return the part."""
        self._id = key
        return self


class Scheduled(Named):
    """A part that runs by the clock."""

    timezone: TimeZone | None = None

    def zone_of(self, cron: str) -> str:
        """Return the zone its schedule is meant in.

        Daily and rarer schedules follow the office's clock. Hourly and finer ones are in UTC unless the
        file says otherwise: when the clocks go back, an hour of runs would be lost.
        """
        return self.timezone or ("UTC" if is_hourly(cron) else LOCAL_ZONE)
