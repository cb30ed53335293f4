"""What is hashed, and what can be journalled at all."""

import json
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tocsin.store.chain import Line, canonical, content_hash, private_digest
from tocsin.store.columns import storable

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
payloads = st.dictionaries(words, values, max_size=4)


@given(payload=payloads, subject=words, actor=words)
def test_the_hash_is_that_of_the_whole_entry_in_rfc_8785_computed_by_anybody(payload, subject, actor) -> None:
    line = Line(7, "2026-11-20T17:40:00.000000Z", actor, "cli", subject, "a.b", canonical(payload), "0" * 64, "")
    as_anybody_would = rfc8785.dumps(
        {
            "actor": actor,
            "at": line.at,
            "door": "cli",
            "kind": "a.b",
            "payload": payload,
            "previous": "0" * 64,
            "seq": 7,
            "subject": subject,
        }
    )
    assert line.content() == as_anybody_would
    assert content_hash(line) == sha256(as_anybody_would).hexdigest()


@given(payload=payloads, other=payloads)
def test_two_payloads_have_one_text_only_if_they_are_one(payload, other) -> None:
    assert (canonical(payload) == canonical(other)) == (
        json.dumps(payload, sort_keys=True) == json.dumps(other, sort_keys=True)
    )


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        ({"took": 1.5}, "payload.took, a float,"),
        ({"took": 1.0}, "payload.took, a float,"),
        ({"deep": [{"er": float("nan")}]}, r"payload.deep\[0\].er, a float,"),
        ({"raw": b"bytes"}, "payload.raw, a bytes,"),
        ({"count": 2**53}, "9007199254740992"),
        ({1: "one"}, "keys must be strings"),
        ({"name": "\ud800"}, "non-UTF-8"),
    ],
)
def test_it_refuses_to_journal(payload, named: str) -> None:
    with pytest.raises(ValueError, match=f"{named}"):
        canonical(payload)


def test_a_private_digest_is_the_hash_of_salt_and_text() -> None:
    assert private_digest("00ff", "Müller") == sha256(b"\x00\xff" + "Müller".encode()).hexdigest()


def test_a_file_name_that_is_no_text_is_kept_readable() -> None:
    assert storable("caf\udce9\0.doc") == r"caf\udce9\x00.doc"
