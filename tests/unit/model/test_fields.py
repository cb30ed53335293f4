"""Durations, schedules, ids and secret references as people write them."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.model.fields import _DURATION_PATTERN as PATTERN
from tocsin.model.fields import check_cron, is_hourly, longest_gap, parse_duration, spell_duration
from tocsin.model.holdings import System
from tocsin.model.protection import Repository, check_location


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90m", timedelta(minutes=90)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        ("2 weeks", timedelta(days=14)),
        ("1 day", timedelta(days=1)),
        ("12 months", timedelta(days=365.25)),
        ("6 years", timedelta(days=2191.5)),
        ("30 min", timedelta(minutes=30)),
        ("45s", timedelta(seconds=45)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text, duration):
    assert parse_duration(text) == duration
    assert re.match(PATTERN, text)


@pytest.mark.parametrize(
    "text", ["", "24", "h", "-1h", "1.5h", "0d", "3 fortnights", "1h30m", 5, None, "1" * 9 + "h"]
)
def test_anything_else_is_not_a_duration(text):
    with pytest.raises(ValueError, match="such as 90m"):
        parse_duration(text)


@given(st.integers(1, 999_999), st.sampled_from(["s", "m", "h", "d", "w", " months", "y"]))
def test_a_duration_is_spelt_so_that_it_reads_back_the_same(count, unit):
    duration = parse_duration(f"{count}{unit}")
    if duration < timedelta(seconds=999_999):
        assert parse_duration(spell_duration(duration)) == duration


@pytest.mark.parametrize(
    "cron", ["30 2 * * *", "0 9 1 */3 *", "*/15 * * * *", "0 3 29 2 *", "0 3 L * *", "0 9 * * MON"]
)
def test_a_schedule_that_can_run_is_taken(cron):
    assert check_cron(cron) == cron


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 3 31 2 *", "never run"),
        ("0 3 30 2 *", "never run"),
        ("0 3 31 4,6,9,11 *", "never run"),
        ("61 3 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 3 32 * *", "day-of-month"),
        ("0 3 * 13 *", "month"),
        ("0 3 * * 9", "day-of-week"),
        ("0 3 * *", "five fields"),
        ("0 0 3 * * *", "five fields"),
        ("every night", "five fields"),
        ("", "five fields"),
        ("@daily", "write @daily out"),
        ("*/0 * * * *", "minute"),
    ],
)
def test_a_schedule_that_cannot_run_is_refused(cron, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        check_cron(cron)


def test_it_knows_which_schedules_a_clock_change_would_hurt():
    assert [is_hourly(cron) for cron in ("15 * * * *", "*/5 * * * *", "30 2 * * *", "0 9-17 * * *")] == [
        True,
        True,
        False,
        False,
    ]
    assert longest_gap("0 9 * * 1-5") == timedelta(days=3)


@pytest.mark.parametrize("reference", ["file:x", "env:RESTIC", "command:pass show restic", "credential:restic"])
def test_a_secret_is_named_by_where_it_is(reference):
    assert Repository.model_validate({"location": "x", "password": reference}).password == reference


@pytest.mark.parametrize("secret", ["hunter2", "file:", "env:1X", "FILE:x", "", 31337, ["hunter2"]])
def test_a_secret_itself_is_refused_and_never_shown(secret):
    with pytest.raises(ValueError, match="a secret never stands in this file") as caught:
        Repository.model_validate({"location": "x", "password": secret})
    assert "hunter2" not in caught.value.errors(include_input=False, include_url=False)[0]["msg"]


@pytest.mark.parametrize(
    "address", ["rest:https://u:hunter2@h/", "s3:http://a:hunter2@h/b", "postgresql://u:hunter2@h/d"]
)
def test_a_password_inside_an_address_is_refused_and_never_shown(address):
    with pytest.raises(ValueError, match="a password stands in this address") as caught:
        check_location(address)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["sftp:backup@host:/x", "rest:https://host:8000/", "/srv/x", "postgresql://u@h:5432/d"]
)
def test_an_address_without_a_password_is_taken(address):
    assert check_location(address) == address


@pytest.mark.parametrize(
    ("written", "meant"), [(True, "yes"), (False, "no"), ("unknown", "unknown"), (None, "unknown")]
)
def test_true_and_false_are_taken_for_yes_and_no(written, meant):
    assert System.model_validate({"title": "x", "kind": "server", "encrypted": written}).encrypted == meant
