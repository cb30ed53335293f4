"""A small firm to test in: a workspace on disk, a real SQLite store, simulated time and chance, no outside world.

house = House(tmp_path)
house.ctx                       everything an operation needs, acting as maya
house.acting("priya")           the same in another person's hands
"""

from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from simulators.chance import CrashAt, SimulatedRandomness
from simulators.time import SimulatedClock
from tocsin.context import Context
from tocsin.errors import Temporary
from tocsin.ports import Actor
from tocsin.store.database import open_store
from tocsin.store.journal import entries
from tocsin.workspace import load

FIRM = """\
tocsin: 1
organisation:
  name: Larkfield Studio Ltd
  registration: ZA000000
  contact: {name: Priya Raman, email: privacy@larkfield.example, phone: 0117 496 0100}
people:
  maya: {name: Maya Lind, email: maya@larkfield.example, roles: [commander, technical], deputy: tom, login: maya}
  tom: {name: Tom Reed, email: tom@larkfield.example, roles: [communications], login: tom}
  priya: {name: Priya Raman, email: priya@larkfield.example, roles: [dpo], deputy: maya, login: priya}
  sam: {name: Sam Ito, email: sam@larkfield.example, login: sam}
clients:
  harbour-dental:
    name: Harbour View Dental Practice
    contract: Agreement of 3 March 2025
    notice_hours: 24
    contacts: [{name: Anneka Voss, email: anneka@harbourdental.example}]
  northgate-homes:
    name: Northgate Homes Lettings Ltd
    contract: Agreement of 12 September 2024
    notice_hours: 48
    contacts: [{name: Callum Reyes, email: callum@northgatehomes.example}]
systems:
  file-share: {title: Shared files, kind: file_share, paths: [data/file-share]}
  crm: {title: Customer database, kind: database, paths: [data/crm]}
datasets:
  patient-recall:
    {title: Patient recall lists, label: sensitive, client: harbour-dental, systems: [file-share],
     data: [name, contact, health], people: {groups: [patient], count: 1480}, backup_plan: file-share}
  tenancy-applications:
    {title: Tenancy applications, label: sensitive, client: northgate-homes, systems: [file-share],
     data: [name, address, salary], people: {groups: [customer], count: 620}, backup_plan: file-share}
  staff-records:
    {title: Staff records, label: sensitive, systems: [file-share],
     data: [name, address, salary], people: {groups: [employee], count: 14}, backup_plan: file-share}
  business-contacts:
    {title: Business contacts, label: personal, systems: [crm],
     data: [name, contact], people: {groups: [client_contact], count: 300}, backup_plan: file-share}
repositories:
  local: {location: repositories/local, password: "file:secrets/local.password"}
backup_plans:
  file-share:
    title: Shared files
    sources: [{paths: [data/file-share]}]
    repositories: [local]
    schedule: "30 2 * * *"
    rpo: 26h
    rto: 4h
channels:
  mail: {host: 127.0.0.1, port: 8025, security: none, sender: tocsin@larkfield.example}
"""


@cache
def _migrated_store() -> bytes:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/empty.db"
        open_store(url, Path(folder), SimulatedClock(), SimulatedRandomness(), CrashAt()).close()
        return Path(folder, "empty.db").read_bytes()


def lay_migrated_store(database: Path) -> None:
    """Write an empty, migrated store to a file of its own."""
    database.touch(mode=0o600)
    database.write_bytes(_migrated_store())


class Unreachable:
    """A tool that is not there tonight: whatever is asked of it is out of reach."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: object, **__: object) -> None:
            raise Temporary(f"{self._what} is out of reach.")

        return refuse


@dataclass
class Postbox:
    """Implements `ports.Mailer`: keeps what it is handed."""

    sent: list[EmailMessage] = field(default_factory=list)

    def send(self, message: EmailMessage) -> None:
        self.sent.append(message)


class House:
    """The firm, its store and its tools."""

    def __init__(self, folder: Path, *, firm: str = FIRM, store_url: str = "") -> None:
        self.folder = folder
        (folder / "tocsin.yaml").write_text(f"{firm}store: {store_url}\n" if store_url else firm)
        for name in ("data/file-share", "data/crm", "playbooks", "drills"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.clock = SimulatedClock()
        self.randomness = SimulatedRandomness()
        self.crash = CrashAt()
        self.postbox = Postbox()
        self.workspace = load(folder)
        if not store_url:
            self._lay_migrated_store()
        self.store = open_store(
            self.workspace.store_url, self.workspace.state_folder, self.clock, self.randomness, self.crash
        )

    def _lay_migrated_store(self) -> None:
        """Begin with a copy of an empty, migrated store: migrating costs half a second each time."""
        self.workspace.state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = self.workspace.state_folder / "tocsin.db"
        lay_migrated_store(database)

    @property
    def ctx(self) -> Context:
        return Context(
            workspace=self.workspace,
            store=self.store,
            restic=Unreachable("restic"),
            mailer=self.postbox,
            secrets=Unreachable("the safe"),
            clock=self.clock,
            randomness=self.randomness,
            crash=self.crash,
            actor=Actor("maya", "cli"),
        )

    def acting(self, person: str, door: str = "cli") -> Context:
        return self.ctx.acting_as(Actor(person, door))

    def crashing_at(self, name: str, nth: int = 1) -> Context:
        return replace(self.ctx, crash=CrashAt(name, nth))

    def journal_kinds(self) -> list[str]:
        with self.store.read() as connection:
            return [told.entry.kind for told in entries(connection)]

    def close(self) -> None:
        self.store.close()
