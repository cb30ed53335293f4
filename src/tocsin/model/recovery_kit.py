"""The recovery kit: one encrypted file with what is needed when the server itself is gone."""

from typing import Annotated

from pydantic import Field

from tocsin.model.fields import Cron, Line, SecretReference, Text
from tocsin.model.parts import Scheduled


class RecoveryKit(Scheduled):
    """Where the kit is written, how often, and where the passphrase that opens it is found on this machine.

    `kept` says, for the printed page, where people find the passphrase when this machine is gone; never the
    passphrase itself.
    """

    passphrase: SecretReference
    to: Annotated[tuple[Line, ...], Field(min_length=1)]
    schedule: Annotated[Cron, Field(validate_default=False)] = "0 6 * * *"
    kept: Text | None = None

    @property
    def zone(self) -> str:
        """The time zone of the schedule."""
        return self.zone_of(self.schedule)
