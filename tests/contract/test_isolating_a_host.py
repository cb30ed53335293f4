"""A host cut off for real: three network namespaces, a real sshd, real nftables, over the real ssh."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from simulators.chance import CrashAt, PowerCut
from simulators.house import House
from simulators.networks import ADDRESSES, Network, ShellOf, network  # noqa: F401 - a fixture
from tocsin.containment.addresses import parse_endpoint
from tocsin.containment.isolating import Isolation, isolate, way_in
from tocsin.errors import OperationFailed
from tocsin.machines import Machine
from tocsin.model.holdings import Ssh
from tocsin.runbook import decisions
from tocsin.runbook.containment import contained
from tocsin.runbook.engine import Progressed, advance, prepare, start

pytestmark = pytest.mark.xdist_group("network")
DEAD = f"{socket.gethostname()}|999999999:1"
HOST, HOST6, OUTSIDE, OUTSIDE6 = "10.77.0.2", "fd77::2", "10.77.0.3", "fd77::3"


@dataclass
class Ground:
    house: House
    network: Network

    @property
    def ctx(self) -> Any:
        return replace(self.house.ctx, shell=ShellOf(self.network, "responder"))

    def filled(self, step: str, host: str = HOST) -> str:
        return step.replace("MACHINE", f"host: '{host}', user: root, identity: {self.network.identity}")

    def run(self, step: str, host: str = HOST) -> Progressed:
        text = f"playbook: p\ntitle: P\nsteps:\n{self.filled(step, host)}"
        return advance(self.ctx, start(self.ctx, prepare(self.ctx, text, "p.yaml")).id)

    def undo(self, found: Progressed, step: str = "cut") -> Progressed:
        decisions.undo(self.ctx, found.run.id, step, "the host is clean")
        return advance(self.ctx, found.run.id)

    def machine(self) -> Machine:
        return Machine(self.ctx, Ssh(host=HOST, user="root", identity=str(self.network.identity)))


@pytest.fixture
def ground(house: House, network: Network) -> Iterator[Ground]:  # noqa: F811
    (house.folder / "known_hosts").write_text(network.known_hosts(HOST, HOST6))
    yield Ground(house, network)
    network.run("host", "nft", "flush", "ruleset")


CUT = (
    "- {id: cut, uses: contain.isolate_host, without_evidence: a test, expires: 72h, with: {MACHINE, "
    "must_stop_out: ['10.77.0.3:443', '[fd77::3]:443'], must_stop_in: [443]}}\n"
)


WAYS = {
    ("outside", HOST, 443), ("outside", HOST6, 443), ("outside", HOST, 22), ("host", OUTSIDE, 443),
    ("host", OUTSIDE6, 443), ("responder", HOST, 443), ("responder", HOST6, 443), ("responder", HOST, 22),
}  # fmt: skip
OURS = ("responder", HOST, 22)


def open_ways(net: Network) -> set[tuple[str, str, int]]:
    """Return which of the ways between the three are open."""
    with ThreadPoolExecutor() as pool:
        tried = {
            one: pool.submit(net.reached, one, *(way[1:] for way in WAYS if way[0] == one)) for one in ADDRESSES
        }
    return {(one, *end) for one, found in tried.items() for end in found.result()}


def test_traffic_really_stops_the_responder_still_gets_in_and_it_really_comes_back(ground: Ground) -> None:
    assert open_ways(ground.network) == WAYS
    found = ground.run(CUT)
    output = found.looks[0].row.output or {}
    assert found.looks[0].row.error is None
    assert (output["way_in"], output["reached_before"]) == (
        "10.77.0.1", ["out 10.77.0.3:443", "out [fd77::3]:443", "in 443"],
    )  # fmt: skip
    assert output["dropped"]["output"] > 0
    assert open_ways(ground.network) == {OURS}
    with ground.house.store.read() as connection:
        assert "it is on the network again" in contained(connection)[0].does

    undone = ground.undo(found)
    assert undone.state == "done"
    assert open_ways(ground.network) == WAYS
    assert ground.network.tables() == []


def test_done_twice_changes_nothing_more_and_undone_removes_only_its_own_rules(ground: Ground) -> None:
    ground.network.run("host", "nft", "add table inet theirs; add chain inet theirs keep")
    found = ground.run(CUT.replace("out: ['10.77.0.3:443', '[fd77::3]:443'], must_stop_in: [443]", "in: []"))
    rules = ground.network.run("host", "nft", "--stateless", "list", "ruleset").stdout
    output = found.looks[0].row.output or {}
    isolate(ground.machine(), Isolation(output["table"], (), timedelta(minutes=2)), way_in(ground.machine()))
    assert ground.network.run("host", "nft", "--stateless", "list", "ruleset").stdout == rules
    ground.undo(found)
    assert ground.network.tables() == ["theirs"]


def test_who_is_allowed_still_gets_through_both_ways(ground: Ground) -> None:
    found = ground.run(
        "- {id: cut, uses: contain.isolate_host, without_evidence: x, with: {MACHINE, allow: ['fd77::3']}}\n"
    )
    assert found.looks[0].row.error is None
    assert open_ways(ground.network) == {("outside", HOST6, 443), ("host", OUTSIDE6, 443), OURS}


def test_over_ipv6_the_way_in_over_ipv6_stays(ground: Ground) -> None:
    found = ground.run("- {id: cut, uses: contain.isolate_host, without_evidence: x, with: {MACHINE}}\n", HOST6)
    assert (found.looks[0].row.output or {})["way_in"] == "fd77::1"
    assert ground.network.reaches("responder", HOST6, 22)
    assert not ground.network.reaches("responder", HOST, 22)
    ground.undo(found)
    assert ground.network.reaches("responder", HOST, 22)


def test_a_responder_who_is_locked_out_gets_in_again_when_nobody_confirms_the_rules(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way in is told wrong, as behind a jump host that changes its address."""
    wrong = replace(way_in(ground.machine()), address="10.77.0.9")  # type: ignore[type-var]
    machine = ground.machine().within(timedelta(seconds=3))
    began = time.monotonic()
    with pytest.raises(Exception, match=r"lifted by the machine itself|lifts them by itself|did not end in time"):
        isolate(machine, Isolation("tocsin_isolate_test", (), timedelta(seconds=5)), wrong)
    assert not ground.network.reaches("responder", HOST, 22)
    while not ground.network.reaches("responder", HOST, 22):
        assert time.monotonic() - began < 60
        time.sleep(0.2)
    assert ground.network.tables() == []


def test_where_something_still_answers_the_rules_are_taken_away_and_the_step_says_so(ground: Ground) -> None:
    """What must stop is on the list of what is allowed: a slip that a tired person makes."""
    wanted = Isolation(
        "tocsin_isolate_test", (ip_network("10.77.0.3"),), timedelta(minutes=2), (parse_endpoint("10.77.0.3:443"),)
    )
    with pytest.raises(OperationFailed, match=r"is not isolated: it still answers .out 10.77.0.3:443.*taken away"):
        isolate(ground.machine(), wanted, way_in(ground.machine()))
    assert ground.network.tables() == []


@pytest.mark.parametrize("where", ["step:noted", "step:acted"])
def test_after_a_crash_it_is_finished_with_what_was_written_down_and_can_be_undone(
    ground: Ground, where: str
) -> None:
    text = f"playbook: p\ntitle: P\nsteps:\n{ground.filled('- {id: cut, uses: contain.isolate_host, without_evidence: x, with: {MACHINE}}')}\n"
    run = start(ground.ctx, prepare(ground.ctx, text, "p.yaml"))
    with pytest.raises(PowerCut):
        advance(replace(ground.ctx, crash=CrashAt(where)), run.id, worker=DEAD)
    before = ground.network.tables()
    assert len(before) == (where == "step:acted")
    found = advance(ground.ctx, run.id)
    table = (found.looks[0].row.output or {})["table"]
    assert ground.network.tables() == [table]
    assert before in ([], [table])
    ground.undo(found)
    assert ground.network.tables() == []


BLOCK = "- {id: block, uses: contain.block_address, with: {MACHINE, addresses: [10.77.0.3, 'fd77::3'], for: 1h}}\n"


def test_a_blocked_address_is_dropped_both_ways_and_nothing_else_is(ground: Ground) -> None:
    found = ground.run(BLOCK)
    assert found.looks[0].row.error is None
    assert open_ways(ground.network) == {("responder", HOST, 443), ("responder", HOST6, 443), OURS}
    ground.undo(found, "block")
    assert open_ways(ground.network) == WAYS


def test_the_kernel_lets_a_blocked_address_go_by_itself(ground: Ground) -> None:
    ground.run(BLOCK.replace("1h", "1s").replace(", 'fd77::3'", ""))
    for _ in range(50):
        if ground.network.reaches("outside", HOST, seconds=0.3):
            return
        time.sleep(0.1)
    raise AssertionError("it was never let go")


@pytest.mark.parametrize(
    ("addresses", "never", "sentence"),
    [
        ("10.77.0.1", "192.0.2.1", "10.77.0.1/32 is the address you came in from. Nothing was blocked."),
        ("10.77.0.0/24", "192.0.2.1", "which is the address you came in from"),
        ("10.77.0.2", "192.0.2.1", "is the machine's own address"),
    ],
)
def test_the_responders_own_address_is_never_blocked(
    ground: Ground, addresses: str, never: str, sentence: str
) -> None:
    found = ground.run(
        f"- {{id: b, uses: contain.block_address, with: {{MACHINE, addresses: ['{addresses}'], never: [{never}]}}}}\n"
    )
    assert sentence in str(found.looks[0].row.error)
    assert ground.network.tables() == []
