"""Block addresses on a machine, for as long as the kernel is told to, and let them go again."""

from dataclasses import dataclass
from datetime import timedelta

from tocsin.containment.addresses import Network
from tocsin.containment.isolating import remove, table_of
from tocsin.containment.nftables import HOOKS, blocking
from tocsin.errors import OperationFailed
from tocsin.machines import Machine


@dataclass(frozen=True, slots=True)
class Block:
    """What is blocked, in which table, and after how long the kernel lets it go by itself (None: never)."""

    table: str
    networks: tuple[Network, ...]
    let_go: timedelta | None = None


def block(machine: Machine, wanted: Block) -> None:
    """Put the rules in place, in one transaction, and look at them. Raises OperationFailed; nothing stays then.

    What is blocked already is left alone, so that its time is not begun anew.
    """
    if not _missing(machine, wanted):
        return
    machine.do("nft", "-f", "-", stdin=blocking(wanted.table, wanted.networks, wanted.let_go))
    if missing := _missing(machine, wanted):
        remove(machine, wanted.table)
        raise OperationFailed(f"{machine.name} does not block {', '.join(missing)}; nothing was changed.")


def _missing(machine: Machine, wanted: Block) -> list[str]:
    found = table_of(machine, wanted.table)
    if found is None or set(found.hooks) != set(HOOKS):
        return [str(network) for network in wanted.networks]
    return [
        str(network)
        for network in wanted.networks
        if not {str(network), str(network.network_address)} & found.members
    ]
