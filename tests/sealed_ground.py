"""A breach that was lived through, to be sealed: facts, a decision, a notice by mail and one by hand."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from sqlalchemy import insert

from simulators.house import House
from tocsin.evidence.custody import write_act
from tocsin.incidents import Declaration, confirm, declare
from tocsin.notices import approve_notice, draft_notice, record_sent, send_notice, shown
from tocsin.runbook.steps.notice import case_of
from tocsin.situation import decide, situation_of, state_fact
from tocsin.store.operations import begin, finish
from tocsin.store.tables import evidence_item

INC = "INC-2026-001"
OPENSSL = shutil.which("openssl") or "openssl"


def live_through(house: House) -> None:
    """Let the firm be breached, find things out, decide, and tell a client and the ICO."""
    ctx = house.ctx
    run = declare(ctx, Declaration("Files end in .locked", ("file-share",), "ransomware")).run
    assert run is not None
    confirm(ctx, INC, house.clock.now(), "It holds personal data")
    state_fact(ctx, INC, "exfiltration", "possible", evidence="2 GB left at 17:30", controller="harbour-dental")
    state_fact(ctx, INC, "exfiltration", "confirmed", evidence="Seen on a leak site", controller="ourselves")
    decide(house.acting("priya"), INC, "regulator", "yes", "The data was taken")
    for addressee, template in (("harbour-dental", "client/initial"), ("ico", "ico/initial")):
        with ctx.store.read() as connection:
            case = case_of(ctx, situation_of(connection, ctx.workspace, INC), addressee)
        notice = draft_notice(ctx, case, template=template, addressee=addressee, made_by=f"test:{addressee}")
        approve_notice(house.acting("priya"), notice.id, shown(ctx, notice.id).sha256, reason="read")
        send_notice(ctx, notice.id)
        if addressee == "ico":
            proof = house.folder / "receipt.pdf"
            proof.write_bytes(b"%PDF case number IC-1")
            record_sent(ctx, notice.id, reference="IC-1", proof=proof)


def take_evidence(house: House, identity: str = "EV-2026-001") -> None:
    """Write an item of evidence as its collector does: the row, the journal's entry, the first act of custody."""
    ctx = house.ctx
    operation = begin(ctx.store, ctx.actor, "evidence", f"evidence:{identity}", {})
    row = {"id": identity, "incident": INC, "operation": operation.id, "kind": "file", "source": "/var/log/auth.log",
           "host": "files", "method": ["restic", "backup"], "collector": "maya", "collected_at": house.clock.now(),
           "state": "kept", "sha256": "ab" * 32, "bytes": 12, "repository": "local"}  # fmt: skip
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(insert(evidence_item).values(**row))
        write_act(tx, identity, "taken", other="/var/log/auth.log on files")
        finish(tx, operation, "ok", {"sha256": row["sha256"], "bytes": 12})


def unpacked(archive: Path, to: Path) -> Path:
    """Unpack an archive as a lawyer's machine would, and return its one folder."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(to)
    return next(to.iterdir())


def checked(folder: Path, *arguments: str, path: str | None = None) -> tuple[int, str]:
    """Run the script that ships inside as a process of its own, with nothing of ours around it."""
    environ = {"PATH": str(Path(OPENSSL).parent) if path is None else path, "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-I", "-S", str(folder / "verify.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ, cwd="/", timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr
