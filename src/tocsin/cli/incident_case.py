"""A case as one sealed archive: `tocsin incident export | verify`."""

from pathlib import Path

import click

from tocsin.cli.output import common_options, emit


@click.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The archive: FILE.zip."
)
@click.option(
    "--for",
    "reader",
    type=click.Choice(["lawyer", "insurer", "regulator"]),
    default="lawyer",
    show_default=True,
    help="Who will read it; it stands on the page and in the journal.",
)
@click.option("--client", metavar="CLIENT", help="One client's copy: no other client's name or data is in it.")
@click.option("--without-names", is_flag=True, help="Close names, free texts and the words of notices.")
@click.option("--with-evidence", is_flag=True, help="Put the evidence itself in, not its list alone.")
@common_options
def export(
    incident_id: str,
    out: Path,
    reader: str,
    client: str | None,
    without_names: bool,
    with_evidence: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Seal the case into one archive that is read in a browser and checked without Tocsin.

    Facts with every version, decisions, duties, notices as sent with their proof, evidence list with custody, the
    register's entry, the journal's part, the signed head, the public key, and a script that checks all of it.

    \b
    Example:
      tocsin incident export INC-2026-001 --out case.zip
      tocsin incident export INC-2026-001 --for insurer --without-names --out insurer.zip
    """
    from tocsin.incidents.casefile import Wanted, export_case
    from tocsin.wiring import open_context

    wanted = Wanted(reader, client, names=not without_names, evidence=with_evidence)
    with open_context(workspace_folder) as ctx:
        sealed = export_case(ctx, incident_id, out, wanted)
    data = {
        "file": str(sealed.path),
        "sha256": sealed.sha256,
        "files": sealed.files,
        "entry": sealed.entry,
        "key": sealed.key,
    }
    text = (
        f"{sealed.path}: {sealed.files} files, sealed with entry {sealed.entry} of the journal.\n"
        f"SHA-256 {sealed.sha256}\n"
        f"Check it: tocsin incident verify {sealed.path} (whoever has no Tocsin: verify.py inside)\n"
        f"Tell the reader the key's name by another way, by telephone say:\n  {sealed.key}"
    )
    emit(data, text, as_json=as_json)


@click.command()
@click.argument("archive", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--key", type=click.Path(path_type=Path), help="The public key you know to be the firm's.")
@click.option("--head", type=click.Path(path_type=Path), help="An earlier signed head that was kept outside.")
@common_options
def verify(
    archive: Path,
    key: Path | None,
    head: Path | None,
    workspace_folder: Path | None,  # noqa: ARG001 - every command takes it
    as_json: bool,
) -> int:
    """Check a sealed case, packed or unpacked: no workspace and no store is needed, and nothing in it is run.

    \b
    Example:  tocsin incident verify case.zip --key journal.pub
    Exit code: 0 everything holds, 1 something was changed.
    """
    from tocsin.incidents.casefile import verify_case

    found = verify_case(archive, key=key, head=head)
    data = {
        "ok": found.ok,
        "incident": found.incident,
        "checks": [{"check": title, "problems": list(problems)} for title, problems in found.checks],
        "key": found.key,
        "key_is_the_one_given": found.known,
    }
    lines = []
    for title, problems in found.checks:
        lines.append(f"{'WRONG' if problems else 'OK':<7}{title}")
        lines += [f"       - {problem}" for problem in problems]
    vouched = "the key you gave" if found.known else f"key {found.key}; ask the firm whether that is theirs"
    end = f"The case {found.incident} holds. Signed with {vouched}."
    lines += ["", end if found.ok else "This case does NOT hold. Do not rely on it."]
    emit(data, "\n".join(lines), as_json=as_json)
    return 0 if found.ok else 1


COMMANDS = (export, verify)
