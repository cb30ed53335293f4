"""The workspace: what a firm has written about itself, checked, and the questions an incident asks of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from tocsin.errors import Problem
from tocsin.model.channels import Approvals, Channels, MailChannel, SlackChannel
from tocsin.model.document import Document
from tocsin.model.doors import Reporter, Webhook
from tocsin.model.drill import Drill
from tocsin.model.evidence import Evidence
from tocsin.model.exercise import Exercise
from tocsin.model.fields import Id, Line
from tocsin.model.handling import Departure, Handling
from tocsin.model.holdings import Dataset, DatasetPeople, System
from tocsin.model.parts import Named, Part
from tocsin.model.people import Client, Contact, Insurance, Organisation, Person, PersonId
from tocsin.model.practice import KeptPractice, PracticeChoice, Reminders
from tocsin.model.protection import BackupPlan, Backups, Repository, Retention, Source, check_location
from tocsin.model.recovery_kit import RecoveryKit
from tocsin.model.rota import Paging, Turn
from tocsin.model.vocabulary import Label, PersonRole

__all__ = [
    "Approvals",
    "BackupPlan",
    "Backups",
    "Channels",
    "Client",
    "Contact",
    "Dataset",
    "DatasetPeople",
    "Drill",
    "Exercise",
    "Insurance",
    "MailChannel",
    "Organisation",
    "Person",
    "Repository",
    "Retention",
    "SlackChannel",
    "Source",
    "System",
    "Workspace",
    "WorkspaceFile",
]

DEFAULT_STORE = "sqlite:///.tocsin/tocsin.db"
DEFAULT_STATE = ".tocsin"

P = TypeVar("P", bound=Named)


def _check_store(text: str) -> str:
    if not text.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError(
            "this is not a store's address. Write sqlite:///.tocsin/tocsin.db (a file in the workspace) "
            "or postgresql://USER@HOST/DATABASE."
        )
    return check_location(text)


StoreUrl = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    AfterValidator(_check_store),
    WithJsonSchema({"type": "string", "pattern": "^(sqlite:///|postgresql(\\+psycopg)?://).+"}),
]


class WorkspaceFile(Part):
    """What `tocsin.yaml` and the files it includes hold together."""

    tocsin: Literal[1]
    """The version of this file's form."""
    organisation: Organisation
    people: dict[PersonId, Person] = Field(default_factory=dict)
    clients: dict[Id, Client] = Field(default_factory=dict)
    systems: dict[Id, System] = Field(default_factory=dict)
    datasets: dict[Id, Dataset] = Field(default_factory=dict)
    repositories: dict[Id, Repository] = Field(default_factory=dict)
    backup_plans: dict[Id, BackupPlan] = Field(default_factory=dict)
    channels: Channels = Channels.model_construct()
    approvals: Approvals = Approvals.model_construct()
    """How many people approve a notice, by whom it is for, such as `people: 2`."""
    alarms: tuple[Literal["slack", "mail", "webhook", "command", "outbox"], ...] = ()
    """The channels of alarms to our own people: the first that works takes one, the outbox is the last."""
    rota: tuple[Turn, ...] = ()
    """Who is on call for which role; the first line that covers a moment counts."""
    paging: Paging = Paging.model_construct(acknowledge_within=timedelta(minutes=10))
    evidence: Evidence | None = None
    backups: Backups = Backups.model_construct()
    practices: dict[Id, KeptPractice] = Field(default_factory=dict)
    """The recurring obligations the firm keeps; one of ours needs nothing after its name."""
    reminders: Reminders = Reminders.model_construct()
    """When people are reminded of practices."""
    webhooks: dict[Id, Webhook] = Field(default_factory=dict)
    """Web servers that are told of events."""
    reporters: dict[Id, Reporter] = Field(default_factory=dict)
    """Programs that may report a suspicion to `tocsin serve`."""
    recovery_kit: RecoveryKit | None = None
    """The encrypted file with what is needed when the server itself is gone."""
    label_rules: Literal["enforce", "advise"] = "advise"
    """Whether `tocsin check` fails where data is handled less carefully than its label asks for."""
    handling: dict[Label, Handling] = Field(default_factory=dict)
    """What each label asks of whatever holds the data, where it is not what Tocsin asks anyway."""
    departures: tuple[Departure, ...] = ()
    """Where a rule of a label is knowingly not kept: who answers for it, why, and until when."""
    store: StoreUrl = DEFAULT_STORE
    state: Line = DEFAULT_STATE
    """The folder for what Tocsin keeps beside the store; relative to the workspace."""
    include: tuple[Line, ...] = ()
    """Further files, or patterns such as `clients/*.yaml`, whose maps are added to these."""

    @model_validator(mode="after")
    def _give_ids(self) -> "WorkspaceFile":
        parts: tuple[dict[str, Any], ...] = (
            self.people,
            self.clients,
            self.systems,
            self.datasets,
            self.repositories,
            self.backup_plans,
            self.practices,
            self.webhooks,
            self.reporters,
        )
        for key, part in ((key, part) for found in parts for key, part in found.items()):
            part.known_as(key)
        return self


@dataclass(frozen=True, slots=True)
class Workspace:
    """A checked workspace. Maps are keyed by id; paths in the parts are as written, see `resolve`."""

    root: Path
    organisation: Organisation
    people: dict[str, Person] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    systems: dict[str, System] = field(default_factory=dict)
    datasets: dict[str, Dataset] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    backup_plans: dict[str, BackupPlan] = field(default_factory=dict)
    drills: dict[str, Drill] = field(default_factory=dict)
    exercises: dict[str, Exercise] = field(default_factory=dict)
    channels: Channels = field(default_factory=Channels.model_construct)
    approvals: Approvals = field(default_factory=Approvals.model_construct)
    alarms: tuple[str, ...] = ()
    rota: tuple[Turn, ...] = ()
    paging: Paging = field(
        default_factory=lambda: Paging.model_construct(acknowledge_within=timedelta(minutes=10))
    )
    evidence: Evidence | None = None
    backups: Backups = field(default_factory=Backups.model_construct)
    practices: dict[str, PracticeChoice] = field(default_factory=dict)
    reminders: Reminders = field(default_factory=Reminders.model_construct)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    reporters: dict[str, Reporter] = field(default_factory=dict)
    recovery_kit: RecoveryKit | None = None
    label_rules: str = "advise"
    handling: dict[Label, Handling] = field(default_factory=dict)
    departures: tuple[Departure, ...] = ()
    written: Document = field(default=Document("tocsin.yaml", {}), repr=False, compare=False)
    """The merged files as they are written: where each thing stands."""
    store: str = DEFAULT_STORE
    state: str = DEFAULT_STATE
    warnings: tuple[Problem, ...] = ()
    exercise: str | None = None
    """The exercise whose room this is: nothing in it is real, and nothing leaves it."""

    def resolve(self, path: str) -> Path:
        """Return a path from the workspace's files as an absolute one."""
        return self.root / Path(path).expanduser()

    @property
    def state_folder(self) -> Path:
        """The folder for what Tocsin keeps beside the store."""
        return self.resolve(self.state)

    @property
    def outbox(self) -> Path:
        """The folder approved notices are laid into."""
        return self.resolve(self.channels.outbox)

    @property
    def store_url(self) -> str:
        """The store's address, a SQLite path in it made absolute."""
        prefix = "sqlite:///"
        return (
            f"{prefix}{self.resolve(self.store.removeprefix(prefix))}"
            if self.store.startswith(prefix)
            else self.store
        )

    def repository_location(self, repository: Repository) -> str:
        """Return a location as restic takes it: an address unchanged, a path made absolute."""
        scheme, colon, _ = repository.location.partition(":")
        if colon and scheme in {"sftp", "rest", "s3", "b2", "azure", "gs", "swift", "rclone"}:
            return repository.location
        return str(self.resolve(repository.location.removeprefix("local:")))

    def people_with(self, role: PersonRole | str) -> tuple[Person, ...]:
        """Return the people who hold a role, in the file's order: the first is asked first."""
        return tuple(person for person in self.people.values() if role in person.roles)

    def deputy_of(self, person_id: str) -> Person | None:
        """Return who takes over when this person is silent."""
        deputy = self.people[person_id].deputy if person_id in self.people else None
        return self.people.get(deputy) if deputy else None

    def person_with_login(self, login: str) -> Person | None:
        """Return the person whose system user this is."""
        return next((person for person in self.people.values() if person.login == login), None)

    def datasets_on(self, system_ids: Iterable[str]) -> tuple[Dataset, ...]:
        """Return the datasets that live on any of these systems."""
        wanted = set(system_ids)
        return tuple(dataset for dataset in self.datasets.values() if wanted & set(dataset.systems))

    def clients_of(self, datasets: Iterable[Dataset]) -> tuple[Client, ...]:
        """Return the clients whose data these datasets hold, each once, in the file's order."""
        wanted = {dataset.client for dataset in datasets}
        return tuple(client for client in self.clients.values() if client.id in wanted)

    def plans_for(self, system_ids: Iterable[str]) -> tuple[BackupPlan, ...]:
        """Return the backup plans that cover these systems: by what names them, or by the paths they read."""
        wanted = tuple(system_ids)
        named = {dataset.backup_plan for dataset in self.datasets_on(wanted)}
        named |= {self.systems[key].backed_up_by for key in wanted if key in self.systems}
        paths = [self.resolve(path) for key in wanted if key in self.systems for path in self.systems[key].paths]
        return tuple(
            plan
            for plan in self.backup_plans.values()
            if plan.id in named
            or any(_overlap(self.resolve(read), path) for read in plan.read_paths for path in paths)
        )

    def drills_of(self, plan_id: str) -> tuple[Drill, ...]:
        """Return the drills that restore this backup plan."""
        return tuple(drill for drill in self.drills.values() if drill.backup_plan == plan_id)


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents
