"""The journal's signed head goes out with every backup: a journal cut short at home shows against it."""

import getpass
import json
import sqlite3
from pathlib import Path

import pytest

from simulators.house import FIRM
from tocsin.backups.running import HEAD_COPY
from tocsin.cli import carry_out as tocsin
from tocsin.repositories import repository_access
from tocsin.wiring import open_context


@pytest.fixture
def firm(tmp_path: Path) -> Path:
    (tmp_path / "tocsin.yaml").write_text(FIRM.replace("login: maya", f"login: {getpass.getuser()}"))
    (tmp_path / "data/file-share").mkdir(parents=True)
    (tmp_path / "data/file-share/letter.txt").write_text("Dear client\n")
    (tmp_path / "secrets").mkdir()
    secret = tmp_path / "secrets/local.password"
    secret.touch(mode=0o600)
    secret.write_text("long and known to nobody\n")
    for command in (["backup", "init", "local"], ["backup", "run", "file-share"], ["backup", "run", "file-share"]):
        assert tocsin([*command, "--workspace", str(tmp_path)]) == 0
    return tmp_path


def head_from_the_repository(firm: Path) -> Path:
    target = firm / "from-the-repository"
    target.mkdir()
    with open_context(firm) as ctx:
        access = repository_access(ctx, "local")
        newest = ctx.restic.snapshots(access)[-1]
        ctx.restic.restore(access, newest.id, target)
    return next(target.rglob(HEAD_COPY))


def test_a_journal_cut_short_with_all_its_heads_shows_against_the_head_in_the_repository(
    firm: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = head_from_the_repository(firm)
    seq = json.loads(head.read_text())["seq"]
    assert seq > 3
    verify = ["journal", "verify", "--workspace", str(firm)]
    assert tocsin([*verify, "--head", str(head)]) == 0

    with sqlite3.connect(firm / ".tocsin/tocsin.db") as database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute("DELETE FROM journal_private WHERE seq >= ?", (seq - 1,))
        database.execute("DELETE FROM journal_head WHERE seq >= ?", (seq - 1,))
        database.execute("DELETE FROM journal WHERE seq >= ?", (seq - 1,))
    database.close()
    (firm / ".tocsin/heads/head.json").unlink()
    assert tocsin(verify) == 0  # at home nothing is left to show it
    capsys.readouterr()
    assert tocsin([*verify, "--head", str(head)]) == 1
    assert "its end was cut off" in capsys.readouterr().out


def test_the_head_is_not_mistaken_for_a_file_of_the_client(firm: Path) -> None:
    (firm / "drills").mkdir(exist_ok=True)
    (firm / "drills/share.yaml").write_text(
        'drill: share\ntitle: Share\nbackup_plan: file-share\nschedule: "0 10 1 */3 *"\ntargets: {rpo: 26h, rto: 4h}\n'
    )
    assert tocsin(["drill", "run", "share", "--workspace", str(firm)]) == 0
