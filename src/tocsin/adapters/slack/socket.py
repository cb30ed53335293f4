"""Socket Mode: what people do in Slack comes in over a line that we opened. No port is open to the outside."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from tocsin.adapters.slack.faults import answer_fault, way_fault
from tocsin.errors import Temporary
from tocsin.ports import Envelope, Take

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.socket_mode.client import BaseSocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

WORKERS = 4


class SocketLine:
    """`ports.Listening`: opened once, it comes back by itself when Slack hangs up, as it does every few hours."""

    def __init__(self, client: "WebClient", app_token: str, take: Take) -> None:
        from slack_sdk.errors import SlackApiError  # noqa: PLC0415 - needed only by who listens
        from slack_sdk.socket_mode import SocketModeClient  # noqa: PLC0415

        self._take = take
        self._line = SocketModeClient(app_token, web_client=client, concurrency=WORKERS, logger=_quiet())
        self._line.socket_mode_request_listeners.append(self._taken)
        try:
            self._line.connect()
        except SlackApiError as no:
            self.close()
            data = no.response.data if isinstance(no.response.data, Mapping) else {}
            method = "apps.connections.open"
            raise answer_fault(method, no.response.status_code, data, no.response.headers, posts=False) from None
        except Exception as fault:  # noqa: BLE001 - the SDK hands out whatever urllib and the socket raise
            self.close()
            raise way_fault("apps.connections.open", fault, posts=False) from None
        if not self._line.is_connected():
            self.close()
            raise Temporary("Slack gave an address to listen at, and nobody answers there. Try again.")

    def is_open(self) -> bool:
        """Tell whether the line stands at this moment."""
        return bool(self._line.is_connected())

    def close(self) -> None:
        """Hang up. What is under way is waited for."""
        with suppress(Exception):
            self._line.close()

    def _taken(self, line: "BaseSocketModeClient", request: "SocketModeRequest") -> None:
        from slack_sdk.socket_mode.response import SocketModeResponse  # noqa: PLC0415

        def acknowledge(payload: Mapping[str, object] | None) -> None:
            # Should the line break right now, Slack hands the envelope over again, and it is known then.
            with suppress(Exception):
                answer = SocketModeResponse(request.envelope_id, dict(payload) if payload is not None else None)
                line.send_socket_mode_response(answer)

        self._take(
            Envelope(request.envelope_id, request.type, request.payload or {}, request.retry_attempt or 0),
            acknowledge,
        )


def _quiet() -> logging.Logger:
    log = logging.getLogger("tocsin.slack.socket")
    log.setLevel(logging.CRITICAL)
    return log
