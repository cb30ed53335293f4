"""Things that look like secrets or like the breached data itself, found by their shape. Pure."""

import re
from collections.abc import Iterator

_SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a Slack token": re.compile(r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}|\bxapp-[0-9A-Za-z-]{10,}"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[0-9A-Za-z]{20,}|\bgithub_pat_[0-9A-Za-z_]{20,}"),
    "a signed web token": re.compile(r"\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{4,}"),
    "a password in an address": re.compile(r"://[^/\s:@]+:[^/\s@]+@"),
    "a password": re.compile(
        r"(?i)\b(?:password|passphrase|passwd|pwd|pin)\b\s*(?:[:=]|is(?: now)?:?)\s*[`'\"“]?(?=\S*\d)\S{4,}"
    ),
    "a key or token": re.compile(
        r"(?i)\b(?:api[ _-]?key|secret|access[ _-]?key|token)\b\s*(?:[:=]|is)\s*[`'\"“]?[0-9A-Za-z+/_.-]{12,}"
    ),
}
_NATIONAL_INSURANCE = re.compile(
    r"\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(?:\d\d ?){3}[A-D]\b"
)
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d\d(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,3})?\b")
_SORT_CODE = re.compile(r"(?i)\bsort code\b.{0,20}\d\d[ -]?\d\d[ -]?\d\d")
_CHECK_DIGITS_OF_IBAN = 97


def secrets_in(text: str) -> tuple[str, ...]:
    """Return what kinds of secret the text seems to hold, in words; never the secret."""
    return tuple(what for what, shape in _SECRETS.items() if shape.search(text))


def bank_or_identity_numbers(text: str) -> tuple[str, ...]:
    """Return what kinds of personal number the text holds, in words; check digits are checked."""
    return tuple(dict.fromkeys(_numbers(text)))


def _numbers(text: str) -> Iterator[str]:
    if _NATIONAL_INSURANCE.search(text):
        yield "a National Insurance number"
    if any(_is_card(match[0]) for match in _CARD.finditer(text)):
        yield "a payment card number"
    if any(_is_iban(match[0]) for match in _IBAN.finditer(text)):
        yield "a bank account number"
    if _SORT_CODE.search(text):
        yield "a sort code"


def _is_card(text: str) -> bool:
    """Apply the Luhn check of ISO/IEC 7812."""
    digits = [int(sign) for sign in text if sign.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def _is_iban(text: str) -> bool:
    """Apply the check of ISO 13616."""
    plain = text.replace(" ", "")
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % _CHECK_DIGITS_OF_IBAN == 1
