"""Evidence: taken into a restic repository of its own, and a ledger of whose hands each item has been in.

    collect(ctx, Wanted(...))         files, folders and what a program says, here or over ssh
    act(ctx, item, "handed_to", ...)  the chain of custody: append-only rows and journal
    export_item(ctx, item, folder)    out of the repository again, every hash compared
    custody_record(ctx, item, "pdf")  the record of custody on paper

An item is a snapshot of its own with a hold on it; its SHA-256 is that of the very bytes that were kept.
"""

from typing import TYPE_CHECKING

from tocsin.evidence.items import CustodyAct, Item, custody_of, item_of, items
from tocsin.lazily import handed_out

if TYPE_CHECKING:
    from tocsin.evidence.collecting import Wanted, collect
    from tocsin.evidence.custody import act
    from tocsin.evidence.exporting import Exported, export_item
    from tocsin.evidence.record import custody_facts, custody_record

__all__ = [
    "CustodyAct",
    "Exported",
    "Item",
    "Wanted",
    "act",
    "collect",
    "custody_facts",
    "custody_of",
    "custody_record",
    "export_item",
    "item_of",
    "items",
]

__getattr__ = handed_out(
    __name__,
    {
        "collecting": ("Wanted", "collect"),
        "custody": ("act",),
        "exporting": ("Exported", "export_item"),
        "record": ("custody_facts", "custody_record"),
    },
)
