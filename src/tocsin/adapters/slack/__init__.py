"""Slack through its own SDK: the Web API, Socket Mode, and incoming webhooks.

    api         `ports.Chat`: messages, pins, forms, who is who
    socket      the line that Slack tells us by what people did; it reconnects by itself
    webhook     `ports.Chat` of a firm without an app: it posts and does nothing else
    messenger   `ports.Messenger`: one alarm, once
    faults      what went wrong, in our own words

`slack_sdk` is imported when the first of them is made. Its automatic retries are off: they sleep in the caller's
thread, and only our outbox knows whether a message may be posted again.
"""

from tocsin.adapters.slack.api import SlackChat
from tocsin.adapters.slack.messenger import ChatMessenger
from tocsin.adapters.slack.webhook import WebhookChat

__all__ = ["ChatMessenger", "SlackChat", "WebhookChat"]
