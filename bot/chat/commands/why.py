"""`/why`: why an alert was told, with every number computed again, and what was decided for this chat."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot.alerts.alert import Alert
from bot.alerts.decided import decided
from bot.alerts.why import why
from bot.chat.command import Asked, Command
from bot.chat.stored_book import StoredBook
from bot.chats.roles import Role
from bot.chats.subscription import chat_topic
from bot.errors import Away, NotKnown
from bot.messages.blocks import Message
from bot.messages.why import why_message
from bot.store import heard
from bot.store.link import Link


async def _answer(asked: Asked) -> Message:
    link = _link(asked)
    if asked.arguments:
        beginning = asked.words
        alert = await heard.find(link, beginning)
        if not _may_see(asked, alert):
            # What another chat asked to be told of is nobody else's business, not even that it was told.
            raise NotKnown(f"No alert is kept whose fingerprint begins with “{beginning[:40]}”.")
    else:
        last = await heard.last_heard(link, asked.chat)
        if last is None:
            raise NotKnown("This chat was told nothing lately: write /why with an alert's fingerprint.")
        alert = last
    here = decided(alert, await heard.state_of(link, alert.fingerprint, asked.chat))
    zone = ZoneInfo((await asked.book.silence(asked.chat)).zone)
    return why_message(why(alert), await heard.deliveries(link, alert.fingerprint), here, zone)


def _may_see(asked: Asked, alert: Alert) -> bool:
    own = [each for each in alert.topics if each.startswith(chat_topic(""))]
    return not own or chat_topic(str(asked.chat)) in own or asked.role >= Role.OWNER


def _link(asked: Asked) -> Link:
    book = asked.book
    if not isinstance(book, StoredBook):
        raise Away("No alerts are kept here: start marketbell run, and ask there.")
    return book.link


COMMAND = Command(
    name="why",
    arguments="[FINGERPRINT]",
    fewest=0,
    most=3,
    role=Role.READER,
    usage="why an alert was told, each number computed again; the last one here if none is named",
    examples=("/why", "/why 3f9a1c"),
    answer=_answer,
)
