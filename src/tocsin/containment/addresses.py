"""Addresses of the network: what may be cut off, what must never be, and by which way we came in. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from tocsin.errors import Refused, UsageError

Network = IPv4Network | IPv6Network
_WIDEST = {4: 8, 6: 16}
_WORDS_OF_A_CONNECTION = 4
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class WayIn:
    """How the responder reached a machine: from which address, to which address and port of it."""

    address: str
    to_address: str
    to_port: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port that can be tried."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def parse_network(text: str) -> Network:
    """Return an address or network such as 198.51.100.7 or 2001:db8::/32. Raises ValueError with a sentence."""
    try:
        found = ip_network(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no address or network. Write one such as 198.51.100.7, 10.8.0.0/24 or 2001:db8::/32."
        ) from None
    if found.prefixlen < _WIDEST[found.version]:
        raise ValueError(f"{text} covers nearly everything. Name a narrower network.")
    return found


def parse_endpoint(text: str) -> Endpoint:
    """Return `address:port`, `[v6 address]:port`. Raises ValueError with a sentence."""
    address, colon, port = text.rpartition(":")
    try:
        found = str(ip_address(address.removeprefix("[").removesuffix("]")))
    except ValueError:
        found = ""
    if not colon or not found or not port.isdigit() or not 0 < int(port) <= _LAST_PORT:
        raise ValueError(
            f"{text!r} is no address and port. Write one such as 203.0.113.9:443 or [2001:db8::9]:443."
        )
    return Endpoint(found, int(port))


def parse_way_in(ssh_connection: str) -> WayIn | None:
    """Return the way that sshd's SSH_CONNECTION tells of; None where it tells of none."""
    words = ssh_connection.split()
    if len(words) != _WORDS_OF_A_CONNECTION:
        return None
    try:
        client, server = (str(ip_address(word.partition("%")[0])) for word in (words[0], words[2]))
        return WayIn(client, server, int(words[3]))
    except ValueError:
        return None


def must_be_blockable(networks: Iterable[Network], never: Iterable[Network], way: WayIn | None) -> None:
    """Raise where blocking would cut off the responder, the machine itself, or whom the firm never blocks."""
    kept = dict.fromkeys(never, "stands in the list of what is never blocked")
    if way is not None:
        kept |= {
            ip_network(way.address): "is the address you came in from",
            ip_network(way.to_address): "is the machine's own address",
        }
    for network in networks:
        if network.is_loopback or network.is_multicast or network.is_unspecified or network.is_link_local:
            raise UsageError(f"{network} is no address of anybody outside; nothing was blocked.")
        for other, why in kept.items():
            if network.version == other.version and network.overlaps(other):
                what = network if network == other else f"{network} holds {other}, which"
                raise Refused(f"{what} {why}. Nothing was blocked.")
