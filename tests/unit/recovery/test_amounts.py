"""Sizes and spans as a person reads them."""

from datetime import timedelta

import pytest

from tocsin.recovery import spell_bytes, spell_span


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (42_064_000, "42.1 MB"), (1_163_000_000, "1.2 GB"),
     (3 * 10**15, "3000.0 TB")],
)  # fmt: skip
def test_sizes(count, words):
    assert spell_bytes(count) == words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=0.84), "0.8 s"),
        (timedelta(seconds=99), "99.0 s"),
        (timedelta(minutes=12), "12 min"),
        (timedelta(hours=3, minutes=20), "3 h 20 min"),
        (timedelta(days=2, hours=4), "2 d 4 h"),
    ],
)
def test_spans(span, words):
    assert spell_span(span) == words
