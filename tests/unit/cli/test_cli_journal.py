"""`tocsin journal` as a person types it."""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.stores import MAYA, write_some
from tocsin.cli import carry_out as run
from tocsin.store import journal as reading
from tocsin.wiring import load_workspace, opened_store


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A workspace whose journal holds seven entries, signed."""
    folder = tmp_path_factory.mktemp("journal") / "house"
    assert run(["init", str(folder)]) == 0
    with opened_store(load_workspace(folder)) as store:
        write_some(store)
        store.sign_head()
    return folder


@pytest.fixture
def workspace(made, tmp_path, monkeypatch) -> Path:
    folder = shutil.copytree(made, tmp_path / "house")
    monkeypatch.setenv("TOCSIN_WORKSPACE", str(folder))
    return folder


def database(workspace: Path) -> Path:
    (path,) = (workspace / ".tocsin").glob("*.db")
    return path


def edit(workspace: Path, statement: str) -> None:
    connection = sqlite3.connect(database(workspace))
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_show_tells_who_did_what_when_and_the_private_text(workspace, capsys) -> None:
    assert run(["journal", "show"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["entry", "time", "who", "what", "about", "details"]
    assert len(lines) == 2 + 7
    assert lines[5].split(maxsplit=6)[3:] == [
        "maya",
        "backup.finished",
        "plan:p3",
        'files=3  ok=true  reason="Müller said so"',
    ]


def test_show_can_be_kept_to_a_subject_a_kind_and_an_end(workspace, capsys) -> None:
    run(["journal", "show", "--subject", "plan:p3", "--json"])
    assert [entry["seq"] for entry in json.loads(capsys.readouterr().out)] == [4]
    run(["journal", "show", "--kind", "journal.", "--json"])
    assert [entry["kind"] for entry in json.loads(capsys.readouterr().out)] == ["journal.opened"]
    run(["journal", "show", "--last", "2"])
    assert capsys.readouterr().out.splitlines()[-1] == "2 of 7 entries; --last 0 shows all."
    run(["journal", "show", "--subject", "plan:nothing"])
    assert capsys.readouterr().out == "None of the journal's 7 entries is about that.\n"


def test_a_text_from_outside_cannot_steer_the_terminal(workspace, capsys) -> None:
    with opened_store(load_workspace(None)) as store, store.write(MAYA) as tx:
        tx.record("incident.declared", "incident:1", {}, {"title": "\x1b[2Jgone\x9b\u202e"})
    run(["journal", "show", "--last", "1"])
    shown = capsys.readouterr().out
    assert not set(shown) & {"\x1b", "\x9b", "\u202e"}
    assert "gone" in shown


def test_verify_says_that_it_is_whole(workspace, capsys) -> None:
    assert run(["journal", "verify"]) == 0
    assert (
        capsys.readouterr().out
        == f"The journal is whole: 7 entries, the last of {last_time()}.\nSigned to the end.\n"
    )


def last_time() -> str:
    with opened_store(load_workspace(None)) as store, store.read() as connection:
        return f"{reading.entries(connection, last=1)[0].entry.at:%Y-%m-%dT%H:%M:%S.%fZ}"


def test_verify_fails_when_one_row_was_edited_and_says_which(workspace, capsys) -> None:
    edit(workspace, "UPDATE journal SET actor = 'sam' WHERE seq = 3")
    assert run(["journal", "verify"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("The journal is BROKEN: 1 problem in 7 entries.\n  entry 3 of 20")
    assert "was altered" in told
    assert run(["journal", "verify", "--json"]) == 1
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["ok"], verdict["problems"][0]["entry"]) == (False, 3)


def test_verify_holds_the_store_against_the_head_kept_beside_it_and_one_given(workspace, tmp_path, capsys) -> None:
    kept = workspace / ".tocsin/heads/head.json"
    given = tmp_path / "posted.json"
    given.write_bytes(kept.read_bytes())
    edit(workspace, "DELETE FROM journal_head")
    edit(workspace, "DELETE FROM journal WHERE seq > 5")
    assert run(["journal", "verify"]) == 1
    assert "its end was cut off" in capsys.readouterr().out
    kept.unlink()
    assert run(["journal", "verify"]) == 0
    assert "No head was signed yet" in capsys.readouterr().out
    assert run(["journal", "verify", "--head", str(given)]) == 1
    assert "its end was cut off" in capsys.readouterr().out


def test_verify_says_what_has_been_written_since_the_last_signature(workspace, capsys) -> None:
    with opened_store(load_workspace(None)) as store:
        write_some(store, 2)
    assert run(["journal", "verify"]) == 0
    assert "Signed up to entry 7; the 2 after it not yet." in capsys.readouterr().out


def test_verify_tells_of_erased_texts_without_calling_it_a_fault(workspace, capsys) -> None:
    with opened_store(load_workspace(None)) as store, store.write(MAYA) as tx:
        reading.erase_private(tx, 4, "request")
    assert run(["journal", "verify"]) == 0
    assert "Entry 4: reason erased, told by entry 8." in capsys.readouterr().out


def test_an_exported_journal_is_verified_far_from_any_workspace(workspace, tmp_path, monkeypatch, capsys) -> None:
    file = tmp_path / "journal.jsonl"
    assert run(["journal", "export", str(file)]) == 0
    assert "Wrote 7 entries" in capsys.readouterr().out
    assert file.stat().st_mode & 0o077 == 0
    key = tmp_path / "journal.pub"
    key.write_bytes((workspace / ".tocsin/keys/journal.pub").read_bytes())
    (workspace / "tocsin.yaml").rename(tmp_path / "away")
    monkeypatch.delenv("TOCSIN_WORKSPACE")
    monkeypatch.chdir(tmp_path)

    assert run(["journal", "verify", "--file", "journal.jsonl", "--key", "journal.pub"]) == 0
    assert "Signed to the end." in capsys.readouterr().out
    file.write_text(file.read_text().replace('"files":2', '"files":9'))
    assert run(["journal", "verify", "--file", "journal.jsonl", "--key", "journal.pub"]) == 1
    assert "entry 3 of" in capsys.readouterr().out


def test_exporting_is_journalled(workspace, tmp_path, capsys) -> None:
    run(["journal", "export", str(tmp_path / "journal.jsonl"), "--with-private", "--json"])
    said = json.loads(capsys.readouterr().out)
    run(["journal", "show", "--last", "1", "--json"])
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["kind"] == "journal.exported"
    assert entry["payload"] == {"entries": 7, "sha256": said["sha256"], "with_private": True}
    assert run(["journal", "verify"]) == 0
    assert "Signed to the end." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "--file", "journal.jsonl"], "Say whose signatures to trust: --key journal.pub"),
        (["verify", "--file", "nowhere", "--key", "KEY"], "nowhere cannot be read: no such file"),
        (["verify", "--head", "tocsin.yaml"], "tocsin.yaml is not a signed head"),
        (["verify", "--key", "tocsin.yaml"], "tocsin.yaml is not a PEM public key"),
        (["shwo"], "Did you mean 'show'?"),
    ],
)
def test_wrong_words_get_one_clear_sentence_and_exit_2(workspace, monkeypatch, capsys, arguments, said) -> None:
    monkeypatch.chdir(workspace)
    key = str(workspace / ".tocsin/keys/journal.pub")
    assert run(["journal", *(key if word == "KEY" else word for word in arguments)]) == 2
    assert said in capsys.readouterr().err


def test_an_export_that_cannot_be_written_changes_nothing(workspace, tmp_path, capsys) -> None:
    assert run(["journal", "export", str(tmp_path / "nowhere" / "journal.jsonl")]) == 1
    assert "the folder does not exist" in capsys.readouterr().err
    run(["journal", "show", "--last", "1", "--json"])
    assert json.loads(capsys.readouterr().out)[0]["kind"] == "backup.finished"


def test_an_empty_journal_is_not_exported(workspace, tmp_path, capsys) -> None:
    database(workspace).unlink()
    assert run(["journal", "export", str(tmp_path / "journal.jsonl")]) == 2
    assert "nothing to export" in capsys.readouterr().err
    assert not (tmp_path / "journal.jsonl").exists()


def test_showing_imports_nothing_heavy(workspace) -> None:
    program = """
import sys
from tocsin.cli import carry_out as run
assert run(["journal", "show"]) == 0
heavy = ("sqlalchemy.orm", "alembic", "cryptography", "psycopg", "prefect", "httpx", "fastapi", "slack_sdk", "jinja2")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
