"""Whom a letter goes to, one by one: names and addresses, which are deleted on schedule while the proof stays."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from tocsin.store.columns import Instant
from tocsin.store.tables.shape import metadata

recipient_list = Table(
    "recipient_list",
    metadata,
    Column("notice", ForeignKey("notice.id"), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("sha256", String(64), nullable=False),  # salted; what approvals are bound to, beside the text
    Column("salt", String(32)),  # forgotten with the names, so that nobody can guess them from the hash
    Column("by_mail", Integer, nullable=False),
    Column("on_paper", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("loaded_by", String(64), nullable=False),
    Column("loaded_at", Instant, nullable=False),
    Column("began_at", Instant),
    Column("tried_at", Instant),  # when sending last ran
    Column("ended_at", Instant),
    Column("forgotten_at", Instant),
    Column("root", String(64)),  # the Merkle root over everything that left, in order
    CheckConstraint("state IN ('loaded', 'sending', 'done', 'forgotten')", name="state"),
)

recipient = Table(
    "recipient",
    metadata,
    Column("notice", ForeignKey("recipient_list.notice"), primary_key=True),
    Column("position", Integer, primary_key=True),  # as in the list that was loaded, from 1
    Column("key", String(32), unique=True),  # unguessable: in the Message-ID, or on the letter as its reference
    Column("name", Text),
    Column("email", Text),
    Column("address", Text),  # line by line
    Column("way", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("sha256", String(64)),  # of the mail as it left, or of the printed letter with its reference
    Column("tries", Integer, nullable=False),
    Column("next_at", Instant),  # not before this
    Column("tried_at", Instant),
    Column("finished_at", Instant),
    Column("code", String(64)),  # why it was held, refused or came back: no words of the server's
    Column("detail", Text),  # those words; they may name the reader
    Column("batch", Integer),  # the journal entry that counts this outcome
    CheckConstraint("way IN ('mail', 'paper', 'held')", name="way"),
    CheckConstraint(
        "state IN ('held', 'intended', 'trying', 'sent', 'failed', 'unknown', 'bounced')", name="state"
    ),
    Index(None, "notice", "state"),
)
