"""Steps that keep traffic away: isolate a machine, block an address on one."""

from datetime import timedelta
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from tocsin.containment.addresses import must_be_blockable, parse_endpoint, parse_network
from tocsin.containment.blocking import Block, block
from tocsin.containment.isolating import Isolation, isolate, reached, remove, way_in
from tocsin.context import Context
from tocsin.errors import TocsinError
from tocsin.machines import HERE, Machine
from tocsin.model.document import Data
from tocsin.model.fields import Duration, Line, spell_duration
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.steps.on_machines import OnNamedMachine, noted

_TOKEN_BYTES = 5
SHORTEST_LIFELINE = timedelta(seconds=10)


def _network(text: str) -> str:
    return str(parse_network(text))


def _endpoint(text: str) -> str:
    return str(parse_endpoint(text))


NetworkText = Annotated[Line, AfterValidator(_network)]
EndpointText = Annotated[Line, AfterValidator(_endpoint)]


class IsolateParameters(OnNamedMachine):
    """Which machine, and what of it stays reachable.

    The address that Tocsin itself comes in from keeps its way to ssh; `allow` are further addresses or networks
    that may talk to it both ways. Rules not proved within the `lifeline` are lifted by the machine itself.
    `must_stop_out` (address:port, tried from the machine) and `must_stop_in` (its ports, tried from here) are
    tried before and after.
    """

    allow: tuple[NetworkText, ...] = ()
    lifeline: Duration = timedelta(minutes=2)
    must_stop_out: tuple[EndpointText, ...] = ()
    must_stop_in: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = ()

    @model_validator(mode="after")
    def _time_to_prove(self) -> Self:
        if self.lifeline < SHORTEST_LIFELINE:
            raise ValueError("a lifeline under 10 seconds would lift the rules before they are proved.")
        if self.must_stop_in and self.host == HERE:
            raise ValueError("must_stop_in is tried from here, so it says nothing of this machine itself.")
        return self

    def isolation(self, table: str) -> Isolation:
        """Return what is wanted, in the words of the capability."""
        return Isolation(
            table,
            tuple(map(parse_network, self.allow)),
            self.lifeline,
            tuple(map(parse_endpoint, self.must_stop_out)),
            self.must_stop_in,
        )


class IsolateHost:
    """Cut a Linux machine off from all networks but for the responder's own way in, by nftables.

    The rules stand in a table of their own, for IPv4 and IPv6, and end with a reboot.
    """

    name: ClassVar[str] = "contain.isolate_host"
    parameters: ClassVar[type[Parameters]] = IsolateParameters
    idempotent: ClassVar[bool] = True
    # Connections break, and programs notice: some of them clean up behind themselves.
    destructive: ClassVar[bool] = True
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: IsolateParameters) -> Done | Waits:
        """Put the rules in place, prove over a new connection that they hold, and only then let them stay."""
        machine = parameters.machine(ctx, place)
        way = way_in(machine)

        def look() -> dict[str, Data]:
            table = f"tocsin_isolate_{ctx.randomness.token(_TOKEN_BYTES).hex()}"
            return {"table": table, "reached_before": [*reached(machine, parameters.isolation(table), way)]}

        before = noted(place, look)
        dropped = isolate(machine, parameters.isolation(str(before["table"])), way)
        told: dict[str, Data] = {"way_in": way.address if way else "its own keyboard", "dropped": {**dropped}}
        return Done({**before, **told})

    def undo(
        self, ctx: Context, place: Place, parameters: IsolateParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Take away exactly the rules it put in place, and try again what was reached before them."""
        machine = parameters.machine(ctx, place)
        before = place.kept or output
        table = str(before["table"])
        was_there = remove(machine, table)
        again = reached(machine, parameters.isolation(table), way_in(machine))
        return Done({"was_there": was_there, "reached_again": [*again]})

    def simulate(self, parameters: IsolateParameters) -> str:
        """Say what would be cut off, and what would not."""
        allowed = f" and {', '.join(parameters.allow)}" if parameters.allow else ""
        return (
            f"isolate {parameters.where}: one nftables table of its own (IPv4 and IPv6) drops everything coming "
            f"in, going out and passing through, but for ssh from the address Tocsin comes from{allowed}; rules "
            f"not proved within {spell_duration(parameters.lifeline)} are lifted by the machine itself"
        )

    def simulate_undo(self, parameters: IsolateParameters) -> str:
        """Say what undoing would do."""
        return f"remove that one nftables table from {parameters.where}: it is on the network again"


class BlockParameters(OnNamedMachine):
    """On which machine, which addresses or networks, for how long.

    `never` is the firm's own list of what is not blocked whatever happens; the address we come in from and the
    machine's own are always in it. After `for` the kernel lets them go by itself.
    """

    addresses: Annotated[tuple[NetworkText, ...], Field(min_length=1)]
    never: tuple[NetworkText, ...] = ()
    for_: Duration | None = Field(default=None, alias="for")

    @model_validator(mode="after")
    def _not_what_is_never(self) -> Self:
        try:
            must_be_blockable(map(parse_network, self.addresses), map(parse_network, self.never), None)
        except TocsinError as refused:
            raise ValueError(str(refused)) from None
        return self


class BlockAddress:
    """Block addresses or networks on a Linux machine, both ways, by nftables."""

    name: ClassVar[str] = "contain.block_address"
    parameters: ClassVar[type[Parameters]] = BlockParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: BlockParameters) -> Done | Waits:
        """Put the rules in place, in a table of their own, and look at them."""
        machine = parameters.machine(ctx, place)
        networks = tuple(map(parse_network, parameters.addresses))
        must_be_blockable(networks, map(parse_network, parameters.never), way_in(machine))
        before = noted(place, lambda: {"table": f"tocsin_block_{ctx.randomness.token(_TOKEN_BYTES).hex()}"})
        block(machine, Block(str(before["table"]), networks, parameters.for_))
        return Done({**before, "blocked": [*parameters.addresses]})

    def undo(
        self, ctx: Context, place: Place, parameters: BlockParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Take away exactly the rules it put in place."""
        machine: Machine = parameters.machine(ctx, place)
        return Done({"was_there": remove(machine, str((place.kept or output)["table"]))})

    def simulate(self, parameters: BlockParameters) -> str:
        """Say what would be blocked."""
        ends = f", for {spell_duration(parameters.for_)}" if parameters.for_ else ""
        return (
            f"block {', '.join(parameters.addresses)} on {parameters.where}, both ways, in one nftables table of "
            f"its own{ends}"
        )

    def simulate_undo(self, parameters: BlockParameters) -> str:
        """Say what undoing would do."""
        return (
            f"remove that one nftables table from {parameters.where}: {', '.join(parameters.addresses)} may pass"
        )
