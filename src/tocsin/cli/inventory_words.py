"""The inventory's findings, its handling matrix and its map, as plain data and in words for a terminal."""

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from tocsin.cli.output import table
from tocsin.model.fields import spell_duration
from tocsin.model.vocabulary import Label
from tocsin.model.workspace import Dataset, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.tree import Tree

    from tocsin.inventory import Finding, InventoryMap
    from tocsin.model.access import Access

_WIDTH = 100
_HEADS = {
    "must": "To be mended",
    "should": "Should be better",
    "ask": "Nobody has said",
    "agreed": "Agreed departures",
}


def dataset_data(workspace: Workspace, dataset: Dataset) -> dict[str, object]:
    """Return one dataset as plain data."""
    return {
        "id": dataset.id,
        "title": dataset.title,
        "client": dataset.client,
        "label": str(dataset.label),
        "labelled": dataset.labelled,
        "data": [str(code) for code in dataset.data],
        "fields": {
            str(code): {"purpose": use.purpose, "used": str(use.used)} for code, use in dataset.fields.items()
        },
        "people": dataset.people.count,
        "owner": dataset.owner,
        "purpose": dataset.purpose,
        "lawful_basis": str(dataset.lawful_basis) if dataset.lawful_basis else None,
        "systems": list(dataset.systems),
        "access": _access_data(dataset.access),
        "system_access": {
            key: _access_data(workspace.systems[key].access) for key in dataset.systems if key in workspace.systems
        },
        "retention": spell_duration(dataset.retention) if dataset.retention else None,
        "oldest": dataset.oldest.isoformat() if dataset.oldest else None,
        "backup_plan": dataset.backup_plan,
    }


def _access_data(entries: "Iterable[Access] | None") -> list[dict[str, object]] | None:
    return None if entries is None else [each.model_dump(mode="json", exclude_none=True) for each in entries]


def finding_data(finding: "Finding") -> dict[str, object]:
    """Return one finding as plain data."""
    departure = finding.departure
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "about": finding.subject,
        "sentence": finding.sentence,
        "fix": finding.fix,
        "file": finding.place.name,
        "line": finding.place.line,
        "clients": [each or None for each in finding.clients],
        "systems": list(finding.systems),
        "practice": finding.practice,
        "rule": str(finding.rule) if finding.rule else None,
        "departure": departure.model_dump(mode="json", exclude_none=True) if departure else None,
    }


def findings_text(found: Sequence["Finding"]) -> str:
    """Return the findings under a head for each weight, and what they come to."""
    grouped: dict[str, list[Finding]] = {name: [] for name in _HEADS}
    for each in found:
        grouped["agreed" if each.waived else str(each.severity)].append(each)
    parts = [f"{_HEADS[name]}\n{_listed(each)}" for name, each in grouped.items() if each]
    counts = {name: len(each) for name, each in grouped.items()}
    agreed = f", {counts['agreed']} agreed until later" if counts["agreed"] else ""
    total = f"{counts['must']} to be mended, {counts['should']} to be better, {counts['ask']} unsaid{agreed}."
    if not found:
        return "All well: every question the inventory asks is answered."
    return "\n\n".join([*parts, total])


def _listed(found: Sequence["Finding"]) -> str:
    lines = []
    for each in found:
        lines += textwrap.wrap(
            f"{each.place}: {each.sentence}", _WIDTH, initial_indent="  ", subsequent_indent="    "
        )
        told = (
            f"Agreed by {each.departure.owner} until {each.departure.until}: {each.departure.reason}"
            if each.departure
            else f"-> {each.fix}"
        )
        lines += textwrap.wrap(told, _WIDTH, initial_indent="    ", subsequent_indent="       ")
    return "\n".join(lines)


def matrix_data(workspace: Workspace) -> list[dict[str, object]]:
    """Return each rule with what every label asks, whether the firm changed it, and why the defaults ask it."""
    from tocsin.model.handling import Rule, default_rules, reason_for, rules_of

    in_force = {label: rules_of(workspace, label) for label in Label}
    shipped = {label: default_rules(label) for label in Label}
    return [
        {
            "rule": rule.value,
            **{label.value: in_force[label].spoken(rule) for label in Label},
            "changed": [
                label.value for label in Label if in_force[label].spoken(rule) != shipped[label].spoken(rule)
            ],
            "because": reason_for(rule),
        }
        for rule in Rule
    ]


def matrix_text(rows: Sequence[Mapping[str, object]], departures: Sequence[str]) -> str:
    """Return the matrix as a table, the reasons under it, then every departure."""
    cells = []
    for row in rows:
        changed = row["changed"]
        marks = changed if isinstance(changed, list) else []
        cells.append(
            [
                str(row["rule"]),
                *(f"{row[each.value]}{' *' if each.value in marks else ''}" for each in Label),
            ]
        )
    parts = [table(("rule", *(each.value for each in Label)), cells)]
    if any(row["changed"] for row in rows):
        parts.append("* as this workspace says it; the others as Tocsin has them.")
    reasons = [
        line
        for row in rows
        for line in textwrap.wrap(f"{row['rule']}: {row['because']}", _WIDTH, subsequent_indent="  ")
    ]
    parts.append("Why\n" + "\n".join(f"  {line}" for line in reasons))
    parts.append(
        "Departures\n" + "\n".join(f"  {each}" for each in departures)
        if departures
        else "No departures are agreed."
    )
    return "\n\n".join(parts)


def departure_lines(workspace: Workspace, today: date) -> list[str]:
    """Return every departure in a line: what, from which rule, whose, until when, why."""
    return [
        f"{each.subject.partition(':')[2]} from {each.rule}: {each.owner}, "
        f"{'until' if each.holds(today) else 'ENDED on'} {each.until}: {each.reason}"
        for each in workspace.departures
    ]


def map_text(workspace: Workspace, found: "InventoryMap") -> str:
    """Return the map as a tree: whose data, what, where, and what covers it. `!` must be mended, `?` is open."""
    from rich.tree import Tree

    from tocsin.inventory.picture import OUR_OWN

    marks = {"bad": "! ", "open": "? ", "well": ""}

    def marked(subject: str, text: str) -> str:
        return f"{marks[found.state_of(subject)]}{text}"

    root = Tree(workspace.organisation.name)
    branches: dict[str | None, Tree] = {}
    for dataset in found.datasets:
        if dataset.client not in branches:
            name = workspace.clients[dataset.client].name if dataset.client else OUR_OWN
            branches[dataset.client] = root.add(marked(f"client:{dataset.client}", name))
        count = f"{dataset.people.count or '?'} people"
        leaf = branches[dataset.client].add(
            marked(f"dataset:{dataset.id}", f"{dataset.title}: {dataset.label}, {count}")
        )
        for key in dataset.systems:
            system = workspace.systems[key]
            home = leaf.add(marked(f"system:{key}", f"{system.title} ({system.kind.value.replace('_', ' ')})"))
            for plan in found.plans[key]:
                home.add(marked(f"backup_plan:{plan.id}", f"{plan.title} -> {', '.join(plan.repositories)}"))
            if not found.plans[key]:
                home.add("! no backup plan covers it")
    return f"{_drawn(root)}\n\n! to be mended  ? should be better, or nobody has said: tocsin inventory check"


def _drawn(tree: "Tree") -> str:
    import io

    from rich.console import Console

    written = io.StringIO()
    Console(file=written, width=_WIDTH, no_color=True, highlight=False, markup=False).print(tree)
    return written.getvalue().rstrip()


def map_data(workspace: Workspace, found: "InventoryMap") -> dict[str, object]:
    """Return the map as plain data: each dataset with its systems and the plans that cover them."""
    return {
        "datasets": [
            {
                **dataset_data(workspace, dataset),
                "state": found.state_of(f"dataset:{dataset.id}"),
                "lives_on": [
                    {
                        "system": key,
                        "state": found.state_of(f"system:{key}"),
                        "backup_plans": [plan.id for plan in found.plans[key]],
                    }
                    for key in dataset.systems
                ],
            }
            for dataset in found.datasets
        ]
    }
