"""The blast radius drawn: columns of systems, datasets, clients and clocks, with lines between them. Pure.

The page's template only places what is worked out here and in `boxes`. A box's kind is `hit`, `leaning`, `ours`,
`client`, `clock` or `shadow`.
"""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from tocsin.boxes import Box, laid_out
from tocsin.incidents.clocks import IncidentClock
from tocsin.model.holdings import Dataset, System
from tocsin.situation import OURSELVES, Situation


def picture(
    found: Situation,
    leaning: Sequence[System],
    leaning_datasets: Sequence[Dataset],
    clocks: Mapping[str, IncidentClock],
    zone: str,
) -> dict[str, object]:
    """Return the boxes, the lines between them, and how much room they take."""
    boxes = [
        *(Box(f"s:{each.id}", 0, "hit", each.title, f"hit · {each.kind}") for each in found.radius.systems),
        *(Box(f"s:{each.id}", 0, "leaning", each.title, f"leans on it · {each.kind}") for each in leaning),
        *(_dataset(each, "hit") for each in found.radius.datasets),
        *(_dataset(each, "leaning") for each in leaning_datasets),
        *_clients(found),
        *_clocks(found, clocks, zone),
    ]
    return laid_out(boxes, _links(found, leaning_datasets), ("Systems", "Datasets", "Whose data", "Clocks"))


def _dataset(dataset: Dataset, kind: str) -> Box:
    count = f"{dataset.people.count} people" if dataset.people.count else "people not counted"
    return Box(f"d:{dataset.id}", 1, kind, dataset.title, f"{dataset.label} · {count}")


def _clients(found: Situation) -> list[Box]:
    own = (
        [Box(f"c:{OURSELVES}", 2, "ours", "Our own", "controller")]
        if OURSELVES in found.radius.controllers
        else []
    )
    return own + [
        Box(
            f"c:{each.id}",
            2,
            "client",
            each.name,
            f"{each.notice_hours} h by contract" if each.notice_hours else "",
        )
        for each in found.radius.clients
    ]


def _clocks(found: Situation, clocks: Mapping[str, IncidentClock], zone: str) -> list[Box]:
    kind = "clock" if found.aware_at else "shadow"
    whose = {"ico": OURSELVES, **{each.id: each.id for each in found.radius.clients}}
    order = {each: place for place, each in enumerate(found.radius.controllers)}
    hours = {each.id: f"within {each.notice_hours} h" for each in found.radius.clients}
    boxes = [(to, clock) for to, clock in clocks.items() if to in whose]
    boxes.sort(key=lambda one: order.get(whose[one[0]], -1))
    return [
        Box(
            f"k:{to}",
            3,
            kind,
            hours.get(to, clock.words),
            f"due {clock.due.astimezone(ZoneInfo(zone)):%a %d %b, %H:%M %Z}",
        )
        for to, clock in boxes
    ]


def _links(found: Situation, leaning_datasets: Sequence[Dataset]) -> list[tuple[str, str]]:
    datasets = (*found.radius.datasets, *leaning_datasets)
    links = [(f"s:{system}", f"d:{each.id}") for each in datasets for system in each.systems]
    links += [(f"d:{each.id}", f"c:{each.client or OURSELVES}") for each in datasets]
    links += [(f"c:{each}", f"k:{'ico' if each == OURSELVES else each}") for each in found.radius.controllers]
    return links
