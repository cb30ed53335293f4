"""Programs that a plan wants run before and after its backup.

    with hooked(ctx, plan) as hooks:      the start is journalled, then `before` runs
        …                                 hooks.stopped says that one failed and nothing may be backed up
    hooks.ran                             `after` has run too, whatever became of the backup

Each outcome is journalled as it comes. A run that was killed shows as unknown: whatever `before` stopped may
still stand still.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tocsin.context import Context
from tocsin.errors import OperationFailed, TocsinError, UsageError
from tocsin.model.protection import Hook
from tocsin.model.workspace import BackupPlan
from tocsin.ports import Command
from tocsin.store.operations import Operation, begin, finish

KIND = "backup-hooks"
_SAID_AT_MOST = 2000


@dataclass(frozen=True, slots=True)
class HookRan:
    """One hook's end: `when` is `before` or `after`, `outcome` is `ok`, `failed`, `timeout` or `missing`."""

    when: str
    number: int
    outcome: str
    said: str
    code: int | None = None
    stops: bool = False

    @property
    def sentence(self) -> str:
        """What became of it, for people."""
        ended = {
            "ok": "ran well.",
            "failed": f"failed with exit code {self.code}.",
            "timeout": "was not done in its time and has been ended.",
            "missing": "could not be started.",
        }[self.outcome]
        said = f" {self.said}" if self.said and self.outcome != "ok" else ""
        return f"The {self.when} hook {self.number} {ended}{said}"


@dataclass
class Hooks:
    """What has run so far, and what a hook may ask of how the backup went."""

    ran: list[HookRan] = field(default_factory=list)
    outcome: str = "failed"
    """Given to the `after` hooks as TOCSIN_OUTCOME."""

    @property
    def faults(self) -> tuple[OperationFailed, ...]:
        """An error for each hook that failed and says `on_failure: stop`."""
        so = {"before": "Nothing was backed up.", "after": "What was saved before that stands."}
        return tuple(OperationFailed(f"{one.sentence} {so[one.when]}") for one in self.ran if one.stops)

    @property
    def stopped(self) -> bool:
        """Whether the backup may not begin."""
        return any(one.stops for one in self.ran if one.when == "before")


@contextmanager
def hooked(ctx: Context, plan: BackupPlan) -> Iterator[Hooks]:
    """Run the plan's hooks around what is inside. Raises Temporary while another run has them under way."""
    hooks = Hooks()
    if not plan.before and not plan.after:
        yield hooks
        return
    operation = begin(ctx.store, ctx.actor, KIND, f"plan:{plan.id}")
    try:
        for number, hook in enumerate(plan.before, start=1):
            _run(ctx, plan, hooks, operation, ("before", number, hook))
            if hooks.stopped:
                break
        yield hooks
    finally:
        for number, hook in enumerate(plan.after, start=1):
            _run(ctx, plan, hooks, operation, ("after", number, hook))
        with ctx.store.write(ctx.actor) as tx:
            finish(tx, operation, "failed" if hooks.faults else "ok", {"ran": len(hooks.ran)})
        ctx.store.sign_head(ctx.actor)


def _run(ctx: Context, plan: BackupPlan, hooks: Hooks, operation: Operation, which: tuple[str, int, Hook]) -> None:
    when, number, hook = which
    outcome, code, said = _outcome(ctx, plan, hooks, hook, when)
    ran = HookRan(when, number, outcome, said, code, stops=outcome != "ok" and hook.on_failure == "stop")
    hooks.ran.append(ran)
    with ctx.store.write(ctx.actor) as tx:
        tx.record(
            "backup.hook",
            operation.subject,
            {"operation": operation.id, "when": when, "number": number, "outcome": outcome, "code": code},
            private={"program": hook.run[0], "said": said},
        )


def _outcome(ctx: Context, plan: BackupPlan, hooks: Hooks, hook: Hook, when: str) -> tuple[str, int | None, str]:
    told = {"TOCSIN_PLAN": plan.id} | ({"TOCSIN_OUTCOME": hooks.outcome} if when == "after" else {})
    try:
        secrets = {name: ctx.secrets.read(reference) for name, reference in hook.environment.items()}
        said = ctx.shell.run(
            Command(
                hook.run,
                hook.timeout,
                folder=ctx.workspace.root,
                environment=told | secrets,
                hide=tuple(secrets.values()),
            )
        )
    except UsageError as missing:
        return "missing", None, str(missing)
    except TocsinError as fault:
        return "failed", None, str(fault)
    end = " ".join((said.stderr or said.stdout).split())[-_SAID_AT_MOST:]
    if said.code is None:
        return "timeout", None, end
    return ("ok" if said.code == 0 else "failed"), said.code, end
