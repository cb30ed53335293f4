"""What the store and the journal cost: `.venv/bin/python tests/benchmarks/journal.py [FOLDER]`.

FOLDER is where the databases are made, so that the disk that matters is the one measured. Writes are measured in
pairs, one of ours beside one bare commit on the same disk, for disks have moods.
"""

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from tocsin.adapters.system import EnvironmentCrashPoints, SystemClock, SystemRandomness
from tocsin.ports import Actor
from tocsin.store import journal
from tocsin.store.database import Store, open_store
from tocsin.store.export import export, verify_file
from tocsin.store.keys import trusted_keys
from tocsin.store.verification import verify

ENTRIES = 100_000
PAIRS = 200
MAYA = Actor("maya", "cli")
PAYLOAD = {"operation": "0" * 32, "verdict": "ok", "files": 12_345, "bytes": 9_876_543_210, "tree": "f" * 64}


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-bench-", dir=sys.argv[1] if len(sys.argv) > 1 else None))
    imports()
    store = opened(folder)
    opening(folder)
    commits(folder, store)
    signing(store)
    filled(store)
    verifying(folder, store)
    store.close()


def opened(folder: Path) -> Store:
    return open_store(
        f"sqlite:///{folder}/store.db", folder, SystemClock(), SystemRandomness(), EnvironmentCrashPoints()
    )


def imports() -> None:
    bare = median(timed(lambda: python("pass")) for _ in range(9))
    for what in ("import sqlalchemy", "import tocsin.store.database", "import tocsin.store.journal"):
        took = median(timed(lambda what=what: python(what)) for _ in range(9))
        say(
            what,
            f"{(took - bare) * 1000:.0f} ms over a bare start of {bare * 1000:.0f} ms ({took / bare:.1f} times it)",
        )


def opening(folder: Path) -> None:
    def open_and_read() -> None:
        store = opened(folder)
        with store.read() as connection:
            journal.entries(connection, last=20)
        store.close()

    say(
        "open an up-to-date store and read 20 entries",
        f"{median(timed(open_and_read) for _ in range(20)) * 1000:.1f} ms",
    )


def commits(folder: Path, store: Store) -> None:
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE t (seq INTEGER PRIMARY KEY, payload TEXT)")

    def one_bare() -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO t (payload) VALUES (?)", (str(PAYLOAD),))
        bare.execute("COMMIT")

    def one_ours() -> None:
        with store.write(MAYA) as tx:
            tx.record("backup.finished", "plan:files", PAYLOAD)

    one_ours()
    pairs = [(timed(one_ours), timed(one_bare)) for _ in range(PAIRS)]
    ours, theirs = (median(column) * 1000 for column in zip(*pairs, strict=True))
    say("a durable entry", f"{ours:.2f} ms beside a bare durable commit of {theirs:.2f} ms")


def signing(store: Store) -> None:
    def sign() -> None:
        with store.write(MAYA) as tx:
            tx.record("backup.finished", "plan:files", PAYLOAD)
        store.sign_head()

    say(
        "a durable entry, its head signed and kept beside",
        f"{median(timed(sign) for _ in range(50)) * 1000:.2f} ms",
    )


def filled(store: Store) -> None:
    def fill() -> None:
        with store.write(MAYA) as tx:
            for number in range(ENTRIES):
                tx.record("backup.finished", "plan:files", {**PAYLOAD, "files": number})

    took = timed(fill)
    say(f"{ENTRIES:,} entries in one transaction", f"{took:.1f} s, {ENTRIES / took:,.0f} a second")
    store.sign_head()


def verifying(folder: Path, store: Store) -> None:
    keys = trusted_keys(store.keys_folder)

    def from_store() -> None:
        with store.read() as connection:
            assert verify(journal.lines(connection), journal.heads(connection), keys).ok

    def to_file() -> None:
        with store.read() as connection:
            (folder / "journal.jsonl").write_bytes(export(connection, store.now(), with_private=True).data)

    def from_file() -> None:
        assert verify_file(folder / "journal.jsonl", keys).ok

    for what, does in (("verify the store", from_store), ("export it", to_file), ("verify the file", from_file)):
        took = timed(does)
        say(f"{what}, {ENTRIES:,} entries", f"{took:.1f} s, {ENTRIES / took:,.0f} a second")


def python(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True)


def timed(does: Callable[[], None]) -> float:
    began = perf_counter()
    does()
    return perf_counter() - began


def say(what: str, figure: str) -> None:
    print(f"{what:52} {figure}")  # noqa: T201 - a benchmark is there to be read


if __name__ == "__main__":
    main()
