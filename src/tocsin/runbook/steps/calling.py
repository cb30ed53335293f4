"""The step that calls another playbook, and waits until its run has ended."""

from typing import ClassVar

from pydantic import Field, JsonValue
from sqlalchemy import select

from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.model.document import Data
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.language import StepId
from tocsin.runbook.ledger import Run, load_rows, load_run
from tocsin.runbook.pinned import pinned_playbook
from tocsin.runbook.readiness import FOR_RUN
from tocsin.runbook.starting import Parent, Prepared, check_inputs, start_in
from tocsin.store.database import Transaction
from tocsin.store.tables import run as runs


class PlaybookParameters(Parameters):
    """The playbook's name, written out so that its text can be pinned, and the inputs it takes."""

    name: StepId
    inputs: dict[str, JsonValue] = Field(default_factory=dict)


class CallPlaybook:
    """Start another playbook, pinned with this one when this run began, and wait for its end."""

    name: ClassVar[str] = FOR_RUN
    parameters: ClassVar[type[Parameters]] = PlaybookParameters
    # The called run carries the row that called it: a second try finds it.
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    # It touches the ledger alone; the called run keeps to the same mode.
    is_inside: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: PlaybookParameters) -> Done | Waits:
        """Start it, or see how it ended. One that ended badly is started anew when a person has it tried again."""
        with ctx.store.write(ctx.actor) as tx:
            called = _last_called(tx, place)
            failed_before = called is not None and called.state in ("failed", "abandoned") and place.since is None
            if called is None or failed_before:
                called = self._start(ctx, tx, place, parameters)
            rows = load_rows(tx.connection, called.id)
        if called.state == "open":
            question = f"waits until run {called.id} ({parameters.name}) has ended"
            return Waits({"kind": FOR_RUN, "run": called.id, "question": question, "who": f"run {called.id}"})
        if called.state != "done":
            raise OperationFailed(
                f"Run {called.id} ({parameters.name}) ended as {called.state}: `tocsin run show {called.id}` says "
                "why. A retry starts it anew."
            )
        outputs: dict[str, Data] = {
            row.step: row.output or {} for row in rows if not row.is_item and not row.undoes
        }
        return Done({"run": called.id, "state": called.state, "steps": outputs})

    def has_settled(self, ctx: Context, place: Place, asked: dict[str, Data]) -> bool:
        """Tell whether the called run has ended."""
        with ctx.store.read() as connection:
            return load_run(connection, str(asked["run"])).state != "open"

    def simulate(self, parameters: PlaybookParameters) -> str:
        """Say what would be started."""
        return f"start the playbook {parameters.name} and wait for its end"

    def _start(self, ctx: Context, tx: Transaction, place: Place, parameters: PlaybookParameters) -> Run:
        ours = load_run(tx.connection, place.run)
        if parameters.name not in ours.parts:
            raise OperationFailed(f"The playbook {parameters.name!r} was not pinned with this run. Start it anew.")
        text = ours.parts[parameters.name]
        playbook = pinned_playbook(text, parameters.name)
        inputs = check_inputs(ctx.workspace, playbook, parameters.inputs)
        prepared = Prepared(playbook, text, inputs, place.mode, ours.parts)
        return start_in(tx, prepared, incident=place.incident, parent=Parent(place.run, place.key))


def _last_called(tx: Transaction, place: Place) -> Run | None:
    found = tx.execute(
        select(runs.c.id)
        .where(runs.c.parent_run == place.run, runs.c.parent_step == place.key)
        .order_by(runs.c.started_at.desc(), runs.c.id.desc())
    ).first()
    return None if found is None else load_run(tx.connection, found.id)
