"""Webhooks: other programs are told of events, signed, at least once each.

    tell_webhooks(ctx)      what is new in the journal → rows → signed messages → outcomes

An event is an entry of the journal: ids, codes and times. Its private texts, and everything that belongs to a
need-to-know incident, stay in the house. Called by the watch's round.
"""

from tocsin.webhooks.sending import Sent, tell_webhooks

__all__ = ["Sent", "tell_webhooks"]
