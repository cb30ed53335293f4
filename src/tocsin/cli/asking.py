"""Ask a person at the terminal for what a declaration lacks: four questions, each until it is answered.

A misspelt word is answered with the nearest and the question is put again: nobody starts over at three in the
morning.
"""

from collections.abc import Iterable
from dataclasses import replace

import click

from tocsin.context import Context
from tocsin.errors import did_you_mean
from tocsin.incidents import Declaration
from tocsin.model.vocabulary import Cause


def completed(ctx: Context, said: Declaration) -> Declaration:
    """Return the declaration with what the person answered."""
    if not said.title:
        said = replace(said, title=click.prompt("1. What do you see, in one line?", prompt_suffix=" "))
    if not said.systems:
        said = replace(said, systems=_words("2. Which systems, with commas between?", ctx.workspace.systems))
    if said.cause is None:
        causes = [cause.value for cause in Cause]
        answer = _words("3. What does it look like? Enter when unsure.", causes, needed=False)
        said = replace(said, cause=answer[0] if answer else None)
    if said.aware_at is None and click.confirm("4. Is it certain that personal data was hit?", default=False):
        said = replace(said, aware_at=ctx.clock.now())
    return said


def _words(question: str, known: Iterable[str], *, needed: bool = True) -> tuple[str, ...]:
    """Ask for known words until every one of them is known."""
    known = list(known)
    click.echo(click.wrap_text(f"Known: {', '.join(known)}", initial_indent="   ", subsequent_indent="   "))
    while True:
        answer = click.prompt(question, default="", show_default=False, prompt_suffix=" ")
        words = tuple(word.strip() for word in answer.split(",") if word.strip())
        wrong = [word for word in words if word not in known]
        if (words or not needed) and not wrong:
            return words
        for word in wrong:
            click.echo(f"   There is no {word!r}.{did_you_mean(word, known)}")
