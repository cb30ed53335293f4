"""A firm's own templates, checked before the night they are needed: does each still say what the law requires?

Each is filled with the facts of a made-up breach and read by the guard. Only what the template itself lacks is
reported; a text that equals the shipped one is taken as read.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tocsin.errors import ConfigurationError, Place, Problem, nearest
from tocsin.law import assess
from tocsin.law.facts import parse_facts
from tocsin.model.workspace import Workspace, WorkspaceFile
from tocsin.notices.addressees import addressed, directory
from tocsin.notices.card import CARD, card_sheet
from tocsin.notices.drafting import drawn, is_follow_up
from tocsin.notices.drawing import Case, IncidentView
from tocsin.notices.following import Earlier
from tocsin.notices.guard import check_notice
from tocsin.notices.sheet import CONTROLLERS, ICO, REGULATOR, SECTOR, Draft
from tocsin.notices.statement import STATEMENT, statement_sheet
from tocsin.notices.templates import DUTY_OF_FOLDER, ENDING, is_piece, render
from tocsin.workspace import starter

_RULES: Final = frozenset({"required", "contact", "addressee", "hole", "claim"})
_AWARE: Final = datetime(2026, 1, 9, 17, 0, tzinfo=UTC)
_CLIENT: Final = "example-client"
_FIRM: Final[dict[str, Any]] = {
    "tocsin": 1,
    "organisation": {
        "name": "Example Firm",
        "registration": "ZA000000",
        "sector": "agency",
        "address": "1 High Street",
        "contact": {
            "name": "Privacy desk",
            "email": "privacy@firm.example",
            "phone": "020 7946 0000",
            "hours": "Monday to Friday, 9am to 5pm",
        },
        "insurance": [{"policy": "P-1", "insurer": "Example Mutual"}],
    },
    "people": {
        "lead": {"name": "Lee Example", "email": "lee@firm.example", "phone": "020 7946 0001", "roles": ["dpo"]}
    },
    "clients": {
        _CLIENT: {
            "name": "Example Client",
            "contract": "C-1",
            "notice_hours": 24,
            "contacts": [{"name": "Kit Example", "email": "kit@client.example", "phone": "020 7946 0002"}],
        }
    },
    "systems": {"files": {"title": "File server", "kind": "file_share"}},
    "datasets": {
        key: {
            "title": f"{title} records",
            "label": "personal",
            "data": ["name", "contact"],
            "people": {"groups": ["customer"], "count": 100},
            "systems": ["files"],
            **whose,
        }
        for key, title, whose in (("own", "Own", {}), ("theirs", "Customer", {"client": _CLIENT}))
    },
}
_FACTS: Final[dict[str, Any]] = {
    "role": "processor",
    "personal_data": "yes",
    "cause": "ransomware",
    "kinds": ["confidentiality", "availability"],
    "backup": {"state": "intact"},
}


def override_problems(workspace: Workspace) -> tuple[Problem, ...]:
    """Return what the workspace's own templates lack or get wrong, each with its file."""
    return tuple(
        problem
        for path in sorted((workspace.root / "templates").rglob(f"*{ENDING}"))
        for problem in _problems(workspace, path)
    )


def _problems(workspace: Workspace, path: Path) -> Iterator[Problem]:
    template = str(path.relative_to(workspace.root / "templates")).removesuffix(ENDING)
    if is_piece(path.relative_to(workspace.root)) or _is_shipped(path, template):
        return
    if template == CARD:
        yield from _card_problems(workspace, template)
        return
    folder = template.partition("/")[0]
    place = Place(str(path.relative_to(workspace.root)))
    if folder not in DUTY_OF_FOLDER:
        if near := nearest(folder, DUTY_OF_FOLDER):
            yield Problem(place, "No notice has its templates in this folder: nothing would ever use it.", near)
        return
    duty = DUTY_OF_FOLDER[folder]
    addressee = {REGULATOR: ICO, CONTROLLERS: _CLIENT, SECTOR: f"{SECTOR}:{next(iter(directory().sectors))}"}.get(
        duty, duty
    )
    firm = sample_firm(workspace.root)
    try:
        draft = _filled(firm, template, addressee)
    except ConfigurationError as wrong:
        yield from wrong.problems
        return
    whom = addressed(firm, addressee)
    if template == STATEMENT:
        whom = replace(whom, kind="statement")
    for finding in check_notice(draft, whom, firm):
        if finding.blocking and finding.rule in _RULES:
            yield Problem(place, finding.text)


def _card_problems(workspace: Workspace, template: str) -> Iterator[Problem]:
    # It goes to our own people alone, so nobody's rules but the template language's are kept.
    try:
        render(workspace, template, card_sheet(sample_firm(workspace.root), (), _AWARE))
    except ConfigurationError as wrong:
        yield from wrong.problems


def _is_shipped(path: Path, template: str) -> bool:
    shipped = starter() / "templates" / (template + ENDING)
    return shipped.is_file() and shipped.read_bytes() == path.read_bytes()


def _filled(firm: Workspace, template: str, addressee: str) -> Draft:
    now = _AWARE + timedelta(hours=2)
    if template == STATEMENT:
        return render(firm, template, statement_sheet(firm, addressee, {}, now))
    earlier = Earlier("# Notice\n", "# Notice\n", now, "IC-000000") if is_follow_up(template) else None
    return drawn(firm, sample_case(earlier), template, addressee, now)


def sample_case(earlier: Earlier | None = None) -> Case:
    """Return a made-up breach of which the usual things are known."""
    view = IncidentView("INC-0000-000", "Sample", "ransomware", ("files",), _AWARE, _AWARE, _AWARE)
    return Case(view, _FACTS, assess(parse_facts(_FACTS)), ("we disconnected the file server",), earlier=earlier)


def sample_firm(root: Path) -> Workspace:
    """Return a made-up firm whose templates are those of `root`."""
    file = WorkspaceFile.model_validate(_FIRM)
    return Workspace(
        root=root,
        organisation=file.organisation,
        people=file.people,
        clients=file.clients,
        systems=file.systems,
        datasets=file.datasets,
    )
