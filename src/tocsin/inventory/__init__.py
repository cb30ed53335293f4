"""The inventory that works for a living: what is missing or wrong in it, and its picture.

    findings(workspace, today)           everything that is wrong or unsaid, each with what mends it; pure
    narrowed(workspace, client)          one client's part of it, which names no other's data
    concerning(found, system=…)
    inventory_map(workspace, found)      clients → datasets → systems → backups, as boxes and lines
    map_page(workspace, map, …)          the same as one page

What a label asks stands in `model.label_rules`, and is among the findings. Nothing here reads the store:
practices, readiness and the command line take it from here.
"""

from tocsin.inventory.findings import concerning, counted, findings, narrowed
from tocsin.inventory.picture import InventoryMap, inventory_map, map_page
from tocsin.model.finding import Finding, Severity

__all__ = [
    "Finding",
    "InventoryMap",
    "Severity",
    "concerning",
    "counted",
    "findings",
    "inventory_map",
    "map_page",
    "narrowed",
]
