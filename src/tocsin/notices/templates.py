"""Texts from templates: Jinja2 in its sandbox, strict, over a fact sheet.

A firm's own `templates/` in its workspace come before the shipped ones, name for name. A template begins
with a line `Subject: …` and a blank line; the rest is Markdown. An undefined or empty value is an error
with its line: a notice never leaves with a hole in it.
"""

import re
import traceback
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import (
    ChoiceLoader,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tocsin.errors import ConfigurationError, Place, Problem, UsageError, did_you_mean
from tocsin.model.workspace import Workspace
from tocsin.notices.sheet import (
    CONTROLLERS,
    INSURER,
    OTHERS,
    PEOPLE,
    REGULATOR,
    SECTOR,
    CardSheet,
    Draft,
    FactSheet,
    StatementSheet,
)
from tocsin.workspace import starter

ENDING: Final = ".md.j2"
_EXERCISE: Final = "EXERCISE"
DUTY_OF_FOLDER: Final = {
    "ico": REGULATOR,
    "client": CONTROLLERS,
    **{kind: kind for kind in (PEOPLE, INSURER, SECTOR, *OTHERS)},
}
"""Which duty a template answers, by the folder it lies in."""


def is_piece(name: Path) -> bool:
    """Tell whether a file under `templates/` is a piece that other templates include: it begins with `_`."""
    return any(part.startswith("_") for part in name.parts)


def duty_of(template: str) -> str:
    """Return the duty a template answers. Raises UsageError for a name outside the known folders."""
    folder = template.partition("/")[0]
    if folder not in DUTY_OF_FOLDER:
        raise UsageError(f"There is no template {template!r}.{did_you_mean(folder, DUTY_OF_FOLDER)}")
    return DUTY_OF_FOLDER[folder]


def render(workspace: Workspace, template: str, sheet: FactSheet | StatementSheet | CardSheet) -> Draft:
    """Return the text of `template` (such as `client/initial`) for a sheet.

    Raises UsageError for a template that does not exist, ConfigurationError with file and line for one that
    is wrong.
    """
    folders = (workspace.root / "templates", starter() / "templates")
    try:
        text = (
            _environment(folders)
            .get_template(template + ENDING)
            .render({each.name: getattr(sheet, each.name) for each in fields(sheet)})
        )
    except TemplateNotFound as missing:
        raise _not_found(missing, template, folders) from None
    except TemplateSyntaxError as wrong:
        place = Place(_shown(Path(wrong.filename or template), workspace), wrong.lineno, 1)
        raise ConfigurationError(Problem(place, _sentence(wrong))) from None
    except (TemplateError, SecurityError, _Nothing, ArithmeticError, LookupError, TypeError, ValueError) as wrong:
        raise ConfigurationError(Problem(_place(wrong, template, workspace), _sentence(wrong))) from None
    draft = _split(text, template)
    return _marked(draft) if workspace.exercise else draft


def source_of(workspace: Workspace, template: str) -> str:
    """Return a template's own text, as it is written, without the pieces it includes."""
    folders = (workspace.root / "templates", starter() / "templates")
    try:
        environment = _environment(folders)
        loader = environment.loader
        return loader.get_source(environment, template + ENDING)[0] if loader else ""
    except TemplateNotFound as missing:
        raise _not_found(missing, template, folders) from None


def _marked(draft: Draft) -> Draft:
    """Say in the subject and above the text that it is an exercise's."""
    return Draft(f"{_EXERCISE}: {draft.subject}", f"**{_EXERCISE}. Nothing of this happened.**\n\n{draft.body}")


@lru_cache(maxsize=8)
def _environment(folders: tuple[Path, ...]) -> ImmutableSandboxedEnvironment:
    """Return the sandbox over these folders; compiled templates are kept, and read again when a file changes."""
    return ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        undefined=StrictUndefined,
        finalize=_never_nothing,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


class _Nothing(Exception):  # noqa: N818 - never leaves this module
    """A template printed a value that is not there."""


def _never_nothing(value: object) -> object:
    if value is None:
        raise _Nothing("this value is empty here. Put it inside {% if … %}")
    return value


def _split(text: str, template: str) -> Draft:
    head, _, body = text.lstrip().partition("\n")
    if not head.startswith("Subject: "):
        raise ConfigurationError(
            Problem(Place(template + ENDING, 1, 1), "A notice begins with a line 'Subject: …'.")
        )
    tidy = re.sub(r"\n{3,}", "\n\n", body.strip())
    return Draft(" ".join(head.removeprefix("Subject: ").split()), tidy + "\n")


def _not_found(missing: TemplateNotFound, template: str, folders: tuple[Path, ...]) -> Exception:
    if missing.name and missing.name != template + ENDING:
        sentence = f"It includes {missing.name!r}, which is not there."
        return ConfigurationError(Problem(Place(template + ENDING), sentence))
    known = {
        str(path.relative_to(folder)).removesuffix(ENDING)
        for folder in folders
        for path in folder.rglob(f"*{ENDING}")
        if not is_piece(path.relative_to(folder))
    }
    return UsageError(f"There is no template {template!r}.{did_you_mean(template, known)}")


def _place(wrong: Exception, template: str, workspace: Workspace) -> Place:
    """Find the template's line in the traceback, which Jinja2 rewrites to name it."""
    frames = [frame for frame in traceback.extract_tb(wrong.__traceback__) if frame.filename.endswith(ENDING)]
    if not frames:
        return Place(template + ENDING)
    return Place(_shown(Path(frames[-1].filename), workspace), frames[-1].lineno or 0, 1)


def _shown(path: Path, workspace: Workspace) -> str:
    return str(path.relative_to(workspace.root)) if path.is_relative_to(workspace.root) else str(path)


def _sentence(wrong: Exception) -> str:
    words = str(wrong).rstrip(".")
    return f"The template cannot be filled: {words}."
