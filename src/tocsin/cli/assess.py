"""`tocsin assess`: judge a breach from a facts file. Needs no workspace and keeps nothing."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import emit, json_option
from tocsin.errors import ConfigurationError, Place, Problem

if TYPE_CHECKING:
    from tocsin.law import Assessment, Duty

_TITLES = {
    "register": "Our register of breaches",
    "regulator": "The regulator",
    "people": "The people concerned",
    "controllers": "The clients whose data it is",
}
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
@json_option
def command(facts_file: Path, as_json: bool) -> None:
    """Judge a breach from a facts file: the risk, who must be told and why, what to ask next.

    What is not known is left out or written as unknown; it is never read as "no". The result is a proposal:
    a person decides.

    \b
    Example:
      tocsin assess --facts facts.yaml
      tocsin assess --facts facts.yaml --json
    """
    from tocsin.law import assess
    from tocsin.law.facts import parse_facts
    from tocsin.model.yaml_text import parse_yaml

    assessment = assess(parse_facts(parse_yaml(_text(facts_file), str(facts_file))))
    emit(assessment.to_json(), describe(assessment), as_json=as_json)


def describe(assessment: "Assessment") -> str:
    """Return the assessment in plain English, fit for a terminal, a mail or the record."""
    severity = assessment.severity
    flags = f" ({', '.join(severity.flags)})" if severity.flags else ""
    score = f"{severity.se}, {severity.band}{flags} = {severity.dpc} x {severity.ei} + {severity.cb}"
    lines = [f"Risk to people: {_RISKS[assessment.risk]}.", ""]
    for duty in assessment.duties:
        lines += [f"{_TITLES.get(duty.to, duty.to)}: {_answer(duty)}  [{duty.basis}]"]
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
