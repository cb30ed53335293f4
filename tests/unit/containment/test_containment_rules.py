"""The rules of the packet filter as text, and which addresses may be cut off: pure, so for anybody's machine."""

from datetime import timedelta
from ipaddress import ip_network

import pytest

from tocsin.containment.addresses import (
    Endpoint,
    WayIn,
    must_be_blockable,
    parse_endpoint,
    parse_network,
    parse_way_in,
)
from tocsin.containment.nftables import blocking, isolation, lifting, standing
from tocsin.errors import Refused, UsageError

WAY = WayIn("198.51.100.7", "10.0.0.5", 2222)


@pytest.mark.parametrize(
    ("told", "way"),
    [
        ("198.51.100.7 50122 10.0.0.5 2222", WAY),
        ("fe80::1%eth0 50122 fe80::2%eth0 22", WayIn("fe80::1", "fe80::2", 22)),
        ("", None),
        ("somebody 1 10.0.0.5 22", None),
        ("198.51.100.7 50122 10.0.0.5", None),
    ],
)
def test_the_way_in_is_read_from_what_sshd_says(told: str, way: WayIn | None) -> None:
    assert parse_way_in(told) == way


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "10.0.0.0/4", "10.0.0.1/24", "web1", "", "10.0.0.1; flush"])
def test_what_is_no_address_or_nearly_everything_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no address or network|covers nearly everything"):
        parse_network(text)


def test_an_endpoint_is_an_address_and_a_port_of_either_family() -> None:
    assert parse_endpoint("[2001:db8::9]:443") == Endpoint("2001:db8::9", 443)
    assert str(Endpoint("2001:db8::9", 443)) == "[2001:db8::9]:443"
    for wrong in ("web1:443", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:70000", "10.0.0.1:4a"):
        with pytest.raises(ValueError, match="is no address and port"):
            parse_endpoint(wrong)


def test_an_isolation_lets_the_way_in_through_on_its_port_alone_and_drops_the_rest_in_every_hook() -> None:
    rules = isolation("t", [WAY], [ip_network("2001:db8:1::/48")])
    assert "ip saddr 198.51.100.7 tcp dport 2222 accept" in rules
    assert "ip daddr 198.51.100.7 tcp sport 2222 accept" in rules
    assert "ip6 daddr 2001:db8:1::/48 accept" in rules
    assert rules.count("policy drop") == 3
    assert rules.startswith("add table inet t\ndelete table inet t\n")
    assert lifting("t") == "create chain inet t confirmed; delete table inet t"


def test_a_block_names_each_family_in_its_set_and_ends_by_itself() -> None:
    rules = blocking("t", [ip_network("203.0.113.9"), ip_network("2001:db8::/32")], timedelta(hours=1))
    assert "elements = { 203.0.113.9/32 timeout 3600s }" in rules
    assert "elements = { 2001:db8::/32 timeout 3600s }" in rules
    assert rules.count("policy accept") == 3


def test_what_the_kernel_lists_is_read() -> None:
    listing = (
        '{"nftables": [{"metainfo": {}}, {"chain": {"name": "input", "hook": "input", "policy": "drop"}},'
        '{"chain": {"name": "confirmed"}}, {"rule": {"chain": "input", "expr": [{"counter": {"packets": 3}}]}},'
        '{"set": {"elem": [{"elem": {"val": {"prefix": {"addr": "10.1.0.0", "len": 16}}}}, "10.2.0.1"]}}]}'
    )
    found = standing(listing)
    assert (found.hooks, found.dropped["input"], found.is_confirmed) == ({"input": "drop"}, 3, True)
    assert found.members == {"10.1.0.0/16", "10.2.0.1"}


def test_neither_the_responder_nor_the_machine_nor_who_is_never_blocked_can_be_blocked() -> None:
    never = [ip_network("203.0.113.0/28")]
    must_be_blockable([ip_network("203.0.113.99")], never, WAY)
    for address in ("198.51.100.7", "198.51.100.0/24", "10.0.0.5", "203.0.113.3"):
        with pytest.raises(Refused, match="Nothing was blocked"):
            must_be_blockable([ip_network(address)], never, WAY)
    for address in ("127.0.0.1", "224.0.0.1", "fe80::1"):
        with pytest.raises(UsageError, match="nothing was blocked"):
            must_be_blockable([ip_network(address)], [], None)
