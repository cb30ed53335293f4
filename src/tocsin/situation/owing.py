"""What an incident obliges us to, worked out anew from its facts: the law's own duties and every further regime.

Pure. Each overlay (our own data, each client's) is judged by itself; a regime that more than one of them
triggers is owed once, by its strongest answer.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from tocsin.law import Assessment, Duty
from tocsin.law.authority import BRAND, authority
from tocsin.law.facts import parse_facts
from tocsin.law.regimes import RegimeFinding, screen
from tocsin.model.workspace import Workspace
from tocsin.situation.blast_radius import OURSELVES
from tocsin.situation.profile import profile_of
from tocsin.situation.reading import STRENGTH, Situation

CORE = ("regulator", "people", "controllers")
_TOLD_ELSEWHERE = ("uk-gdpr-33", "uk-gdpr-34", "complaints")
"""The assessment's own duties, and one that is owed only once somebody complains."""
_RISK = {"none": 0, "unlikely": 1, "unclear": 2, "risk": 3, "high_risk": 4}
_LONGEST_KEY = 90


@dataclass(frozen=True, slots=True)
class Owed:
    """One duty as the facts propose it now. `key` is what a person types; `controller` is '' for all data."""

    key: str
    toward: str
    controller: str
    addressee: str
    basis: str
    hours: int | None
    how_soon: str
    voluntary: bool
    required: str
    risk: str
    why: tuple[str, ...]
    asks: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names a decision on it may bear: its own, and for the law's three their common one."""
        return (self.key, self.toward) if self.controller else (self.key,)

    @property
    def weight(self) -> tuple[int, int]:
        """How much it asks for: grows when the answer or the risk behind it does."""
        return weight(self.required, self.risk)


def weight(required: str, risk: str) -> tuple[int, int]:
    """Return an answer and the risk behind it as numbers that can be compared."""
    return STRENGTH[required], _RISK[risk]


def owed_now(found: Situation, workspace: Workspace, at: date) -> tuple[Owed, ...]:
    """Return every duty these facts propose or leave open; our own towards regulator and people also as "no".

    A regime that turns on what the workspace does not say of us is left to `screened`: it needs that answer first.
    """
    core = [each for controller in found.assessments for each in _core(found, workspace, controller, at)]
    core += [_nothing(toward) for toward in CORE if toward not in {each.toward for each in core}]
    further = [_further(finding) for finding in screened(found, workspace, at) if _is_duty(finding)]
    return tuple(_distinct([*core, *further]))


def screened(found: Situation, workspace: Workspace, at: date) -> tuple[RegimeFinding, ...]:
    """Return one finding for each regime and addressee: the strongest over all overlays, in the data's order."""
    profile = profile_of(workspace)
    strongest: dict[tuple[str, str], RegimeFinding] = {}
    for controller in found.assessments:
        for finding in screen(parse_facts(found.facts(controller)), profile, at):
            key = (finding.regime, finding.addressee)
            before = strongest.get(key)
            if before is None or STRENGTH[finding.applies] > STRENGTH[before.applies]:
                strongest[key] = finding
    return tuple(strongest.values())


def unanswered(findings: Iterable[RegimeFinding]) -> tuple[str, ...]:
    """Return what the workspace would have to say of us before every regime can be answered."""
    asked = (ask for finding in findings for ask in finding.asks if ask.startswith("profile."))
    return tuple(dict.fromkeys(asked))


def _core(found: Situation, workspace: Workspace, controller: str, at: date) -> Iterator[Owed]:
    assessment = found.assessments[controller]
    for toward in CORE:
        duty = assessment.duty(toward)
        ours = controller == OURSELVES and toward != "controllers"
        if duty.required != "no" or ours:
            yield _owed(assessment, duty, workspace, controller, at)


def _nothing(toward: str) -> Owed:
    """Stand for a duty that no data here gives rise to, so that a person can still decide on it."""
    why = ("No data that was hit gives rise to it.",)
    return Owed(toward, toward, "", toward, "UK GDPR Art 33, 34", None, "", False, "no", "none", why, ())


def _owed(assessment: Assessment, duty: Duty, workspace: Workspace, controller: str, at: date) -> Owed:
    client = workspace.clients.get(controller)
    hours = client.notice_hours if client and duty.to == "controllers" else duty.within_hours
    addressee = {
        "regulator": f"{authority(at)} ({BRAND})",
        "people": "the people concerned",
        "controllers": client.name if client else "the clients whose data it is",
    }[duty.to]
    return Owed(
        key=duty.to if controller == OURSELVES else f"{duty.to}-{controller}",
        toward=duty.to,
        controller=controller,
        addressee=addressee,
        basis=duty.basis,
        hours=hours,
        how_soon=f"within {hours} hours" if hours else "without undue delay",
        voluntary=False,
        required=duty.required,
        risk=assessment.risk,
        why=duty.why,
        asks=tuple(each.fact for each in assessment.open_questions if duty.to in each.could_change),
    )


def _is_duty(finding: RegimeFinding) -> bool:
    if finding.applies == "no" or finding.regime.startswith(_TOLD_ELSEWHERE):
        return False
    return not any(ask.startswith("profile.") for ask in finding.asks)


def _further(finding: RegimeFinding) -> Owed:
    return Owed(
        key=_key(finding),
        toward=finding.to,
        controller="",
        addressee=finding.addressee,
        basis=finding.basis,
        hours=finding.within_hours,
        how_soon=finding.how_soon,
        voluntary=finding.voluntary,
        required=finding.applies,
        risk="unclear",
        why=(f"{finding.name}. {finding.why}", f"How: {finding.form}."),
        asks=finding.asks,
    )


def _key(finding: RegimeFinding) -> str:
    if finding.regime == "eu-gdpr-33":
        country = re.search(r"\(([A-Z]{2})\)$", finding.addressee)
        return f"{finding.regime}-{country[1].casefold()}" if country else finding.regime
    if finding.regime != "insurer":
        return finding.regime
    words = re.sub(r"[^a-z0-9]+", "-", finding.addressee.casefold()).strip("-")
    return f"{finding.regime}-{words}"[:_LONGEST_KEY]


def _distinct(owed: Iterable[Owed]) -> Iterator[Owed]:
    seen: dict[str, Owed] = {}
    for each in owed:
        seen.setdefault(each.key, each)
    yield from seen.values()
