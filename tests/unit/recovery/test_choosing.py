from datetime import UTC, datetime, timedelta

import pytest

from tocsin.errors import UsageError
from tocsin.recovery.choosing import Choice, Which, parse_choice

EVENING = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "meant", "spelled"),
    [
        ("latest", Choice(), "latest"),
        (" Last  Clean ", Choice(Which.LAST_CLEAN), "last clean"),
        ("last-clean", Choice(Which.LAST_CLEAN), "last clean"),
        ("oldest_kept", Choice(Which.OLDEST_KEPT), "oldest kept"),
        ("random", Choice(Which.RANDOM), "random"),
        ("random over 90d", Choice(Which.RANDOM, window=timedelta(days=90)), "random over 90d"),
        ("before 2026-11-20T17:00Z", Choice(Which.BEFORE, EVENING), "before 2026-11-20T17:00:00Z"),
        ("before: 2026-11-20T18:00+01:00", Choice(Which.BEFORE, EVENING), "before 2026-11-20T17:00:00Z"),
        ("last clean before 2026-11-20T17:00Z", Choice(Which.LAST_CLEAN, EVENING), None),
        ("3F9A2C11", Choice(Which.NAMED, snapshot_id="3f9a2c11"), "3f9a2c11"),
    ],
)
def test_the_words_for_a_snapshot(words: str, meant: Choice, spelled: str | None) -> None:
    assert parse_choice(words) == meant
    assert spelled is None or meant.spelled == spelled
    assert parse_choice(meant.spelled) == meant


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("lastest", "Did you mean 'latest'"),
        ("last cleen", "Did you mean 'last clean'"),
        ("before yesterday", "is not a time"),
        ("before 2026-11-20T17:00", "does not say its time zone"),
        ("random over a while", "is not a duration"),
        ("3f9a", "names no snapshot"),
        ("oldest kept before 2026-11-20T17:00Z", "names no snapshot"),
    ],
)
def test_other_words_are_answered_with_the_nearest(words: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_choice(words)
