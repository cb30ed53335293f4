"""What we hold and where: systems, and the datasets that are the inventory.

Whatever nobody has said stays unknown: it is asked for by `tocsin inventory check`, and never read as "no".
"""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from tocsin.model.access import AccessEntry
from tocsin.model.fields import Duration, Id, Line, Text, TrueFalse, Whole, YesWord
from tocsin.model.parts import Named, Part
from tocsin.model.vocabulary import (
    LABEL_OF_CODE,
    DataCode,
    Label,
    LawfulBasis,
    PeopleGroup,
    SystemKind,
    YesNoUnknown,
)

_LABELS = list(Label)
Answer = Annotated[YesNoUnknown, YesWord]


def check_host(host: str) -> str:
    """Return the name or address of a machine as ssh takes it. Raises ValueError."""
    if host.startswith("-") or "@" in host or any(sign.isspace() for sign in host):
        raise ValueError(f"{host!r} is not a host. Write its name or address alone, such as web1.example.")
    return host


HostName = Annotated[Line, AfterValidator(check_host)]


class Ssh(Part):
    """How a machine is reached: the host, who logs in with which key, and whether programs run through `sudo -n`.

    The host's own key must stand in the file `known_hosts`; an unknown host is never trusted. Without `identity`
    the agent's or the user's own key is taken.
    """

    host: HostName
    user: Annotated[Line, AfterValidator(check_host)] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    known_hosts: Line = "known_hosts"
    identity: Line | None = None
    sudo: TrueFalse = False


class System(Named):
    """Something that holds datasets. `paths` are relative to the workspace, or absolute."""

    title: Line
    kind: SystemKind
    paths: tuple[Line, ...] = ()
    owner: Id | None = None
    encrypted: Answer = YesNoUnknown.UNKNOWN
    depends_on: tuple[Id, ...] = ()
    ssh: Ssh | None = None
    location: Line | None = None
    """Where it stands, or with whom: `Bristol office, locked cabinet`, `Example Cloud, Ireland`."""
    second_factor: Answer = YesNoUnknown.UNKNOWN
    """Whether its logins need more than a password."""
    access_log: Answer = YesNoUnknown.UNKNOWN
    """Whether it writes down who looked at what."""
    access_log_kept: Duration | None = None
    """How long that log is kept; said, it answers `access_log` too."""
    shared_logins: tuple[Line, ...] | None = None
    """Logins that several people use, such as `admin`; [] says there is none."""
    access: tuple[AccessEntry, ...] | None = None
    """Who may use it, and why."""
    backed_up_by: Id | None = None
    """The backup plan that covers it, where neither its datasets nor its paths say so."""

    @model_validator(mode="after")
    def _agree_on_the_log(self) -> Self:
        if self.access_log_kept and self.access_log is YesNoUnknown.NO:
            raise ValueError("access_log says there is no log, yet access_log_kept says how long it is kept.")
        return self

    @property
    def logs_access(self) -> YesNoUnknown:
        """Whether it writes down who looked at what, from both keys."""
        return YesNoUnknown.YES if self.access_log_kept else self.access_log

    @property
    def shared(self) -> tuple[str, ...]:
        """Its logins that several people share: said to be, or so by their name."""
        entries = self.access or ()
        logins = [each.login for each in entries if each.login]
        twice = [login for login in logins if logins.count(login) > 1]
        named = [each.login for each in entries if each.login and each.is_shared]
        return tuple(dict.fromkeys([*(self.shared_logins or ()), *named, *twice]))


class FieldUse(Part):
    """What one kind of data in a dataset is for. Written short, the purpose alone will do."""

    purpose: Text | None = None
    used: Answer = YesNoUnknown.UNKNOWN
    """Whether anybody really uses it; `no` means that it should not be collected."""


class _OrAPurpose:
    """Says to editors that a purpose alone will do in place of the map."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(schema)]}


def _from_purpose(value: object) -> object:
    return {"purpose": value} if isinstance(value, str) else {} if value is None else value


FieldEntry = Annotated[FieldUse, BeforeValidator(_from_purpose), _OrAPurpose()]


class DatasetPeople(Part):
    """Whom a dataset is about, and how many they are."""

    groups: tuple[PeopleGroup, ...] = ()
    count: Whole | None = None


class Dataset(Named):
    """One entry of the inventory, our record of processing. Without `client` it is our own."""

    title: Line
    label: Label = Label.SENSITIVE
    """How carefully it is handled. Left out, it is handled as carefully as its data codes could ask for."""
    data: tuple[DataCode, ...] = ()
    """What it says of a person; what stands in `fields` need not be said again."""
    fields: dict[DataCode, FieldEntry] = Field(default_factory=dict)
    """What each kind of data is for: `date_of_birth: To send the right vaccine reminder`."""
    people: DatasetPeople = DatasetPeople.model_construct()
    client: Id | None = None
    systems: tuple[Id, ...] = ()
    purpose: Text | None = None
    lawful_basis: LawfulBasis | None = None
    retention: Duration | None = None
    """How long it may be kept."""
    retention_from: Line | None = None
    """From what moment that is counted, such as `the end of the contract`."""
    oldest: date | None = None
    """The day of the oldest record that is still there."""
    backup_plan: Id | None = None
    owner: Id | None = None
    """Who of us answers for it."""
    access: tuple[AccessEntry, ...] | None = None
    """Who may use it, and why; left out, its systems' lists count."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        # A frozen part is completed once, while it is made: `fields` names data too, and data asks for a label.
        self.__dict__["data"] = tuple(dict.fromkeys([*self.data, *self.fields]))
        if not self.labelled:
            self.__dict__["label"] = self.demanded_label
        return self

    def __hash__(self) -> int:
        # `fields` is a map and has no hash of its own; equal datasets have the same id and title.
        return hash((self.id, self.title))

    @property
    def labelled(self) -> bool:
        """Whether somebody chose the label."""
        return "label" in self.model_fields_set

    @property
    def demanded_label(self) -> Label:
        """The least careful label that its data codes allow; with no codes, the most careful there is."""
        return careful_label(LABEL_OF_CODE[code] for code in self.data) or Label.SENSITIVE

    @property
    def codes_above_label(self) -> tuple[DataCode, ...]:
        """The data codes that ask for a more careful label than it has."""
        return tuple(code for code in self.data if is_above(LABEL_OF_CODE[code], self.label))


def careful_label(labels: Iterable[Label]) -> Label | None:
    """Return the most careful of these labels, None where there are none."""
    return max(labels, key=_LABELS.index, default=None)


def is_above(one: Label, other: Label) -> bool:
    """Tell whether a label is more careful than another."""
    return _LABELS.index(one) > _LABELS.index(other)
