"""The rules given to the kernel's packet filter, as text for `nft -f -`, and what it says of them. Pure.

Every act has a table of its own, so that undoing removes exactly that, whatever else stands beside it. A table is
put in place in one transaction: the kernel takes all of it or nothing. It does not outlive a reboot.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tocsin.containment.addresses import Network, WayIn

HOOKS = ("input", "output", "forward")
CONFIRMED = "confirmed"
# Earlier than any filter of the machine's own: a packet that is dropped here is never seen by them.
_PRIORITY = -300
_NEIGHBOURS = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept"


def isolation(table: str, ways: Sequence[WayIn], allow: Iterable[Network]) -> str:
    """Return the rules that stop everything but the ways in, the networks allowed, and keeping an address."""
    inside = ['iif "lo" accept', _NEIGHBOURS, *_LEASE_IN]
    outside = ['oif "lo" accept', _NEIGHBOURS, *_LEASE_OUT]
    for way in ways:
        family = "ip6" if ":" in way.address else "ip"
        inside.append(f"{family} saddr {way.address} tcp dport {way.to_port} accept")
        outside.append(f"{family} daddr {way.address} tcp sport {way.to_port} accept")
    for network in allow:
        family = "ip6" if network.version == 6 else "ip"  # noqa: PLR2004 - the version's own number
        inside.append(f"{family} saddr {network} accept")
        outside.append(f"{family} daddr {network} accept")
    chains = zip(HOOKS, (inside, outside, []), strict=True)
    return _table(table, [_chain(hook, [*rules, "counter"], "drop") for hook, rules in chains])


def blocking(table: str, networks: Iterable[Network], let_go: timedelta | None) -> str:
    """Return the rules that drop whatever comes from these networks, goes to them, or passes through."""
    networks = list(networks)
    ends = f" timeout {max(1, round(let_go.total_seconds()))}s" if let_go else ""
    parts, rules = [], {hook: list[str]() for hook in HOOKS}
    for version, family, kind in ((4, "ip", "ipv4_addr"), (6, "ip6", "ipv6_addr")):
        members = ", ".join(f"{network}{ends}" for network in networks if network.version == version)
        elements = f"\n    elements = {{ {members} }}" if members else ""
        parts.append(f"  set v{version} {{\n    type {kind}\n    flags interval, timeout{elements}\n  }}")
        for hook in HOOKS:
            ways = {"input": ("saddr",), "output": ("daddr",)}.get(hook, ("saddr", "daddr"))
            rules[hook] += [f"{family} {way} @v{version} counter drop" for way in ways]
    return _table(table, [*parts, *(_chain(hook, rules[hook], "accept") for hook in HOOKS)])


def lifting(table: str) -> str:
    """Return what lifts a table unless it was confirmed.

    One transaction: where the chain `confirmed` is there already, creating it fails, and so does the whole.
    """
    return f"create chain inet {table} {CONFIRMED}; delete table inet {table}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the kernel says of one table: its drop chains by hook, its sets, how many packets each hook dropped."""

    hooks: dict[str, str]
    dropped: dict[str, int]
    members: frozenset[str]
    is_confirmed: bool


def standing(listing: str) -> Standing:
    """Read `nft -j list table`."""
    hooks, dropped, members, confirmed = {}, dict.fromkeys(HOOKS, 0), set[str](), False
    for entry in json.loads(listing)["nftables"]:
        if chain := entry.get("chain"):
            confirmed |= chain["name"] == CONFIRMED
            if "hook" in chain:
                hooks[chain["hook"]] = chain["policy"]
        if (rule := entry.get("rule")) and rule["chain"] in dropped:
            dropped[rule["chain"]] += sum(part["counter"]["packets"] for part in rule["expr"] if "counter" in part)
        if found := entry.get("set"):
            members |= {_member(element) for element in found.get("elem", ())}
    return Standing(hooks, dropped, frozenset(members), confirmed)


def _member(element: object) -> str:
    if isinstance(element, dict):
        if "elem" in element:
            return _member(element["elem"]["val"])
        if "prefix" in element:
            return f"{element['prefix']['addr']}/{element['prefix']['len']}"
    return str(element)


# A lease that cannot be renewed takes the machine's address away, and the way in with it.
_LEASE_OUT = ("udp sport 68 udp dport 67 accept", "udp sport 546 udp dport 547 accept")
_LEASE_IN = ("udp sport 67 udp dport 68 accept", "udp sport 547 udp dport 546 accept")


def _table(name: str, parts: Iterable[str]) -> str:
    # Added before it is deleted, so that deleting never fails: what stood there under this name is replaced.
    body = "\n".join(parts)
    return f"add table inet {name}\ndelete table inet {name}\ntable inet {name} {{\n{body}\n}}\n"


def _chain(hook: str, rules: Iterable[str], policy: str) -> str:
    lines = "".join(f"    {rule}\n" for rule in rules)
    head = f"    type filter hook {hook} priority {_PRIORITY}; policy {policy};\n"
    return f"  chain {hook} {{\n{head}{lines}  }}"
