"""`tocsin drill`: restore for real into isolation and judge it against the targets."""

import re
from pathlib import Path

import click

from tocsin.cli import exercise
from tocsin.cli.output import common_options, emit, table
from tocsin.errors import OperationFailed, UsageError

# How bad an exit code is when several drills end differently: a failed one outweighs one that could not run.
_WORST_FIRST = (1, 2, 3, 4, 0)
_ID = re.compile(r"[0-9a-f]{6,32}")


@click.group()
def command() -> None:
    """Restore for real into isolation and judge it against the targets.

    \b
    Example:  tocsin drill run files-quarterly
    """


@command.command("run")
@click.argument("drills", metavar="DRILL…", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Run every drill of the workspace, one after the other.")
@click.option("--with", "participants", metavar="NAME", multiple=True, help="A person who takes part; repeatable.")
@click.option(
    "--prove", is_flag=True, help="Damage the restored copy first: the drill must fail, and is shown to."
)
@common_options
def run(
    drills: tuple[str, ...],
    every: bool,
    participants: tuple[str, ...],
    prove: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> int:
    """Run a drill now: read the repository, restore, compare every file, load, ask, measure, report, clean up.

    \b
    Example:
      tocsin drill run files-quarterly --with maya
      tocsin drill run files-quarterly --prove
    Exit code: 0 passed (with --prove: it failed as it must), 1 failed, 4 the repository was locked or out of
    reach (nothing was proved).
    """
    from tocsin.cli.drill_words import data_of, data_of_proof, told
    from tocsin.cli.progress import followed
    from tocsin.drills import drill_named, prove_it_can_fail, run_drill
    from tocsin.wiring import open_context

    if bool(drills) == every:
        raise UsageError("Name a drill, or give --all. 'tocsin drill list' shows them.")
    lines, data, codes = [], [], set()
    with open_context(workspace_folder) as ctx:
        chosen = list(ctx.workspace.drills) if every else [drill_named(ctx, name).id for name in drills]
        for drill in chosen:
            with followed(as_json=as_json) as shown:
                hear, stage = shown.on_progress, shown.on_stage
                if prove:
                    proof = prove_it_can_fail(ctx, drill, on_progress=hear, on_stage=stage)
                    lines.append(f"{drill}: {proof.sentence}")
                    data.append(data_of_proof(proof))
                    codes.add(proof.exit_code)
                else:
                    outcome = run_drill(ctx, drill, participants=participants, on_progress=hear, on_stage=stage)
                    lines.append(told(outcome))
                    data.append(data_of(outcome))
                    codes.add(outcome.exit_code)
    text = "\n\n".join(lines) or "The workspace has no drills. Add one to drills/."
    emit(data, text, as_json=as_json)
    return next((code for code in _WORST_FIRST if code in codes), 0)


@command.command("list")
@common_options
def list_drills(workspace_folder: Path | None, as_json: bool) -> None:
    """List the drills with their last results, how far they prove recovery, and when each is next due.

    \b
    Example:  tocsin drill list
    """
    from tocsin.cli.drill_words import past_of, proven_of
    from tocsin.drills import last_drill, last_shown_to_fail, proven_systems
    from tocsin.model.schedule import next_due
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        now = ctx.clock.now()
        rows = [
            (
                drill,
                last_drill(connection, drill.id),
                next_due(drill.schedule, drill.zone, now),
                last_shown_to_fail(connection, drill.id),
            )
            for drill in ctx.workspace.drills.values()
        ]
        systems = proven_systems(connection, ctx.workspace)
    data = {
        "drills": [
            {
                "drill": drill.id,
                "title": drill.title,
                "backup_plan": drill.backup_plan,
                "must_reach": str(drill.integrity),
                "last": past_of(last),
                "next_due": due.isoformat() if due else None,
                "shown_to_fail": {"at": proof[0].isoformat(), "verdict": proof[1]} if proof else None,
            }
            for drill, last, due, proof in rows
        ],
        "systems": [proven_of(one) for one in systems],
    }
    shown = [
        (
            drill.id,
            drill.backup_plan,
            (last.verdict or "").replace("-", " ") if last else "never run",
            f"{last.reached or 'nothing'} of {drill.integrity}" if last else f"nothing of {drill.integrity}",
            f"{last.started_at:%Y-%m-%d}" if last else "",
            f"{due:%Y-%m-%d}" if due else "",
            f"{proof[0]:%Y-%m-%d}" if proof and proof[1] == "failed-rightly" else "never shown",
        )
        for drill, last, due, proof in rows
    ]
    text = table(("DRILL", "BACKUP PLAN", "LAST", "PROVED", "ON", "NEXT DUE", "CAN FAIL"), shown) if shown else ""
    far = [
        (
            one.system,
            str(one.proven.rung or "-"),
            one.proven.rung.meaning if one.proven.rung else "nothing is proven",
            f"{one.proven.at:%Y-%m-%d}" if one.proven.at else "",
            one.proven.by.removeprefix("drill:"),
        )
        for one in systems
    ]
    text += "\n\n" + table(("SYSTEM", "PROVEN", "", "ON", "BY"), far) if shown and far else ""
    emit(data, text or "The workspace has no drills. Add one to drills/.", as_json=as_json)


@command.command("report")
@click.argument("drill")
@click.option("--export", "destination", metavar="DIR", type=click.Path(path_type=Path), help="Copy its evidence.")
@common_options
def report(drill: str, destination: Path | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Print where the last report of DRILL (or of one run, by its operation's id) lies.

    With --export, copy it with its signature, the journal's part and the public key to a folder for an auditor or
    a client: openssl and sha256sum check it there, and so does 'tocsin drill verify'.

    \b
    Example:
      xdg-open "$(tocsin drill report files-quarterly)"
      tocsin drill report files-quarterly --export /tmp/evidence
    """
    from tocsin.cli.drill_words import past_of
    from tocsin.drills import drill_history, drill_named, export_evidence
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        with ctx.store.read() as connection:
            if drill in ctx.workspace.drills or not _ID.fullmatch(drill):
                history = drill_history(connection, drill_named(ctx, drill).id)
            else:
                found = (drill_history(connection, name) for name in ctx.workspace.drills)
                history = tuple(past for each in found for past in each if past.operation.startswith(drill))
        past = next((one for one in history if one.report), None)
        if past is None or past.report is None:
            raise OperationFailed(f"The drill {drill!r} has no report yet. 'tocsin drill run {drill}' makes one.")
        path = ctx.workspace.root / past.report
        if not path.is_file():
            raise OperationFailed(
                f"The report should be at {path}, and is not there any more. Look in your copies."
            )
        files = export_evidence(ctx, past.operation, path.parent, destination) if destination else ()
    data = {
        "drill": drill,
        "report": str(path),
        "exported": [str(file) for file in files],
        **(past_of(past) or {}),
    }
    text = (
        f"{len(files)} files in {destination}. Check them: tocsin drill verify {destination}"
        if files
        else str(path)
    )
    emit(data, text, as_json=as_json)


@command.command("verify")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), help="The public key you know to be the firm's.")
@common_options
def verify(
    folder: Path,
    key: Path | None,
    workspace_folder: Path | None,  # noqa: ARG001 - every command takes it
    as_json: bool,
) -> int:
    """Check the exported evidence of a drill: nothing but the folder is needed, no workspace and no store.

    \b
    Example:  tocsin drill verify /tmp/evidence --key journal.pub
    Exit code: 0 everything holds, 1 something was changed.
    """
    from tocsin.drills import verify_evidence

    found = verify_evidence(folder, key)
    data = {
        "ok": not found.problems,
        "problems": list(found.problems),
        "key": found.key,
        "key_is_the_one_given": found.known,
        "drill": found.drill,
        "verdict": found.verdict,
        "ended_at": found.ended_at,
    }
    if found.problems:
        text = "\n".join(["This evidence does NOT hold:", *(f"  - {problem}" for problem in found.problems)])
    else:
        vouched = "the key you gave" if found.known else f"key {found.key}; ask the firm whether that is theirs"
        said = found.verdict.replace("-", " ")
        text = f"The evidence holds. The drill {found.drill} {said}, {found.ended_at}. Signed with {vouched}."
    emit(data, text, as_json=as_json)
    return 1 if found.problems else 0


@command.command("findings")
@click.option("--settle", "finding", metavar="ID", help="Say what became of this finding.")
@click.option("--how", help="What was done about it, in a sentence; with --settle.")
@common_options
def findings(finding: str | None, how: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """List what drills and exercises found wrong and nobody has settled, or settle one.

    \b
    Example:
      tocsin drill findings
      tocsin drill findings --settle 3f9a2c11 --how "The exclusion was wrong; corrected and drilled again."
    """
    from tocsin.cli.drill_words import data_of_finding
    from tocsin.findings import open_findings, settle
    from tocsin.wiring import open_context

    if bool(finding) != bool(how):
        raise UsageError("Give --settle ID and --how SENTENCE together. Nothing was changed.")
    with open_context(workspace_folder) as ctx:
        if finding and how:
            with ctx.store.write(ctx.actor) as tx:
                settled = settle(tx, finding, ctx.actor.person, how)
            ctx.store.sign_head(ctx.actor)
            emit([data_of_finding(settled)], f"Settled {settled.id[:8]}: {settled.sentence}", as_json=as_json)
            return
        with ctx.store.read() as connection:
            found = [one for one in open_findings(connection) if one.source in {"drill", "exercise"}]
    lines = [
        f"{one.id[:8]}  {one.found_at:%Y-%m-%d}  {one.subject.removeprefix('drill:')}"
        f"{f', {one.times} times' if one.times > 1 else ''}\n          {one.sentence}"
        for one in found
    ]
    text = "\n".join(lines) or "No drill and no exercise has found anything that is not settled."
    emit([data_of_finding(one) for one in found], text, as_json=as_json)


command.add_command(exercise.command, "exercise")
