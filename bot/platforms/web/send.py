"""Messages on their way to the page."""

from __future__ import annotations

from dataclasses import dataclass

from bot.alerts.outcome import Again, Broken, Outcome, Sent
from bot.chats.chat_id import ChatId
from bot.errors import Away
from bot.messages.blocks import Message
from bot.platforms.web.render import render
from bot.ports import PageFeed


@dataclass(frozen=True, slots=True)
class WebSender:
    """The page, as deliveries use it. Pictures are for answers, which do not come this way."""

    feed: PageFeed

    @property
    def route(self) -> str:
        """The route of every session of the page."""
        return "web:"

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        """Add `message` to the page of a session, once."""
        try:
            await self.feed.show(chat.chat, delivery, render(message, delivery))
        except Away as error:
            return Again(str(error), scope="route")
        return Sent(delivery)

    async def replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        """Show a message anew, above the others; the page takes the old one away."""
        try:
            place = await self.feed.replace(chat.chat, message_id, render(message, message_id))
        except Away as error:
            return Again(str(error), scope="route")
        return Broken("it is not on the page any more") if place is None else Sent(message_id)

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        """The feed takes a delivery once, however often it is sent: sending it again settles every doubt."""
        del chat, delivery
        return Again("the page shows a delivery once, however often it is sent", wait=0)
