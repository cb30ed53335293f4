"""A small agency with three clients, two of whose names hold one another; and contexts to act in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from simulators.chance import SimulatedRandomness
from simulators.house import lay_migrated_store
from simulators.time import SimulatedClock
from tocsin.context import Context
from tocsin.law import assess
from tocsin.law.facts import parse_facts
from tocsin.model.workspace import Workspace
from tocsin.notices import Case, IncidentView
from tocsin.ports import Actor, Clock, CrashPoints, HandedOver, Mailer, Randomness
from tocsin.store.database import open_store
from tocsin.store.tables import incident
from tocsin.workspace import load

FIRST_ALERT = datetime(2026, 11, 20, 16, 5, tzinfo=UTC)
AWARE = datetime(2026, 11, 20, 17, 10, tzinfo=UTC)
INCIDENT = "INC-2026-001"

WORKSPACE = """\
tocsin: 1
organisation:
  name: Lantern & Vale
  registration: ZA000001
  sector: marketing agency
  address: 4 Quay Street, Bristol
  contact:
    name: Privacy desk
    email: privacy@lantern.example
    phone: "+44 117 496 0100"
    hours: Monday to Friday, 9am to 5pm
  insurance:
    - {policy: CY-2026-118, insurer: Quayside Mutual, notice_hours: 48, contact: {name: Claims line, phone: "020 7946 0900"}}
people:
  maya: {name: Maya Okafor, email: maya@lantern.example, phone: "+44 117 496 0101", roles: [commander], deputy: tom}
  tom: {name: Tom Reyes, email: tom@lantern.example, roles: [technical]}
  dilys: {name: Dilys Pryce, email: dilys@lantern.example, phone: "+44 117 496 0102", roles: [dpo]}
  sam: {name: Sam Byrne, email: sam@lantern.example, roles: [communications]}
clients:
  acme:
    name: Acme
    contract: MSA-2023-04
    notice_hours: 24
    contacts: [{name: Ivo Marsh, email: ivo@acme.example, phone: "020 7946 0011"}]
  acme-health:
    name: Acme Health
    contract: MSA-2024-11
    notice_hours: 12
    contacts:
      - {name: Nell Ashby, email: nell@acmehealth.example, phone: "+44 20 7946 0022"}
      - {name: Omar Quinn, email: privacy@acmehealth.example}
  harbour:
    name: Harbour Dental Practice Ltd
    contacts: [{name: Rosa Keane, email: rosa@harbourdental.example, phone: "0117 496 0033"}]
systems:
  files: {title: File server, kind: file_share, paths: [files]}
  shop: {title: Web shop database, kind: database}
datasets:
  acme-leads:
    title: Newsletter subscribers
    label: personal
    data: [name, contact]
    people: {groups: [customer], count: 12400}
    client: acme
    systems: [files]
  health-appointments:
    title: Appointment requests
    label: sensitive
    data: [name, contact, health]
    people: {groups: [patient], count: 830}
    client: acme-health
    systems: [files]
  dental-recalls:
    title: Recall letters
    label: sensitive
    data: [name, address, health]
    people: {groups: [patient, child], count: 2100}
    client: harbour
    systems: [files]
  own-staff:
    title: Staff records
    label: sensitive
    data: [name, contact, bank_account, salary]
    people: {groups: [employee], count: 14}
    systems: [files]
"""

MAIL = """\
channels:
  mail: {host: 127.0.0.1, port: %d, security: none, sender: breach@lantern.example}
"""

MEASURES = (
    "we disconnected the file server from the network",
    "we stopped all pruning of backups and kept the snapshot from before the attack",
)


class NoRestic:
    """Stands where nothing here may reach."""


class NoSecrets:
    """Implements `tocsin.ports.Secrets`; nothing here has one."""

    def read(self, reference: str) -> str:
        raise AssertionError(reference)


class Letterbox:
    """Implements `tocsin.ports.Mailer`: keeps what it is given, or raises what it is told to."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.faults: list[BaseException | None] = []
        self.mails: list[bytes] = []
        self.answers: dict[str, HandedOver] = {}

    def send(self, message: EmailMessage) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.taken.append(message)

    @contextmanager
    def session(self, per_connection: int) -> Iterator["Letterbox"]:
        yield self

    def connect(self) -> None:
        if self.faults and isinstance(self.faults[0], BaseException):
            raise self.faults.pop(0)

    def hand_over(self, sender: str, reader: str, content: bytes) -> HandedOver:
        answer = self.answers.get(reader, HandedOver("taken", "250", "taken"))
        if answer.outcome in {"taken", "unknown"}:
            self.mails.append(content)
        return answer


def make_workspace(folder: Path, *, mail_port: int | None = None, more: str = "") -> Workspace:
    (folder / "tocsin.yaml").write_text(WORKSPACE + (MAIL % mail_port if mail_port else "") + more)
    return load(folder)


@contextmanager
def at_work(
    workspace: Workspace,
    mailer: Mailer,
    crash: CrashPoints,
    *,
    person: str = "maya",
    clock: Clock | None = None,
    randomness: Randomness | None = None,
) -> Iterator[Context]:
    clock = clock or SimulatedClock()
    randomness = randomness or SimulatedRandomness()
    workspace.state_folder.mkdir(exist_ok=True)
    database = workspace.state_folder / "tocsin.db"
    if workspace.store_url == f"sqlite:///{database}" and not database.exists():
        lay_migrated_store(database)  # migrating costs half a second each time
    store = open_store(workspace.store_url, workspace.state_folder, clock, randomness, crash)
    try:
        yield Context(
            workspace=workspace,
            store=store,
            restic=NoRestic(),  # type: ignore[arg-type]  # no notice touches restic
            mailer=mailer,
            secrets=NoSecrets(),
            clock=clock,
            randomness=randomness,
            crash=crash,
            actor=Actor(person, "cli"),
        )
    finally:
        store.close()


def declare(ctx: Context) -> None:
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(
            insert(incident).values(
                id=INCIDENT,
                title="Ransomware on the file server",
                cause="ransomware",
                state="open",
                declared_by="maya",
                declared_at=AWARE,
                first_alert_at=FIRST_ALERT,
                aware_at=AWARE,
            )
        )


def case(facts: dict[str, Any] | None = None, *, measures: tuple[str, ...] = MEASURES, title: str = "") -> Case:
    known = {
        "role": "processor",
        "personal_data": "yes",
        "cause": "ransomware",
        "kinds": ["confidentiality", "availability"],
        "backup": {"state": "intact"},
        **(facts or {}),
    }
    view = IncidentView(
        id=INCIDENT,
        title=title or "Ransomware on the file server",
        cause="ransomware",
        systems=("files",),
        declared_at=AWARE,
        first_alert_at=FIRST_ALERT,
        aware_at=AWARE,
    )
    return Case(view, known, assess(parse_facts(known)), measures)
