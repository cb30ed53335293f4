"""`ports.Messenger` over `ports.Chat`: one message for our own people, once."""

from contextlib import suppress
from datetime import timedelta

from tocsin.model.slack_text import FALLBACK, escaped, mention
from tocsin.ports import Chat, ChatMessage, Clock, Post

LOOK_BACK = timedelta(days=3)
"""How long after its first try a message is still looked for before it is posted again."""


class ChatMessenger:
    """Looks whether a message of this key stands already, and posts it if not."""

    def __init__(self, chat: Chat, clock: Clock) -> None:
        self._chat = chat
        self._clock = clock

    def post(self, post: Post) -> str:
        """Post it, or find that it was posted before, and return its `ts`."""
        room = self._chat.room().id
        if not self._chat.posts_only:
            found = self._chat.find(room, post.key, since=self._clock.now() - LOOK_BACK)
            if found is not None:
                return found
        called = []
        for member in post.mention:
            with suppress(ValueError):  # a wrong id in the workspace must not keep the alarm from going
                called.append(mention(member))
        text = " ".join([*called, escaped(post.text, FALLBACK - 30 * len(called))])
        return self._chat.post(room, ChatMessage(post.key, text)) or ""
