"""Messages on their way to the page."""

from __future__ import annotations

from dataclasses import dataclass

from bot.alerts.outcome import Again, Outcome, Sent
from bot.chats.chat_id import ChatId
from bot.errors import Away
from bot.messages.blocks import Message
from bot.platforms.web.render import render
from bot.ports import PageFeed


@dataclass(frozen=True, slots=True)
class WebSender:
    """The page, as deliveries use it."""

    feed: PageFeed

    @property
    def route(self) -> str:
        """The route of every session of the page."""
        return "web:"

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        """Add `message` to the page of a session, once."""
        try:
            return Sent(await self.feed.show(chat.chat, delivery, render(message)))
        except Away as error:
            return Again(str(error), scope="route")

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        """The feed takes a delivery once, however often it is sent: sending it again settles every doubt."""
        del chat, delivery
        return Again("the page shows a delivery once, however often it is sent", wait=0)
