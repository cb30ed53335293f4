"""The page to be printed and kept with the kit: what to do, whom to call, how to open it. No secret is on it."""

import yaml

from tocsin.context import Context
from tocsin.pages import render_page
from tocsin.recovery.kit.contents import Kit
from tocsin.recovery.kit.sealing import SCRIPT

TEMPLATE = "reports/recovery-kit.html.j2"


def kit_page(ctx: Context, kit: Kit, sha256: str) -> str:
    """Return the page as HTML. Raises ConfigurationError when the firm's own template is wrong."""
    settings = ctx.workspace.recovery_kit
    facts = {
        "organisation": kit.index["organisation"],
        "made_at": kit.index["made_at"],
        "version": kit.index["tocsin"],
        "sha256": sha256,
        "kept": settings.kept if settings else None,
        "places": list(settings.to) if settings else [],
        "repositories": kit.index["repositories"],
        "contacts": kit.index["contacts"],
        "plans": _plans(kit),
        "script": SCRIPT,
    }
    return render_page(ctx.workspace, TEMPLATE, facts)


def _plans(kit: Kit) -> list[dict[str, str]]:
    """Return the recovery plans by name and title; one that cannot be read is left to `tocsin check`."""
    found = []
    for name, data in sorted(kit.files.items()):
        if not name.startswith("drills/") or not name.endswith((".yaml", ".yml")):
            continue
        try:
            plan = yaml.safe_load(data)
        except (yaml.YAMLError, UnicodeDecodeError):
            continue
        if isinstance(plan, dict) and "recovery_plan" in plan:
            found.append({"plan": str(plan["recovery_plan"]), "title": str(plan.get("title", ""))})
    return found
