"""Say why: the rules that fired, in sentences a data protection lead can paste into the record."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tocsin.law.bounds import HARM, HOLDER, LASTING, SCALE, SHIELD, End, is_hostile
from tocsin.law.continuity import NOTHING, continuity
from tocsin.law.disclosure import Shield, disclosure_level, shield
from tocsin.law.exposure import held_by, meet, reach
from tocsin.law.facts.paths import RAISING
from tocsin.law.harm import scale, weigh
from tocsin.law.known import KINDS
from tocsin.law.levels import Exposure, Level
from tocsin.law.rules import Rule, rules
from tocsin.law.verdict import Verdict
from tocsin.model.vocabulary import Role, YesNo

THRESHOLDS = {"regulator": Level.RISK, "people": Level.HIGH_RISK}


class Fired(NamedTuple):
    """The rules of one part of the evaluation, and the level they lead to."""

    level: Level
    rules: tuple[str, ...]


def reasons(verdict: Verdict) -> dict[str, tuple[str, ...]]:
    """Return the reasons for each duty's answer."""
    if verdict.bounds is None:
        said = (rules()["no-personal-data"].sentence,)
        return dict.fromkeys(("register", "regulator", "people", "controllers"), said)
    return {
        "register": (rules()["register"].sentence,),
        "regulator": tuple(_told("regulator", verdict)),
        "people": tuple(_told("people", verdict)),
        "controllers": (rules()[_controllers_rule(verdict)].sentence,),
    }


def fired_rules(verdict: Verdict) -> tuple[str, ...]:
    """Return the names of the rules that fire at either end of the range, in the order they are given."""
    if verdict.bounds is None:
        return ("no-personal-data",)
    ends = (verdict.bounds.worst, verdict.bounds.best)
    names = (name for end in ends for part in fired(end, verdict) for name in part.rules)
    answers = (
        f"{to}-{verdict.required[to]}"
        for to in ("regulator", "people")
        if verdict.known.get("role") is not Role.PROCESSOR
    )
    return tuple(dict.fromkeys(("register", *answers, *names, _controllers_rule(verdict))))


def fired(end: End, verdict: Verdict) -> tuple[Fired, ...]:
    """Return the rules that lead to one end of the range, part by part, the gravest first."""
    parts = [*_raising(verdict), _disclosure(end, verdict), _continuity(end)]
    return tuple(sorted((part for part in parts if part.rules), key=lambda part: -part.level))


def _told(to: str, verdict: Verdict) -> Iterator[str]:
    if verdict.bounds is None:
        return
    role = verdict.known.get("role")
    if role is Role.PROCESSOR:
        yield rules()["controller-decides"].sentence
        return
    best, worst = verdict.bounds.best, verdict.bounds.worst
    low, high = (end.level >= THRESHOLDS[to] for end in (best, worst))
    answer = "unclear" if low != high else "yes" if low else "no"
    yield rules()[f"{to}-{answer}"].sentence
    if role is None:
        yield rules()["role-unknown"].sentence
    if answer == "unclear":
        yield from _sentences(best, verdict, "At best: ", least=best.level)
        yield from _sentences(worst, verdict, "At worst: ", least=worst.level)
    elif answer == "yes":
        yield from _sentences(best, verdict, "Even at best: ", least=THRESHOLDS[to])
    else:
        yield from _sentences(worst, verdict, "Even at worst: ", least=Level.NONE)


def _sentences(end: End, verdict: Verdict, supposed: str, *, least: Level) -> Iterator[str]:
    for part in fired(end, verdict):
        for name in part.rules if part.level >= least else ():
            rule = rules()[name]
            sentence = rule.sentence
            yield sentence if _rests_on_known(rule, verdict) else supposed + sentence


def _rests_on_known(rule: Rule, verdict: Verdict) -> bool:
    facts: Mapping[str, object] = verdict.known
    return all(
        fact in RAISING or (fact in facts and not (isinstance(facts[fact], tuple) and None in facts[fact]))  # type: ignore[operator]  # narrowed by isinstance
        for fact in rule.facts
    )


def _raising(verdict: Verdict) -> Iterator[Fired]:
    for fact, rule in (("safety_risk", "safety-first"), ("misuse_seen", "harm-already-done")):
        if verdict.known.get(fact) is YesNo.YES:
            yield Fired(Level.HIGH_RISK, (rule,))


def _disclosure(end: End, verdict: Verdict) -> Fired:
    facts = end.completion
    reached = reach(*(facts[fact] for fact in ("cause", "intent", "disclosed", "exfiltration", "logs")))
    if reached is None:
        return Fired(Level.NONE, ())
    held = meet(reached, held_by(*(facts[fact] for fact in HOLDER)))
    harm = weigh(*(facts[fact] for fact in HARM))
    shielded = shield(*(facts[fact] for fact in SHIELD))
    steps = scale(*(facts[fact] for fact in SCALE))
    hostile = is_hostile(verdict.known)
    level = disclosure_level(held.exposure, harm, shielded, steps, hostile=hostile)
    said = [held.rule]
    if held.exposure is Exposure.NOBODY:
        return Fired(level, tuple(said))
    if shielded is not Shield.NONE:
        said.insert(0, shielded.value)
    if shielded in {Shield.SEALED, Shield.NOBODY_IDENTIFIED}:
        return Fired(level, tuple(said[:1]))
    said += harm.rules
    if steps and held.exposure > Exposure.CONTAINED:
        said.append("large-scale")
    return Fired(level, ("hostile-recipient", *said) if hostile else tuple(said))


def _continuity(end: End) -> Fired:
    level, rule = continuity(*(end.completion[fact] for fact in (KINDS[1], KINDS[2], *LASTING)))
    return Fired(level, (rule,) if rule != NOTHING else ())


def _controllers_rule(verdict: Verdict) -> str:
    role = verdict.known.get("role")
    if role is None:
        return "role-unknown"
    return "processor-tells" if role is Role.PROCESSOR else "no-controller-above"
