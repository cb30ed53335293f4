"""`tocsin assess`: judge a breach from a facts file. Needs no workspace and keeps nothing."""

import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import emit, json_option
from tocsin.errors import ConfigurationError, Place, Problem, UsageError

if TYPE_CHECKING:
    from tocsin.law import Assessment, Duty
    from tocsin.law.facts import Facts

_TITLES = {
    "register": "Our register of breaches",
    "regulator": "The regulator",
    "people": "The people concerned",
    "controllers": "The clients whose data it is",
}
_NOT_SCREENED = (
    "Other regimes (communications, NIS, finance, law, charities, health, contracts, insurance, police) were not "
    "screened: give --profile FILE; an empty one says what it would need to know."
)
_RISKS = {
    "none": "none: no personal data of living people is concerned",
    "unlikely": "unlikely",
    "risk": "a risk to people is likely, a high risk is not",
    "high_risk": "a high risk to people is likely",
    "unclear": "not clear yet: what is known leaves more than one answer open",
}
_ANSWERS = {"yes": "YES", "no": "no", "unclear": "NOT CLEAR YET"}


@click.command()
@click.option(
    "--facts",
    "facts_file",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="What is known, as YAML; - reads standard input.",
)
@click.option(
    "--profile",
    "profile_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Who we are, as YAML (regulated_as, small, clients, policies): the further regimes are screened too.",
)
@click.option("--on", "on_day", metavar="DATE", help="The day whose law is screened, as 2026-11-23; else today's.")
@json_option
def command(facts_file: Path, profile_file: Path | None, on_day: str | None, as_json: bool) -> None:
    """Judge a breach from a facts file: the risk, who must be told and why, what to ask next.

    What is not known is left out or written as unknown; it is never read as "no". The result is a proposal:
    a person decides.

    \b
    Example:
      tocsin assess --facts facts.yaml
      tocsin assess --facts facts.yaml --profile us.yaml --json
    """
    from tocsin.law import assess
    from tocsin.law.facts import parse_facts
    from tocsin.model.yaml_text import parse_yaml

    facts = parse_facts(parse_yaml(_text(facts_file), str(facts_file)))
    assessment = assess(facts)
    if profile_file is not None:
        further = _further(facts, profile_file, _day(on_day))
        assessment = replace(assessment, duties=(*assessment.duties, *further))
    note = () if profile_file is not None else (_NOT_SCREENED, "")
    emit(assessment.to_json(), describe(assessment, note), as_json=as_json)


def _further(facts: "Facts", profile_file: Path, day: date) -> "tuple[Duty, ...]":
    from tocsin.law.regimes import further_duties, screen
    from tocsin.law.regimes.profile_file import parse_profile
    from tocsin.model.yaml_text import parse_yaml

    profile = parse_profile(parse_yaml(_text(profile_file), str(profile_file)))
    return further_duties(screen(facts, profile, day))


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a day. Write it as 2026-11-23. Nothing was judged.") from None


def describe(assessment: "Assessment", note: tuple[str, ...] = ()) -> str:
    """Return the assessment in plain English, fit for a terminal, a mail or the record."""
    severity = assessment.severity
    flags = f" ({', '.join(severity.flags)})" if severity.flags else ""
    score = f"{severity.se}, {severity.band}{flags} = {severity.dpc} x {severity.ei} + {severity.cb}"
    lines = [f"Risk to people: {_RISKS[assessment.risk]}.", ""]
    for duty in assessment.duties:
        lines += [f"{duty.addressee or _TITLES.get(duty.to, duty.to)}: {_answer(duty)}  [{duty.basis}]"]
        lines += [f"  - {reason}" for reason in duty.why]
        lines += [""]
    if assessment.contradictions:
        lines += ["What does not fit together:", *(f"  - {each}" for each in assessment.contradictions), ""]
    if assessment.open_questions:
        lines += ["Worth asking next, the most decisive first:"]
        lines += [
            f"  {number}. {question.why}\n     (state the fact: {question.fact})"
            for number, question in enumerate(assessment.open_questions, start=1)
        ]
        lines += [""]
    lines += [
        *note,
        f"ENISA severity, for information only: {score}.",
        "This is a proposal. The person responsible decides and records why.",
    ]
    return "\n".join(lines)


def _answer(duty: "Duty") -> str:
    answer = _ANSWERS[duty.required]
    if duty.required == "no":
        return answer
    if duty.to == "register":
        return answer
    within = f"within {duty.within_hours} hours of becoming aware" if duty.within_hours else "without undue delay"
    return f"{answer}, {within}" if duty.required == "yes" else f"{answer} (if so: {within})"


def _text(facts_file: Path) -> str:
    name = str(facts_file)
    try:
        return sys.stdin.buffer.read().decode() if name == "-" else facts_file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(Problem(Place(name), "This is not text in UTF-8. Save it as UTF-8.")) from None
    except OSError as fault:
        raise ConfigurationError(
            Problem(Place(name), f"The file cannot be read: {fault.strerror}. Nothing was judged.")
        ) from None
