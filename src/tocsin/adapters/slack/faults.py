"""What Slack, or the way to it, answers when something is wrong: what is certain, and what to do."""

import http.client
import socket
import urllib.error
from collections.abc import Mapping

from tocsin.errors import AskedToWait, OperationFailed, OutcomeUnknown, Temporary, TocsinError

DEFAULT_WAIT_SECONDS = 30.0
MOST_WAIT_SECONDS = 3600.0

# Slack's own fault; the message may have been kept (its reference says so of fatal_error).
_THEIR_FAULT = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded", "team_added_to_org"})
_NOT_TAKEN = (
    "Slack does not take the {which} token ({error}). Put a new one where channels.slack says it is, and look "
    "again with `tocsin doctor`."
)
_ADVICE = {
    "channel_not_found": "There is no such channel, or the app was never invited into it: /invite @tocsin there.",
    "not_in_channel": "The app is not in the channel: write /invite @tocsin there.",
    "is_archived": "The channel is archived. Name another under channels.slack.channel.",
    "restricted_action": "The team's settings keep the app from posting there.",
    "msg_too_long": "The message is too long.",
    "invalid_blocks": "Slack refused the message's form.",
    "trigger_expired": "The form could not be opened in three seconds. Press again.",
    "expired_trigger_id": "The form could not be opened in three seconds. Press again.",
}
_TOKENS = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})


def answer_fault(
    method: str, status: int, data: Mapping[str, object], headers: Mapping[str, object], *, posts: bool
) -> TocsinError:
    """Return our error for an answer that says no. `posts`: what may have been kept must not be done twice."""
    error = str(data.get("error") or f"HTTP {status}")
    if status == http.HTTPStatus.TOO_MANY_REQUESTS or error in _BUSY:
        seconds = _wait(headers)
        return AskedToWait(f"Slack asks to wait {seconds:.0f} s before {method} is called again.", seconds)
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR or error in _THEIR_FAULT:
        said = f"Slack had a fault of its own at {method} ({error})."
        return OutcomeUnknown(f"{said} It may have been done.") if posts else Temporary(f"{said} Try again.")
    if error in _TOKENS:
        return OperationFailed(
            _NOT_TAKEN.format(which="app's" if method.startswith("apps.") else "bot's", error=error)
        )
    if error == "missing_scope":
        return OperationFailed(
            f"Slack's token lacks the scope {data.get('needed', '')} that {method} needs. Add it to the app "
            "(docs/slack.md has the manifest), install the app anew and look again with `tocsin doctor`."
        )
    advice = _ADVICE.get(error, "See docs/slack.md, or look with `tocsin doctor`.")
    return OperationFailed(f"Slack refused {method}: {error}. {advice}")


def way_fault(method: str, fault: Exception, *, posts: bool) -> TocsinError:
    """Return our error for a request that got no answer."""
    reason = fault.reason if isinstance(fault, urllib.error.URLError) else fault
    if isinstance(reason, ConnectionRefusedError | socket.gaierror) or _no_route(reason):
        return Temporary(f"Slack is out of reach ({_short(reason)}); nothing was done. Try again.")
    if posts:
        return OutcomeUnknown(f"Slack gave no answer to {method} ({_short(reason)}). It may have been done.")
    return Temporary(f"Slack gave no answer to {method} ({_short(reason)}). Try again.")


def _no_route(reason: object) -> bool:
    # ENETUNREACH and its like, and a certificate that does not hold: no byte of the request went out.
    return (isinstance(reason, OSError) and reason.errno in {100, 101, 112, 113}) or (
        type(reason).__name__ == "SSLCertVerificationError"
    )


def _wait(headers: Mapping[str, object]) -> float:
    found = {name.casefold(): value for name, value in headers.items()}.get("retry-after")
    try:
        seconds = float(str(found[0] if isinstance(found, list) else found))
    except (TypeError, ValueError):
        return DEFAULT_WAIT_SECONDS
    return min(max(seconds, 1.0), MOST_WAIT_SECONDS)


def _short(reason: object) -> str:
    words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return words.lower()[:100]
