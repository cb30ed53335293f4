"""The facts of one breach as a checked document, three-valued throughout.

Every field may be None, which means "not known yet". A list that is given is complete, unless it holds
None: `[name, unknown]` says that there is more and we do not know what.
"""

from datetime import datetime
from math import ceil
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.functional_serializers import PlainSerializer

from tocsin.errors import ConfigurationError, UsageError
from tocsin.law.clocks import parse_time
from tocsin.model.document import Data, Document
from tocsin.model.fields import Country, Id, Whole, YesWord
from tocsin.model.vocabulary import (
    BackupState,
    Cause,
    CountBasis,
    DataCode,
    Deletion,
    Exfiltration,
    Identification,
    Insight,
    Intent,
    KeyState,
    Kind,
    Logs,
    PeopleGroup,
    ProtectionState,
    RecipientType,
    Role,
    ServiceImpact,
    YesNo,
)
from tocsin.model.wording import problems_of

UNKNOWN = "unknown"

T = TypeVar("T")


def _open(value: object) -> object:
    return None if value == UNKNOWN else value


def _time(value: object) -> object:
    if isinstance(value, datetime):
        value = value.isoformat()
    if not isinstance(value, str):
        return value
    try:
        return parse_time(value)
    except UsageError as wrong:
        raise ValueError(str(wrong)) from None


def _whole(value: object) -> object:
    # Hours and days are kept whole; a part of one counts as one, which is the careful side.
    return ceil(value) if isinstance(value, float) else value


Item = Annotated[T | None, BeforeValidator(_open)]
"""One item of a list; `unknown` leaves the list open."""
Listed = tuple[Item[T], ...]
YesOrNo = Annotated[YesNo, YesWord]
Moment = Annotated[datetime, BeforeValidator(_time), PlainSerializer(datetime.isoformat, when_used="json")]
Duration = Annotated[Whole, BeforeValidator(_whole)]


class FactGroup(BaseModel):
    """A map of facts; null and `unknown` count as left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_unknown(cls, data: Any) -> Any:  # noqa: ANN401 - what a file holds, before it is checked
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: value for key, value in data.items() if key not in known or value not in (None, UNKNOWN)}


class Occurred(FactGroup):
    """When it happened; either end may be missing."""

    start: Moment | None = Field(None, alias="from")
    end: Moment | None = Field(None, alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.end and self.start > self.end:
            raise ValueError("it ends before it begins. Swap 'from' and 'to', or correct one.")
        return self


class People(FactGroup):
    """Whom the data is about."""

    groups: Listed[PeopleGroup] | None = None
    count: Whole | None = None
    count_basis: CountBasis | None = None
    vulnerable: YesOrNo | None = None


class Protection(FactGroup):
    """What stood between the data and a reader."""

    state: ProtectionState | None = None
    key: KeyState | None = None


class Recipient(FactGroup):
    """Who has, or may have, received the data."""

    type: RecipientType | None = None
    count: Whole | None = None
    duty_of_secrecy: YesOrNo | None = None
    deletion: Deletion | None = None
    opened: YesOrNo | None = None
    hostile: YesOrNo | None = None


class Backup(FactGroup):
    """What was left to restore from."""

    state: BackupState | None = None


class Restored(FactGroup):
    """Whether people have the data or the service back, and how many hours they went without."""

    done: YesOrNo | None = None
    hours: Duration | None = None


class Facts(FactGroup):
    """Everything known of one breach, for one controller."""

    role: Role | None = None
    personal_data: YesOrNo | None = None
    exploited: YesOrNo | None = None
    kinds: Annotated[Listed[Kind], Field(min_length=1)] | None = None
    cause: Cause | None = None
    intent: Intent | None = None
    occurred: Occurred = Occurred()
    dwell_days: Duration | None = None
    data: Listed[DataCode] | None = None
    insight: Insight | None = None
    people: People = People()
    identification: Identification | None = None
    protection: Protection = Protection()
    exfiltration: Exfiltration | None = None
    logs: Logs | None = None
    recipient: Recipient = Recipient()
    backup: Backup = Backup()
    restored: Restored = Restored()
    service_impact: ServiceImpact | None = None
    misuse_seen: YesOrNo | None = None
    safety_risk: YesOrNo | None = None
    clients: Listed[Id] | None = None
    countries: Listed[Country] | None = None

    def to_json(self) -> dict[str, Data]:
        """Return what is known as plain data, in the contract's own words; nothing unknown is in it."""
        said: dict[str, Data] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {key: _spelled(value) for key, value in said.items() if value != {}}


def parse_facts(data: object, name: str = "facts") -> Facts:
    """Return the checked facts in `data`: a Document with places, or plain data called `name` in errors.

    Raises ConfigurationError with every problem: where, what is wrong, the nearest right word.
    """
    document = data if isinstance(data, Document) else Document(name, data)  # type: ignore[arg-type]  # checked below
    try:
        return Facts.model_validate({} if document.data is None else document.data)
    except ValidationError as error:
        raise ConfigurationError(problems_of(error, document, Facts)) from None


def _spelled(value: Data) -> Data:
    return [UNKNOWN if item is None else item for item in value] if isinstance(value, list) else value
