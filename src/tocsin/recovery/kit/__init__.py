"""The recovery kit: what a clean machine needs to bring everything back, in one file that a passphrase opens.

write_kit(ctx, passphrase, [path])      addresses, keys, workspace, ledger, journal's head, contacts; sealed
kit_if_due(ctx, now)                    the same, by the workspace's schedule
unseal(data, passphrase)                what is in it; no workspace, no store, no Tocsin needed
open_kit(kit, folder)                   a workspace again, in an empty folder
take_over(ctx, kit)                     its ledger, vouched for by an entry of the new journal
check_kit(ctx, kit)                     does each key in it open its repository?
"""

from tocsin.recovery.kit.checking import KeyProved, check_kit
from tocsin.recovery.kit.contents import Kit
from tocsin.recovery.kit.opening import Opened, open_kit, take_over
from tocsin.recovery.kit.page import kit_page
from tocsin.recovery.kit.sealing import SCRIPT, seal, unseal
from tocsin.recovery.kit.writing import Written, kit_if_due, last_kit, write_kit

__all__ = [
    "SCRIPT",
    "KeyProved",
    "Kit",
    "Opened",
    "Written",
    "check_kit",
    "kit_if_due",
    "kit_page",
    "last_kit",
    "open_kit",
    "seal",
    "take_over",
    "unseal",
    "write_kit",
]
