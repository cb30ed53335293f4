"""Pages for people: one self-contained HTML file from a template in `templates/reports/`.

Jinja2 in its sandbox, strict, escaped. A firm's own template of the same name comes before the shipped one.
Used for drill reports and incident stories; notices to the outside have their own, stricter way.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tocsin.errors import ConfigurationError, Place, Problem
from tocsin.model.workspace import Workspace
from tocsin.workspace import starter

Filter = Callable[..., str]
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
        return environment.get_template(template).render(facts)
    except TemplateError as wrong:
        line = getattr(wrong, "lineno", 0) or 0
        raise ConfigurationError(Problem(Place(f"templates/{template}", line, 1), f"{wrong}.")) from wrong


def _shown_in(zone: ZoneInfo, form: str) -> Filter:
    return lambda text: datetime.fromisoformat(text).astimezone(zone).strftime(form)
