"""Slack as a door: what stands is shown there and kept true, and what people do there is done here.

    serve_chat(workspace, stop)   until told to stop: listen, show, post; it comes back by itself
    beside(workspace)             the same in a thread, beside whatever else is served
    go_round(ctx, room)           once: write what ought to stand there, deliver what does not stand there yet
    Desk(ctx).take(envelope)      one thing a person did: who they are, the operation the command line calls too

Slack is a remote control and a screen, never the store: whatever is lost there, nothing is lost here.
"""

from typing import TYPE_CHECKING

from tocsin.lazily import handed_out

if TYPE_CHECKING:
    from tocsin.chat.desk import Desk
    from tocsin.chat.rounds import Rounds
    from tocsin.chat.serving import beside, can_be_served, serve_chat

__all__ = ["Desk", "Rounds", "beside", "can_be_served", "serve_chat"]

__getattr__ = handed_out(
    __name__, {"desk": ("Desk",), "rounds": ("Rounds",), "serving": ("beside", "can_be_served", "serve_chat")}
)
