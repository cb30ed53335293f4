"""Writing to the journal, and signing it."""

import json
import subprocess
import sys
from hashlib import sha256
from shutil import which

import pytest
from sqlalchemy import select, update

from simulators.chance import CrashAt, PowerCut
from simulators.stores import MAYA, sqlite_backend, write_some
from simulators.time import FRIDAY_EVENING
from tocsin.errors import UsageError
from tocsin.ports import Actor
from tocsin.store import journal as reading
from tocsin.store.database import Store
from tocsin.store.heads import read_head
from tocsin.store.keys import read_public_key, trusted_keys
from tocsin.store.tables import journal, journal_private
from tocsin.store.verification import verify


def whole(store: Store) -> bool:
    with store.read() as connection:
        return verify(reading.lines(connection), reading.heads(connection), trusted_keys(store.keys_folder)).ok


def test_the_first_entry_gives_the_chain_its_identity(small: Store) -> None:
    write_some(small, 1)
    with small.read() as connection:
        opening, first = reading.entries(connection)
    assert (opening.entry.kind, opening.entry.previous) == ("journal.opened", "0" * 64)
    assert len(str(opening.payload["chain"])) == 32
    assert opening.payload["key"] == read_public_key(small.keys_folder / "journal.pub").name
    assert first.entry.previous == opening.entry.hash


def test_an_entry_says_who_when_by_which_door_about_what(small: Store) -> None:
    with small.write(MAYA) as tx:
        entry = tx.record("incident.declared", "incident:INC-2026-001", {"systems": ["files"]})
    assert (entry.actor, entry.door, entry.at, entry.subject) == (
        "maya",
        "cli",
        FRIDAY_EVENING,
        "incident:INC-2026-001",
    )
    assert entry.payload == '{"systems":["files"]}'


def test_free_text_stands_beside_the_chain_and_is_bound_to_it(small: Store) -> None:
    with small.write(MAYA) as tx:
        entry = tx.record("incident.declared", "incident:1", {"n": 1}, {"title": "Müller's laptop"})
    with small.read() as connection:
        row = connection.execute(select(journal_private)).one()
        told = reading.entries(connection)[-1]
    assert "Müller" not in entry.payload
    digest = sha256(bytes.fromhex(row.salt) + "Müller's laptop".encode()).hexdigest()
    assert json.loads(entry.payload)["private"] == {"title": digest}
    assert told.private == {"title": "Müller's laptop"}


def test_equal_texts_have_unequal_digests(small: Store) -> None:
    with small.write(MAYA) as tx:
        one, two = (tx.record("a.b", "c:d", {}, {"name": "Müller"}) for _ in range(2))
    assert one.payload != two.payload


def test_a_private_text_of_any_bytes_is_kept(small: Store) -> None:
    with small.write(MAYA) as tx:
        tx.record("a.b", "c:d", {}, {"file": "caf\udce9\0"})
    assert whole(small)


def test_entries_can_be_read_by_subject_kind_family_and_end(small: Store) -> None:
    write_some(small)
    with small.write(MAYA) as tx:
        tx.record("drill.finished", "plan:p1", {})
    with small.read() as connection:

        def found(**asked) -> list[int]:
            return [told.entry.seq for told in reading.entries(connection, **asked)]

        assert found(subject="plan:p1") == [2, 8]
        assert found(kind="drill.finished") == [8]
        assert found(kind="journal.") == [1]
        assert found(kind="journal") == []
        assert found(after=6) == [7, 8]
        assert found(last=2) == [7, 8]
        assert found(kind="backup.", last=1) == [7]
        assert found(subject="plan:none") == []


def test_an_error_in_a_transaction_leaves_nothing_of_it(small: Store) -> None:
    write_some(small, 1)

    def cut_short() -> None:
        with small.write(MAYA) as tx:
            tx.record("a.b", "c:d", {})
            raise KeyError

    with pytest.raises(KeyError):
        cut_short()
    with small.read() as connection:
        assert reading.count(connection) == 2


def test_a_power_cut_before_the_commit_leaves_nothing_and_after_it_all(tmp_path) -> None:
    backend = sqlite_backend(tmp_path)
    for where, entries in (("store.before_commit", 0), ("store.after_commit", 2)):
        store = backend.open(CrashAt(where))
        with pytest.raises(PowerCut), store.write(MAYA) as tx:
            tx.record("a.b", "c:d", {})
        store.close()
        again = backend.open()
        with again.read() as connection:
            assert reading.count(connection) == entries
        again.close()


@pytest.mark.parametrize(
    "entry",
    [
        ("k" * 65, "c:d"),
        ("a.b", "s" * 129),
        ("a.b", ""),
        ("a.b", "two\nlines"),
    ],
)
def test_it_refuses_what_one_of_the_databases_could_not_keep(small: Store, entry: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"cannot be a (subject|kind): one line of 1 to"), small.write(MAYA) as tx:
        tx.record(*entry, {})


def test_it_refuses_a_payload_that_speaks_for_the_journal(small: Store) -> None:
    with pytest.raises(ValueError, match="hand private texts over"), small.write(MAYA) as tx:
        tx.record("a.b", "c:d", {"private": "mine"})


def test_an_altered_entry_is_not_shown_as_if_it_were_one(small: Store) -> None:
    write_some(small, 1)
    with small.engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("PRAGMA query_only = OFF")
        connection.exec_driver_sql("DROP TRIGGER journal_refuses_update")
        connection.execute(update(journal).values(payload="nonsense"))
    with small.read() as connection, pytest.raises(Exception, match="Entry 1 of the journal cannot be read"):
        reading.entries(connection)


def test_erasing_what_is_not_there_is_refused(small: Store) -> None:
    write_some(small, 1)
    with pytest.raises(UsageError, match="Entry 2 of the journal has no private text"), small.write(MAYA) as tx:
        reading.erase_private(tx, 2, "retention")


def test_a_write_within_a_write_is_refused_at_once_and_does_not_wait_for_itself(small: Store) -> None:
    with small.write(MAYA) as tx:
        tx.record("a.b", "c:d", {})
        with pytest.raises(RuntimeError, match="use its `tx`"):
            small.sign_head()
    assert small.sign_head() is not None


# --- signing ----------------------------------------------------------------------------------------------


def test_an_empty_journal_has_no_head(small: Store) -> None:
    assert small.sign_head() is None
    assert not small.head_file.exists()


def test_the_head_is_the_last_entry_and_is_kept_outside_too(small: Store) -> None:
    write_some(small, 2)
    head = small.sign_head(MAYA)
    assert head is not None
    assert head.seq == 3
    assert head == read_head(small.head_file.read_bytes(), "head.json")
    assert head.is_signed_by(read_public_key(small.keys_folder / "journal.pub"))


def test_signing_again_at_the_same_entry_gives_the_same_head(small: Store) -> None:
    write_some(small, 2)
    assert small.sign_head() == small.sign_head()


def test_a_lost_key_is_replaced_and_what_the_old_one_signed_stays_good(tmp_path) -> None:
    backend = sqlite_backend(tmp_path)
    store = backend.open()
    write_some(store, 2)
    old = store.sign_head()
    store.close()
    (store.keys_folder / "journal.ed25519").unlink()

    again = backend.open()
    write_some(again, 1)
    new = again.sign_head(Actor("sam", "cli"))
    assert old is not None
    assert new is not None
    assert old.key != new.key
    with again.read() as connection:
        last = reading.entries(connection, last=1)[0]
        assert (last.entry.kind, last.entry.actor, last.payload) == ("journal.key_added", "sam", {"key": new.key})
    assert new.seq == last.entry.seq
    assert whole(again)
    again.close()


def test_a_broken_key_file_is_said_and_not_overwritten(tmp_path) -> None:
    backend = sqlite_backend(tmp_path)
    store = backend.open()
    write_some(store, 1)
    store.close()
    (store.keys_folder / "journal.ed25519").write_text("scribble")
    again = backend.open()
    with pytest.raises(
        UsageError, match=r"journal.ed25519 cannot be read as an Ed25519 key.*journal itself is whole"
    ):
        again.sign_head()
    again.close()
    assert (store.keys_folder / "journal.ed25519").read_text() == "scribble"


@pytest.mark.skipif(which("openssl") is None, reason="no openssl on this machine")
def test_openssl_alone_verifies_a_head(small: Store, tmp_path) -> None:
    write_some(small, 2)
    head = small.sign_head()
    assert head is not None
    (tmp_path / "signature").write_bytes(head.signature)
    (tmp_path / "signed").write_bytes(head.signed_bytes())
    argv = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", small.keys_folder / "journal.pub", "-rawin"]
    argv += ["-in", tmp_path / "signed", "-sigfile", tmp_path / "signature"]
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 0
    (tmp_path / "signed").write_bytes(head.signed_bytes().replace(b'"seq":3', b'"seq":2'))
    assert subprocess.run(argv, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"what":"another head"}'])
def test_a_file_that_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"head\.json is not a signed head"):
        read_head(text.encode(), "head.json")


def test_opening_and_reading_an_up_to_date_store_imports_nothing_heavy(tmp_path) -> None:
    backend = sqlite_backend(tmp_path)
    store = backend.open()
    write_some(store, 1)
    store.close()
    program = f"""
import sys
from pathlib import Path
from tocsin.adapters.system import EnvironmentCrashPoints, SystemClock, SystemRandomness
from tocsin.store import journal
from tocsin.store.database import open_store
store = open_store({backend.url!r}, Path({str(backend.state)!r}), SystemClock(), SystemRandomness(), EnvironmentCrashPoints())
with store.read() as connection:
    assert len(journal.entries(connection)) == 2
heavy = ("sqlalchemy.orm", "alembic", "cryptography", "psycopg", "prefect", "httpx", "fastapi")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
