"""Signed webhooks: the example of the specification's own kind, and everything that must not pass."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import ConfigurationError, Refused
from tocsin.signatures import SIGNATURE, signed_headers, signing_key, verified_id

NOW = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)
BODY = '{"title": "Files end in .locked"}'
KEY = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "test")


def headers(**changed: str) -> dict[str, str]:
    found = {name.lower(): value for name, value in signed_headers(KEY, "msg_1", BODY, NOW).items()}
    return found | {name.replace("_", "-"): value for name, value in changed.items()}


def test_it_signs_as_the_scheme_says():
    # The scheme's own published vector, made with its reference library.
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "test")
    when = datetime.fromtimestamp(1614265330, UTC)
    made = signed_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', when)
    assert made[SIGNATURE] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_was_signed_is_known_and_so_is_one_of_several_signatures():
    assert verified_id(KEY, headers(), BODY.encode(), NOW) == "msg_1"
    both = f"v1,{base64.b64encode(b'x' * 32).decode()} {headers()[SIGNATURE]}"
    assert verified_id(KEY, headers(webhook_signature=both), BODY.encode(), NOW + timedelta(minutes=4)) == "msg_1"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"webhook_id": "msg_2"}, "does not fit"),
        ({"webhook_id": ""}, "webhook-id is missing"),
        ({"webhook_id": "x" * 129}, "webhook-id is missing"),
        ({"webhook_timestamp": str(int(NOW.timestamp()) + 1)}, "does not fit"),
        ({"webhook_timestamp": "soon"}, "no Unix time"),
        ({"webhook_timestamp": "-1"}, "no Unix time"),
        ({"webhook_timestamp": "9" * 400}, "no Unix time"),
        ({"webhook_signature": ""}, "does not fit"),
        ({"webhook_signature": "v1,"}, "does not fit"),
        ({"webhook_signature": "v1a,é"}, "does not fit"),
    ],
)
def test_it_refuses_what_was_not_signed_like_this(changed, why):
    with pytest.raises(Refused, match=why):
        verified_id(KEY, headers(**changed), BODY.encode(), NOW)


@pytest.mark.parametrize("late", [timedelta(minutes=5, seconds=1), timedelta(minutes=-6), timedelta(days=4000)])
def test_it_refuses_a_recording(late):
    with pytest.raises(Refused, match="more than five minutes"):
        verified_id(KEY, headers(), BODY.encode(), NOW + late)


def test_a_time_millennia_away_is_only_refused():
    made = signed_headers(KEY, "msg_1", BODY, datetime(5100, 12, 31, tzinfo=UTC))
    with pytest.raises(Refused, match="more than five minutes"):
        verified_id(KEY, {name.lower(): value for name, value in made.items()}, BODY.encode(), NOW)


@given(st.binary(max_size=64), st.integers(0, 63))
def test_no_changed_bit_passes(body, where):
    made = {name.lower(): value for name, value in signed_headers(KEY, "msg_1", "x" * 64, NOW).items()}
    changed = bytearray(b"x" * 64)
    changed[where] ^= 1
    for forged in (body, bytes(changed)):
        with pytest.raises(Refused):
            verified_id(KEY, made, forged, NOW)


@pytest.mark.parametrize("secret", ["", "short", "whsec_???", "whsec_QUJD", "x" * 65])
def test_a_weak_secret_is_refused_and_never_shown(secret):
    with pytest.raises(ConfigurationError) as refused:
        signing_key(secret, "channels.webhook")
    assert "The secret of channels.webhook cannot be used" in str(refused.value)
    assert not secret or secret not in str(refused.value)
