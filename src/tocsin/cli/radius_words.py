"""A blast radius as a tree and tables for a terminal, and as plain data."""

from typing import TYPE_CHECKING

from tocsin.cli.output import table

if TYPE_CHECKING:
    from rich.tree import Tree

    from tocsin.incidents.radius import Radius
    from tocsin.model.holdings import Dataset

_WIDTH = 100


def radius_data(found: "Radius") -> dict[str, object]:
    """Return it as plain data; the picture's own boxes are left to the page."""
    from tocsin.incidents.radius import radius_facts

    facts = radius_facts(found, "UTC")
    facts.pop("picture")
    return facts


def radius_text(found: "Radius", zone: str) -> str:
    """Return the tree from systems to clocks, then whom to call, then what to go back to."""
    from tocsin.incidents.radius import plan_name
    from tocsin.law.clocks import show_both

    head = f"{found.incident}  {found.title}: at most {found.people} people"
    calls = [
        (
            client.name,
            f"{client.notice_hours} h" if client.notice_hours else "promptly",
            show_both(clock.due, zone) if (clock := found.clocks.get(client.id)) else "-",
            "; ".join(f"{each.name} {each.phone or each.email or ''}".strip() for each in client.contacts)
            or "nobody",
        )
        for client in found.clients
    ]
    plans = [
        (
            plan_name(last),
            f"{last.entry.id[:8]} in {last.entry.repository}" if last.entry else "NONE",
            f"{last.entry.time:%Y-%m-%d %H:%M} UTC" if last.entry else "-",
            last.reasons[-1],
        )
        for last in found.plans
    ]
    parts = [head, _drawn(_tree(found))]
    parts += (
        [table(("client", "contract", "due", "call"), calls)] if calls else ["No client's data is known there."]
    )
    parts += (
        [table(("backup plan", "last clean", "taken", "why"), plans)] if plans else ["No backup plan covers it."]
    )
    return "\n\n".join(parts)


def _tree(found: "Radius") -> "Tree":
    from rich.tree import Tree

    root = Tree(found.incident)
    leaning = {system.id for system in found.leaning}
    for system in (*found.systems, *found.leaning):
        said = "leans on it, not said to be hit" if system.id in leaning else "HIT"
        branch = root.add(f"{system.title} ({system.id})  {said}")
        for dataset in (*found.datasets, *found.leaning_datasets):
            if system.id in dataset.systems:
                branch.add(_leaf(found, dataset))
    return root


def _leaf(found: "Radius", dataset: "Dataset") -> str:
    whose = next(
        (client.name for client in found.clients if client.id == dataset.client), dataset.client or "our own"
    )
    codes = ", ".join(str(code) for code in dataset.data) or "nothing said"
    return f"{dataset.title}: {dataset.label}, {dataset.people.count or '?'} people, {whose} ({codes})"


def _drawn(tree: "Tree") -> str:
    import io

    from rich.console import Console

    written = io.StringIO()
    Console(file=written, width=_WIDTH, no_color=True, highlight=False, markup=False).print(tree)
    return written.getvalue().rstrip()
