"""Which snapshots may go: the policy, and what no policy may touch."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tocsin.backups.checking import parts_of
from tocsin.backups.ledger import LedgerEntry
from tocsin.backups.retaining import thin_out
from tocsin.backups.upkeep import is_stale
from tocsin.model.protection import Checking, Maintenance, Retention
from tocsin.ports import Lock

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
ENTRY = LedgerEntry(
    id="0", repository="local", backup_plan="files", tree="", time=NOW, verdict="ok", files=1, bytes=1,
    added_bytes=1, manifest_sha256=None, manifest_path=None, paths=(), changed=(), operation="o", plausibility="clean",
)  # fmt: skip


def taken(*days_ago: float, **changed) -> list[LedgerEntry]:
    return [replace(ENTRY, id=f"{days:07.2f}", time=NOW - timedelta(days=days), **changed) for days in days_ago]


def stays(entries, held=(), **retention):
    thinned = thin_out(entries, Retention(**retention), held=held)
    return {one.entry.id: one.reasons for one in thinned.kept}


def test_each_bucket_keeps_its_newest():
    entries = taken(0, 0.05, 1, 2, 3, 8, 15, 40, 70, 400)
    assert list(stays(entries, daily=3)) == ["0000.00", "0001.00", "0002.00"]
    assert list(stays(entries, last=2)) == ["0000.00", "0000.05"]
    assert list(stays(entries, monthly=3)) == ["0000.00", "0040.00", "0070.00"]
    assert list(stays(entries, yearly=2)) == ["0000.00", "0400.00"]
    assert list(stays(entries, weekly=2)) == ["0000.00", "0001.00"]


def test_a_bad_snapshot_fills_no_bucket_and_pushes_out_nothing():
    bad = taken(0.1, 0.2, 0.3, verdict="incomplete")
    kept = stays([*taken(1, 2), *bad], last=2)
    assert {"0001.00", "0002.00"} <= kept.keys()
    assert kept["0000.10"] == ("newer than the last good one",)
    assert "0000.50" not in stays([*taken(0, 1), *taken(0.5, verdict="incomplete")], last=2)


def test_what_is_held_and_what_nobody_explained_stays():
    entries = [*taken(0, 5, 6), *taken(7, plausibility="flagged")]
    kept = stays(entries, held={("local", "0006.00")}, last=1)
    assert kept == {"0000.00": ("last",), "0006.00": ("held",), "0007.00": ("not explained",)}


def test_days_are_those_of_the_office():
    late = [replace(ENTRY, id="night", time=datetime(2026, 7, 1, 23, 30, tzinfo=UTC))]
    early = [replace(ENTRY, id="morning", time=datetime(2026, 7, 2, 1, 0, tzinfo=UTC))]
    of = lambda zone: {  # noqa: E731
        one.entry.id for one in thin_out([*late, *early], Retention(daily=5), held=(), timezone=zone).kept
    }
    assert of("UTC") == {"night", "morning"}
    assert of("Europe/London") == {"morning"}


@given(
    st.lists(st.tuples(st.floats(0, 900), st.sampled_from(["ok", "incomplete", "unknown"])), max_size=40),
    st.integers(0, 5),
    st.integers(1, 5),
)
def test_the_newest_good_one_always_stays_and_every_snapshot_is_told(found, last, daily):
    entries = [
        replace(ENTRY, id=f"{n}", time=NOW - timedelta(days=days), verdict=verdict)
        for n, (days, verdict) in enumerate(found)
    ]
    thinned = thin_out(entries, Retention(last=last, daily=daily), held=())
    kept = {one.entry.id for one in thinned.kept}
    assert kept | {one.id for one in thinned.removed} == {entry.id for entry in entries}
    if good := [entry for entry in entries if entry.verdict == "ok"]:
        assert max(good, key=lambda entry: entry.time).time in {one.entry.time for one in thinned.kept}
    assert all(kept for _ in entries)


def test_all_data_is_read_within_the_time_asked_for():
    def parts(schedule, over):
        return parts_of(Maintenance(check=Checking(schedule=schedule, read_all_over=over)), NOW)

    assert parts("0 4 * * *", "90d") == 90
    assert parts("0 4 * * 0", "90d") == 12
    assert parts("0 4 1 * *", "7d") == 1
    assert parts_of(None, NOW) == 10


def test_a_lock_is_stale_by_its_age_or_its_dead_process_and_never_else():
    lock = Lock("l", NOW, "here", 7, is_exclusive=True)
    soon = NOW + timedelta(minutes=3)

    def stale(now, host, *, alive):
        return is_stale(lock, now=now, host=host, alive=lambda _: alive)

    assert stale(soon, "here", alive=False)
    assert not stale(soon, "here", alive=True)
    assert not stale(soon, "elsewhere", alive=False)
    assert stale(NOW + timedelta(minutes=31), "elsewhere", alive=True)
