"""Alarms to our own people: a row before it is a message, by the first channel that works.

    alarms.raise_alarm(tx, alarms.Alarm(kind, subject, text))     once; while it stands it is not raised again
    alarms.clear(tx, kind=..., subject=...)                       over, and said so to whoever was told
    alarms.deliver(ctx)                                           what is due: new ones, reminders, what is over

Everybody above may raise one: deadlines, backups, drills, practices, paging. An alarm's text is a fixed template
with ids, codes and times: a mailbox or a chat may be in the attacker's hands. It needs no approval.
"""

from tocsin.alarms.audience import LADDER, Audience, Level, people_for
from tocsin.alarms.compromise import Compromised, compromised, mark_compromised, trust_again
from tocsin.alarms.delivering import Delivery, deliver
from tocsin.alarms.raising import DAILY, Alarm, Deadline, clear, end, raise_alarm, settle, standing
from tocsin.alarms.trying import try_channel
from tocsin.alarms.ways import channels_of

__all__ = [
    "DAILY",
    "LADDER",
    "Alarm",
    "Audience",
    "Compromised",
    "Deadline",
    "Delivery",
    "Level",
    "channels_of",
    "clear",
    "compromised",
    "deliver",
    "end",
    "mark_compromised",
    "people_for",
    "raise_alarm",
    "settle",
    "standing",
    "trust_again",
    "try_channel",
]
