"""What is due is claimed once: missed moments are one, and two doors at once are one."""

import threading
from datetime import UTC, datetime, timedelta

from simulators.stores import MAYA
from tocsin.store.schedules import claim_due, give_back

NIGHTLY = ("drill:files", "30 2 * * *", "Europe/London")
MORNING = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
THIS_NIGHT = datetime(2026, 11, 20, 2, 30, tzinfo=UTC)


def claimed(store, now=MORNING):
    return claim_due(store, MAYA, *NIGHTLY, now)


def test_the_first_ring_of_the_bell_is_due_at_once(small):
    assert claimed(small) == THIS_NIGHT


def test_a_moment_is_acted_on_once_however_often_the_bell_rings(small):
    claimed(small)
    assert claimed(small) is None
    assert claimed(small, MORNING + timedelta(hours=17)) is None
    assert claimed(small, MORNING + timedelta(hours=18)) == THIS_NIGHT + timedelta(days=1)


def test_ten_missed_nights_are_one(small):
    claimed(small)
    assert claimed(small, MORNING + timedelta(days=10)) == THIS_NIGHT + timedelta(days=10)
    assert claimed(small, MORNING + timedelta(days=10)) is None


def test_a_clock_that_was_set_back_a_little_claims_nothing_again(small):
    claimed(small, THIS_NIGHT + timedelta(minutes=1))
    assert claimed(small, THIS_NIGHT - timedelta(minutes=50)) is None


def test_a_clock_that_had_jumped_ahead_does_not_keep_what_is_due_waiting_until_then(small):
    claimed(small, MORNING + timedelta(days=400))
    assert claimed(small) == THIS_NIGHT
    assert claimed(small) is None
    assert claimed(small, MORNING + timedelta(days=1)) == THIS_NIGHT + timedelta(days=1)


def test_schedules_do_not_know_each_other(small):
    claimed(small)
    assert claim_due(small, MAYA, "backup:files", *NIGHTLY[1:], MORNING) == THIS_NIGHT


def test_what_could_not_be_done_is_due_again_at_the_next_ring(small):
    claimed(small)
    give_back(small, MAYA, NIGHTLY[0], THIS_NIGHT)
    assert claimed(small) == THIS_NIGHT
    assert claimed(small) is None


def test_a_late_give_back_does_not_undo_a_newer_claim(small):
    claimed(small)
    claimed(small, MORNING + timedelta(days=1))
    give_back(small, MAYA, NIGHTLY[0], THIS_NIGHT)
    assert claimed(small, MORNING + timedelta(days=1)) is None


def test_of_many_doors_at_once_one_gets_in(small):
    for day in range(2):  # the row is new, then it is there
        won, ready = [], threading.Barrier(4)

        def ring(now=MORNING + timedelta(days=day), won=won, ready=ready):
            ready.wait()
            won.append(claimed(small, now))

        threads = [threading.Thread(target=ring) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(due is not None for due in won) == 1
