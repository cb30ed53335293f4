"""The reference page of the law, written from the data: every rule with its basis, and every regime.

`law_page` is pure; whoever writes the page passes the guideline's cases, so that the page can say which of
them exercise each rule.
"""

from collections.abc import Iterator, Mapping

from tocsin.law.facts.document import Facts
from tocsin.law.known import flatten
from tocsin.law.reasons import fired_rules
from tocsin.law.regimes import Regime, regimes
from tocsin.law.rules import Rule, rules
from tocsin.law.verdict import judge

_STATUS = {
    "verified": "read in the source",
    "reported": "read in secondary copies",
    "recalled": "**recalled: check this**",
    "reading": "our own reading",
}


def law_page(cases: Mapping[str, Facts]) -> str:
    """Return the page as markdown; `cases` maps a case's id to its facts."""
    exercised: dict[str, list[str]] = {}
    for name, facts in cases.items():
        for rule in fired_rules(judge(flatten(facts))):
            exercised.setdefault(rule, []).append(name)
    return "\n".join(
        [
            "# The law Tocsin judges by",
            "",
            "Written from `src/tocsin/law/data`; do not edit it here. Nothing on this page is legal advice: the",
            "assessment is a proposal, and the person responsible decides. What is marked *recalled* or *our own",
            "reading* has not been read in its source and wants checking before it is relied on.",
            "",
            "## Rules of the assessment",
            "",
            *(line for rule in rules().values() for line in _rule(rule, exercised.get(rule.id, []))),
            "## Regimes screened for every incident",
            "",
            *(line for regime in regimes() for line in _regime(regime)),
        ]
    )


def _rule(rule: Rule, cases: list[str]) -> Iterator[str]:
    yield f"### {rule.title} (`{rule.id}`)"
    yield ""
    yield rule.says
    yield ""
    yield f"- Basis: {rule.basis}, since {rule.since.isoformat()}"
    yield f"- Guidance: {rule.guidance}"
    yield f"- How sure: {_STATUS[rule.status]}"
    yield f"- Exercised by: {', '.join(cases) or 'variations in the tests only'}"
    yield ""


def _regime(regime: Regime) -> Iterator[str]:
    hours = f"within {regime.within} hours" if regime.within is not None else regime.promptly
    start, end = regime.in_force.start, regime.in_force.end
    yield f"### {regime.name} (`{regime.id}`)"
    yield ""
    yield f"- To: {'the data protection regulator' if regime.addressee == 'authority' else regime.addressee}"
    yield f"- How soon: {hours}"
    yield f"- Form: {regime.form}"
    yield f"- Basis: {regime.basis}"
    if regime.judge:
        yield f"- A person judges: {regime.judge}"
    yield f"- In force: {f'{start} to {end}' if end else f'since {start}' if start else 'not yet'}"
    yield f"- Source: {regime.source} ({_STATUS[regime.status]})"
    yield ""
