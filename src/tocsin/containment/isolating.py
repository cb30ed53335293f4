"""Cut a machine off from everything but the responder, and let it back on the network.

    way_in · tried_from · isolate: arm the dead man's timer and put the rules in place · verify · confirm
    release: take the rules away, and look whether what was reached before is reached again

Should the rules lock the responder out, nobody confirms them, and the machine lifts them by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tocsin.containment.addresses import Endpoint, Network, WayIn, parse_way_in
from tocsin.containment.nftables import CONFIRMED, HOOKS, Standing, isolation, lifting, standing
from tocsin.errors import OperationFailed, Temporary
from tocsin.machines import Machine, last_words
from tocsin.ports import Said

# The timer lives on the machine, in a session of its own, and outlives the connection that armed it.
_ARM_AND_APPLY = """\
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1 &&
    systemd-run --quiet --collect --on-active="$1" nft "$2" >/dev/null 2>&1; then
    :
elif command -v setsid >/dev/null 2>&1; then
    setsid sh -c 'sleep "$1"; exec nft "$2"' tocsin-lifeline "$1" "$2" </dev/null >/dev/null 2>&1 &
else
    echo "there is neither systemd nor setsid to hold the lifeline" >&2
    exit 3
fi
exec nft -f -
"""
# Tries every `address port` at once and prints those that answer.
_TRY = """\
if command -v python3 >/dev/null 2>&1; then
    exec python3 -I -c 'import socket, sys, threading
def reach(address, port):
    try: socket.create_connection((address, int(port)), 2).close()
    except OSError: return
    print(address, port, flush=True)
tries = [threading.Thread(target=reach, args=pair) for pair in zip(sys.argv[1::2], sys.argv[2::2])]
for one in tries: one.start()
for one in tries: one.join()' "$@"
elif command -v bash >/dev/null 2>&1; then
    while [ $# -gt 1 ]; do
        { timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null && echo "$1 $2"; } &
        shift 2
    done
    wait
else
    exit 5
fi
"""
# A datagram to an address that belongs to nobody (RFC 5737): the kernel drops it, and counts.
_STIR_AND_LIST = """\
if command -v python3 >/dev/null 2>&1; then
    python3 -I -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("192.0.2.1", 9))' 2>/dev/null
elif command -v bash >/dev/null 2>&1; then
    bash -c 'echo >/dev/udp/192.0.2.1/9' 2>/dev/null
fi
exec nft -j list table inet "$1"
"""
# Creating the chain fails where the timer was faster: the table is gone then.
_CONFIRM_AND_LIST = """\
nft create chain inet "$1" "$2" 2>/dev/null
exec nft -j list table inet "$1"
"""
_CANNOT_TRY = 5


@dataclass(frozen=True, slots=True)
class Isolation:
    """What is wanted: the table's name, who may still talk to it, how long unconfirmed rules stay, what must stop.

    `out` are tried from the machine, the ports `into` from here.
    """

    table: str
    allow: tuple[Network, ...]
    lifeline: timedelta
    out: tuple[Endpoint, ...] = ()
    into: tuple[int, ...] = ()


def way_in(machine: Machine) -> WayIn | None:
    """Return how we are connected to a machine; None at its own keyboard."""
    return parse_way_in(machine.run("printenv", "SSH_CONNECTION", rights=False).stdout)


def reached(machine: Machine, wanted: Isolation, way: WayIn | None) -> list[str]:
    """Try what must stop, and return what answers now: `out 203.0.113.9:443`, `in 443`."""
    found = [f"out {end}" for end in _answering(machine, wanted.out)]
    if wanted.into and way is not None:
        ends = [Endpoint(way.to_address, port) for port in wanted.into]
        found += [f"in {end.port}" for end in _answering(Machine(machine.ctx), ends)]
    return found


def table_of(machine: Machine, table: str) -> Standing | None:
    """Return what the kernel says of a table, None where there is none."""
    return _read(machine, machine.run("nft", "-j", "list", "table", "inet", table))


def isolate(machine: Machine, wanted: Isolation, way: WayIn | None) -> dict[str, int]:
    """Put the rules in place, prove over a new connection that they hold and that we still get in, confirm them.

    Returns how many packets each hook has dropped. Raises OperationFailed: nothing stays in place then, at the
    latest after the lifeline.
    """
    lifted = f"within {round(wanted.lifeline.total_seconds())} seconds"
    now = table_of(machine, wanted.table)
    if now is None or not now.is_confirmed:
        try:
            _apply(machine, wanted, way)
        except Temporary as lost:
            raise Temporary(
                f"{lost} Rules that nobody confirms are lifted by the machine itself {lifted}."
            ) from lost
    try:
        found = _read(machine, machine.run("sh", "-c", _STIR_AND_LIST, "tocsin", wanted.table))
        still = reached(machine, wanted, way)
    except Temporary as lost:
        raise OperationFailed(
            f"The way in to {machine.name} was lost as soon as its rules stood ({lost}). Nobody confirmed them: "
            f"the machine lifts them by itself {lifted}."
        ) from lost
    if fault := _fault(found, still):
        remove(machine, wanted.table)
        raise OperationFailed(f"{machine.name} is not isolated: {fault}. The rules were taken away again.")
    return _confirmed(machine, wanted.table)


def remove(machine: Machine, table: str) -> bool:
    """Take a table away; returns whether it was there. Raises OperationFailed when it stays."""
    if table_of(machine, table) is None:
        return False
    machine.do("nft", "delete", "table", "inet", table)
    if table_of(machine, table) is not None:
        raise OperationFailed(f"The rules of {table} still stand on {machine.name}; look with `nft list ruleset`.")
    return True


def _apply(machine: Machine, wanted: Isolation, way: WayIn | None) -> None:
    seconds = str(max(1, round(wanted.lifeline.total_seconds())))
    rules = isolation(wanted.table, [way] if way else [], wanted.allow)
    machine.do("sh", "-c", _ARM_AND_APPLY, "tocsin", seconds, lifting(wanted.table), stdin=rules)


def _confirmed(machine: Machine, table: str) -> dict[str, int]:
    now = _read(machine, machine.run("sh", "-c", _CONFIRM_AND_LIST, "tocsin", table, CONFIRMED))
    if now is None or not now.is_confirmed:
        raise OperationFailed(
            f"{machine.name} lifted its rules before they were proved: that took longer than the lifeline. It is "
            "not isolated; run it again with a longer `lifeline`."
        )
    return now.dropped


def _read(machine: Machine, said: Said) -> Standing | None:
    if said.code == 0:
        return standing(said.stdout)
    if "No such file" in said.stderr:
        return None
    raise OperationFailed(f"nft on {machine.name} does not say which rules stand.{last_words(said)}")


def _fault(found: Standing | None, still: Sequence[str]) -> str:
    if found is None:
        return "its rules are gone again"
    if lacking := [hook for hook in HOOKS if found.hooks.get(hook) != "drop"]:
        return f"nothing stops {', '.join(lacking)}"
    return f"it still answers ({', '.join(still)})" if still else ""


def _answering(machine: Machine, ends: Sequence[Endpoint]) -> list[Endpoint]:
    """Return those that answer, tried from the machine."""
    if not ends:
        return []
    words = [word for end in ends for word in (end.address, str(end.port))]
    said = machine.run("sh", "-c", _TRY, "tocsin", *words, rights=False)
    if said.code == _CANNOT_TRY:
        raise OperationFailed(f"{machine.name} has neither python3 nor bash to try with; nothing was changed.")
    lines = said.stdout.splitlines()
    return [end for end in ends if f"{end.address} {end.port}" in lines]
