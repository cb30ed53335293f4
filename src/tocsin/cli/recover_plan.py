"""`tocsin recover PLAN`: run a recovery plan, or with `--to` bring a backup plan's files back."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit
from tocsin.errors import Refused, UsageError

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.model.document import Data
    from tocsin.recovery import Choice
    from tocsin.runbook.recovery_run import PlanWish, Rehearsed, ShownPlan


@click.command()
@click.argument("plan")
@click.option(
    "--snapshot", metavar="WORDS", help="latest, last clean, before TIME, oldest kept, random, or an id."
)
@click.option("--before", metavar="TIME", help="The newest good one taken at or before this time.")
@click.option(
    "--without", multiple=True, metavar="REPOSITORY", help="As if this repository were lost; repeatable."
)
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the recovery plan.")
@click.option("--only", is_flag=True, help="This plan alone: what it needs is up already.")
@click.option("--plan", "dry_run", is_flag=True, help="Say every step, and do nothing.")
@click.option("--dry-run", "dry_run", is_flag=True, help="The same.")
@click.option("--live", is_flag=True, help="For real. Without --approve: say what would be done, to be approved.")
@click.option(
    "--approve", "approved", metavar="HASH", help="With --live: approve exactly what you read, and start."
)
@click.option(
    "--to", "destination", type=click.Path(path_type=Path), metavar="DIR", help="A backup plan's files, into here."
)
@click.option(
    "--include",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="PATH",
    help="With --to: only this.",
)
@click.option("--replace", is_flag=True, help="With --to: move what is at DIR aside first; it is never deleted.")
@click.option(
    "--accept-damage", is_flag=True, help="With --to: bring back the sound files where some are damaged."
)
@common_options
def command(
    plan: str,
    snapshot: str | None,
    before: str | None,
    without: tuple[str, ...],
    inputs: tuple[str, ...],
    only: bool,
    dry_run: bool,
    live: bool,
    approved: str | None,
    destination: Path | None,
    include: tuple[Path, ...],
    replace: bool,
    accept_damage: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> int:
    """Run the recovery plan PLAN: in isolation, touching nothing live; with --live, once approved, for real.

    With --to DIR, PLAN is a backup plan, and its files are brought back to DIR: every file compared with what was
    backed up, and put in place only when all of it is right. After an attack, give --before with a time from
    before it began, or --snapshot "last clean".

    \b
    Examples:
      tocsin recover website
      tocsin recover website --plan
      tocsin recover website --live --snapshot "last clean before 2026-11-20T17:00Z"
      tocsin recover website --without local
      tocsin recover files --to /srv/share --replace --before 2026-11-20T17:00+00:00
      tocsin recover files --to /tmp/look --include contracts/2026

    Exit code: 0 done, 1 a step failed, 3 a person must answer or approve.
    """
    from tocsin.wiring import open_context

    choice = _choice(snapshot, before)
    if destination is not None:
        if live or approved or only or inputs or without:
            raise UsageError("--to brings a backup plan's files back; it goes with no option of a recovery plan.")
        from tocsin.cli.recover_files import Flags, bring_files

        target = Path.cwd() / destination.expanduser()
        flags = Flags(include, replace=replace, accept_damage=accept_damage, dry_run=dry_run, as_json=as_json)
        with open_context(workspace_folder) as ctx:
            return bring_files(ctx, plan, choice, target, flags)
    if include or replace or accept_damage:
        raise UsageError("--include, --replace and --accept-damage go with --to DIR: say where the files go.")
    if approved and not live:
        raise UsageError("--approve goes with --live. Nothing was done.")
    with open_context(workspace_folder) as ctx:
        wish = _wish(ctx, plan, _inputs(ctx, inputs, choice, without), alone=only)
        if live and not dry_run:
            return _live(ctx, wish, approved, as_json=as_json)
        return _show(ctx, wish, as_json=as_json) if dry_run else _rehearse(ctx, wish, as_json=as_json)


def _choice(snapshot: str | None, before: str | None) -> "Choice | None":
    from tocsin.recovery import Choice, Which, parse_choice, parse_moment

    if snapshot and before:
        raise UsageError("Give --snapshot or --before, not both.")
    if before:
        return Choice(Which.BEFORE, before=parse_moment(before, f"--before {before}"))
    return parse_choice(snapshot) if snapshot else None


def _inputs(
    ctx: "Context", given: tuple[str, ...], choice: "Choice | None", without: tuple[str, ...]
) -> "dict[str, Data]":
    """Return the inputs by name: `--snapshot` and `--without` are those of that name."""
    from tocsin.errors import did_you_mean

    taken: dict[str, Data] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"--input {each!r} is no NAME=VALUE.")
        taken[name] = int(value) if value.isdigit() else value
    if choice is not None:
        taken["snapshot"] = choice.spelled
    for name in without:
        if name not in ctx.workspace.repositories:
            raise UsageError(f"There is no repository {name!r}.{did_you_mean(name, ctx.workspace.repositories)}")
    return {**taken, **({"without": ",".join(without)} if without else {})}


def _wish(ctx: "Context", plan: str, inputs: "Mapping[str, Data]", *, alone: bool) -> "PlanWish":
    from tocsin.runbook.recovery_plans import recovery_plans
    from tocsin.runbook.recovery_run import PlanWish

    if plan not in recovery_plans(ctx.workspace).by_id and plan in ctx.workspace.backup_plans:
        raise UsageError(
            f"There is no recovery plan {plan!r}; it is a backup plan. To bring its files back, say where: "
            f"tocsin recover {plan} --to DIR"
        )
    return PlanWish(plan, inputs, alone)


def _show(ctx: "Context", wish: "PlanWish", *, as_json: bool) -> int:
    from tocsin.runbook.recovery_run import shown_plan

    shown = shown_plan(ctx, wish)
    emit(_shown_data(shown), f"{shown.text}\nNothing was done.", as_json=as_json)
    return 0


def _shown_data(shown: "ShownPlan") -> dict[str, object]:
    return {
        "recovery_plan": shown.plan.playbook,
        "order": list(shown.order),
        "sha256": shown.sha256,
        "text": shown.text,
    }


def _live(ctx: "Context", wish: "PlanWish", approved: str | None, *, as_json: bool) -> int:
    from tocsin.cli.run_report import run_as_json, run_as_text
    from tocsin.model.roles import who_may
    from tocsin.runbook.recovery_run import approve, go_live, shown_plan

    if approved is None:
        shown = shown_plan(ctx, wish)
        who = who_may(ctx.workspace, shown.plan.approve.by)
        how = f"tocsin recover {wish.plan} --live --approve {shown.sha256[:12]}"
        count = shown.plan.approve.people
        many = "1 approval" if count == 1 else f"{count} approvals"
        text = f"{shown.text}\nNothing was done. To go live it needs {many}, by the same command\n"
        text += f"with  --approve {shown.sha256[:12]}\nWho may approve: {who}."
        emit({**_shown_data(shown), "approve": how}, text, as_json=as_json)
        return Refused.exit_code
    approve(ctx, wish, approved)
    found = go_live(ctx, wish)
    emit(run_as_json(found), run_as_text(found, ctx.workspace), as_json=as_json)
    return {"done": 0, "open": Refused.exit_code}.get(found.state, 1)


def _rehearse(ctx: "Context", wish: "PlanWish", *, as_json: bool) -> int:
    from tocsin.runbook.recovery_run import rehearse

    done = rehearse(ctx, wish)
    emit(_rehearsed_data(done), _rehearsed_text(ctx, done, wish.plan), as_json=as_json)
    return 0 if done.ok else Refused.exit_code if done.waiting else 1


def _rehearsed_text(ctx: "Context", done: "Rehearsed", plan: str) -> str:
    from tocsin.cli.run_report import run_as_text
    from tocsin.recovery import spell_span
    from tocsin.recovery.isolation import isolation

    if done.waiting:
        return run_as_text(done.progressed, ctx.workspace)
    how = "brought back and checked" if done.ok else "FAILED"
    lines = [f"{plan}: {how}, in isolation ({done.run})."]
    for step in done.steps:
        took = f"  {spell_span(step.took)}" if step.took is not None else ""
        lines.append(f"  {step.state:<8} {step.plan}: {step.title}{took}")
        lines += [f"           {said}" for said in _said(step.output)]
    lines += [f"  {done.failed}"] if done.failed else []
    lines += ["", "What was restored has been removed again; nothing live was touched."]
    lines.append(f"Programs ran {isolation().in_words}.")
    if done.ok:
        lines.append(f"For real: tocsin recover {plan} --live")
    return "\n".join(lines)


def _said(output: "Mapping[str, Data]") -> list[str]:
    said = []
    if "snapshot" in output and "repository" in output:
        when = str(output["time"])[:16].replace("T", " ")
        said.append(f"snapshot {str(output['snapshot'])[:8]} of {when} UTC from {output['repository']}")
    if "counts" in output:
        said.append(f"{output['engine']} {output['version']}: {output['tables']} tables, {output['rows']} rows")
    elif "files" in output:
        said.append(f"{output['files']} files, each compared with what was backed up")
    if "value" in output:
        said.append(f"found {output['value']}")
    if "simulated" in output:
        said.append(f"not done in isolation: {output['simulated']}")
    passed_over = output.get("passed_over")
    return said + [f"passed over {why}" for why in (passed_over if isinstance(passed_over, list) else ())]


def _rehearsed_data(done: "Rehearsed") -> dict[str, object]:
    return {
        "run": done.run,
        "ok": done.ok,
        "waiting": done.waiting,
        "failed": done.failed,
        "steps": [
            {
                "run": step.run,
                "recovery_plan": step.plan,
                "step": step.step,
                "uses": step.uses,
                "state": step.state,
                "took_ms": round(step.took.total_seconds() * 1000) if step.took is not None else None,
                "output": dict(step.output),
                "error": step.error,
            }
            for step in done.steps
        ],
    }
