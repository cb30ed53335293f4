"""Pages for people: one self-contained HTML file from a template in `templates/reports/`.

Jinja2 in its sandbox, strict, escaped. A firm's own template of the same name comes before the shipped one.
Used for drill reports and incident stories; notices to the outside have their own, stricter way.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from importlib import import_module
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tocsin.errors import ConfigurationError, Place, Problem, UsageError
from tocsin.model.workspace import Workspace
from tocsin.workspace import starter

Filter = Callable[..., str]
_BANNER = (
    '<div style="position:sticky;top:0;background:#ffd400;color:#000;padding:.5rem 1rem;font:bold 16px sans-serif;'
    '-webkit-print-color-adjust:exact;print-color-adjust:exact">EXERCISE {exercise}: nothing on this page is real.'
    "</div>"
)
_TIMES = {"local": "%A %d %B %Y, %H:%M:%S %Z", "day": "%A %d %B %Y", "hour": "%H:%M:%S %Z"}


def render_page(
    workspace: Workspace, template: str, facts: Mapping[str, object], filters: Mapping[str, Filter] | None = None
) -> str:
    """Return the page `template` (such as `reports/drill.html.j2`) makes of plain facts.

    In templates `| local`, `| day` and `| hour` show a UTC time text on the organisation's clock.
    Raises ConfigurationError with the template's line when a template is wrong.
    """
    zone = ZoneInfo(workspace.organisation.timezone)
    folders = (workspace.root / "templates", starter() / "templates")
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name, form in _TIMES.items():
        environment.filters[name] = _shown_in(zone, form)
    environment.filters |= dict(filters or {})
    try:
        page = environment.get_template(template).render(facts)
    except TemplateError as wrong:
        line = getattr(wrong, "lineno", 0) or 0
        raise ConfigurationError(Problem(Place(f"templates/{template}", line, 1), f"{wrong}.")) from wrong
    return marked(page, workspace.exercise) if workspace.exercise else page


def marked(page: str, exercise: str) -> str:
    """Return a page that says at its top, in its title and on every printed sheet that it is an exercise's."""
    banner = _BANNER.format(exercise=escape(exercise))
    return page.replace("<title>", "<title>EXERCISE: ", 1).replace("<body>", f"<body>{banner}", 1)


def render_pdf(template: str, facts: Mapping[str, object]) -> bytes:
    """Return the shipped typst template `template` (such as `reports/custody.typ`) as PDF, its facts as JSON.

    Raises UsageError where the optional package typst is missing.
    """
    try:
        typst = import_module("typst")
    except ImportError:
        raise UsageError(
            "To write PDF, Tocsin needs the package typst: install tocsin[pdf]. Nothing was written. HTML is "
            "always there, and any browser prints it to PDF."
        ) from None
    text = (starter() / "templates" / template).read_bytes()
    return bytes(typst.compile(text, sys_inputs={"facts": json.dumps(facts, ensure_ascii=False)}))


def _shown_in(zone: ZoneInfo, form: str) -> Filter:
    return lambda text: datetime.fromisoformat(text).astimezone(zone).strftime(form)
