"""Screen an incident against every regime in force: which apply, which do not and why, which need an answer.

The answer is "no" as soon as one condition says no, "unclear" while one is not known or only a person can
judge, else "yes". A regime for each client, policy or country gives one finding for each.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date

from tocsin.law.assessment import Duty
from tocsin.law.authority import BRAND, authority
from tocsin.law.facts.document import Facts
from tocsin.law.known import Known, flatten
from tocsin.law.regimes.conditions import Answer, Answered, Case, answer_all
from tocsin.law.regimes.profile import REGULATED_WORDS, Profile
from tocsin.law.regimes.schema import Regime, Status, eea_authorities, regimes
from tocsin.law.verdict import judge

IN_EVERY_ASSESSMENT = ("uk-gdpr-33", "uk-gdpr-34")
"""The regimes that `assess` answers itself."""


@dataclass(frozen=True, slots=True)
class RegimeFinding:
    """What one regime comes to. `within_hours` None: `how_soon` says it in words."""

    regime: str
    name: str
    applies: Answer
    why: str
    to: str
    addressee: str
    within_hours: int | None
    how_soon: str
    form: str
    basis: str
    source: str
    status: Status
    voluntary: bool
    asks: tuple[str, ...] = ()
    """Facts, profile keys and questions that would settle it."""

    def to_json(self) -> dict[str, object]:
        """Return the finding as plain data."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**said, "asks": list(self.asks)}


@dataclass(frozen=True, slots=True)
class _Addressee:
    name: str
    hours: int | None = None
    answered: Answered | None = None
    recalled: bool = False


def screen(facts: Facts, profile: Profile, at: date) -> tuple[RegimeFinding, ...]:
    """Return a finding for every regime in force on the day `at`, in the data file's order."""
    stated = flatten(facts)
    verdict = judge(stated)
    case = Case(verdict.known, verdict, profile)
    return tuple(
        _finding(regime, addressee, case)
        for regime in regimes()
        if regime.in_force.on(at)
        for addressee in _addressees(regime, case, at)
    )


def further_duties(findings: Iterable[RegimeFinding]) -> tuple[Duty, ...]:
    """Return the findings that apply, or may, as duties beside the four that an assessment always has."""
    return tuple(
        Duty(
            to=finding.to,
            required=finding.applies,
            basis=finding.basis,
            why=(finding.why, *finding.asks),
            within_hours=finding.within_hours,
            addressee=finding.addressee,
        )
        for finding in findings
        if finding.applies != "no" and not finding.regime.startswith(IN_EVERY_ASSESSMENT)
    )


def _finding(regime: Regime, addressee: _Addressee, case: Case) -> RegimeFinding:
    answers = [*_who(regime, case.profile), *answer_all(regime.trigger, case)]
    if addressee.answered:
        answers.append(addressee.answered)
    applies = _together(answers)
    if applies == "no" and regime.doubt and _only_trigger_fails(regime, addressee, case):
        answers = [Answered("unclear", regime.doubt_says or regime.judge or "a person must look", regime.judge)]
        applies = "unclear"
    elif applies == "yes" and regime.judge:
        answers.append(Answered("unclear", "a person must judge", regime.judge))
        applies = "unclear"
    deciding = [each for each in answers if each.answer == applies] or answers
    hours = addressee.hours if addressee.hours is not None else regime.within
    status: Status = "recalled" if addressee.recalled else regime.status
    return RegimeFinding(
        regime=regime.id,
        name=regime.name,
        applies=applies,
        why=_sentence([each.why for each in deciding], status),
        to=regime.to,
        addressee=addressee.name,
        within_hours=hours,
        how_soon=f"within {hours} hours" if hours is not None else regime.promptly or "",
        form=regime.form,
        basis=regime.basis,
        source=regime.source,
        status=status,
        voluntary=regime.voluntary,
        asks=tuple(dict.fromkeys(each.asks for each in answers if each.asks and applies == "unclear")),
    )


def _who(regime: Regime, profile: Profile) -> Iterator[Answered]:
    if not regime.who:
        return
    words = " or ".join(REGULATED_WORDS[kind] for kind in regime.who)
    if profile.regulated_as is None:
        yield Answered("unclear", f"whether we are {words} is not known", "profile.regulated_as")
    elif profile.regulated_as & set(regime.who):
        yield Answered("yes", f"we are {words}")
    else:
        yield Answered("no", f"we are not {words}")


def _only_trigger_fails(regime: Regime, addressee: _Addressee, case: Case) -> bool:
    others = [*_who(regime, case.profile), *([addressee.answered] if addressee.answered else [])]
    doubts = [*others, *answer_all(regime.doubt, case)] if regime.doubt else others
    return _together(doubts) != "no"


def _together(answers: Iterable[Answered]) -> Answer:
    given = {each.answer for each in answers}
    return "no" if "no" in given else "unclear" if "unclear" in given else "yes"


def _sentence(whys: list[str], status: Status) -> str:
    said = "; ".join(dict.fromkeys(whys)).rstrip(".") or "it holds for every breach"
    doubt = " Recalled from memory: check this." if status == "recalled" else ""
    return f"{said[0].upper()}{said[1:]}.{doubt}"


def _addressees(regime: Regime, case: Case, at: date) -> Iterator[_Addressee]:
    if regime.each == "clients":
        yield from _clients(regime, case)
    elif regime.each == "policies":
        yield from _policies(regime, case.profile)
    elif regime.each == "eea_countries":
        yield from _countries(regime, case.known)
    else:
        name = f"{authority(at)} ({BRAND})" if regime.addressee == "authority" else regime.addressee
        yield _Addressee(name)


def _clients(regime: Regime, case: Case) -> Iterator[_Addressee]:
    concerned = case.known.get("clients")
    terms = {client.id: client for client in case.profile.clients or ()}
    for client in concerned or ():
        if client is not None:
            known = terms.get(client)
            yield _Addressee(known.name if known else client, known.notice_hours if known else None)
    if concerned is None or None in concerned:
        yield (
            _Addressee(
                regime.addressee,
                answered=Answered("unclear", "which clients are concerned is not known", "clients"),
            )
            if case.verdict.required["controllers"] != "no"
            else _Addressee(regime.addressee)
        )


def _policies(regime: Regime, profile: Profile) -> Iterator[_Addressee]:
    if profile.policies is None:
        unknown = Answered("unclear", "which insurance there is is not known", "profile.policies")
        yield _Addressee(regime.addressee, answered=unknown)
    elif not profile.policies:
        yield _Addressee(regime.addressee, answered=Answered("no", "there is no insurance that would answer"))
    for policy in profile.policies or ():
        yield _Addressee(f"{policy.insurer}, policy {policy.reference}", policy.notice_hours)


def _countries(regime: Regime, known: Known) -> Iterator[_Addressee]:
    listed = known.get("countries")
    names = eea_authorities()
    there = [country for country in listed or () if country in names]
    for country in there:
        yield _Addressee(f"{names[country]} ({country})", recalled=True)
    if listed is None or None in listed:
        unknown = Answered("unclear", "in which countries the people live is not known", "countries")
        yield _Addressee(regime.addressee, answered=unknown)
    elif not there:
        yield _Addressee(regime.addressee, answered=Answered("no", "nobody concerned lives in the EEA"))
