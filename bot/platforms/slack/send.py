"""Messages on their way to a channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.alerts.outcome import Again, Broken, Outcome, Sent, Unknown
from bot.chats.chat_id import ChatId
from bot.clock import MachineTime, machine_time
from bot.messages.blocks import Message
from bot.platforms.slack.client import Connection, error_code, part_of
from bot.platforms.slack.outcomes import judge
from bot.platforms.slack.pictures import show_picture
from bot.platforms.slack.render import Post, render
from bot.platforms.slack.traces import Trace, Traces, traces

# What is older is no longer sent, so it need not be found.
_DAY_S = 24 * 3600


_UNCHANGEABLE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "msg_too_long"})


def _nothing(_said: str, **_facts: object) -> None:
    """Keep what is reported to oneself."""


@dataclass(frozen=True, slots=True)
class SlackSender:
    """One workspace, as deliveries use it.

    `pause` is the time in seconds between the posts of one long message, and until a message whose
    connection broke is looked for: Slack may still be taking it.
    """

    connection: Connection
    pause: float = 1.0
    now: MachineTime = machine_time
    report: Callable[..., None] = _nothing

    @property
    def route(self) -> str:
        """The route of the workspace's channels."""
        return f"slack:{self.connection.team}"

    async def send(self, chat: ChatId, message: Message, delivery: str) -> Outcome:
        """Show `message` in a channel once.

        A message that is too long for one post is several: those shown by an earlier try are left out, and
        the message is sent, under the first one's id, when the last is shown. A picture follows them.
        """
        outcome = await self._show_all(chat, render(message), delivery)
        if isinstance(outcome, Sent):
            await show_picture(self.connection.client, chat.chat, message, self.report)
        return outcome

    async def replace(self, chat: ChatId, message_id: str, message: Message) -> Outcome:
        """Change a message that is shown; one that would need several posts is not changed."""
        posts = render(message)
        if len(posts) != 1:
            return Broken("it does not fit into the message that is shown")
        try:
            await self.connection.client.chat_update(
                channel=chat.chat,
                ts=message_id,
                text=posts[0].text,
                blocks=list(posts[0].blocks),
                parse="none",
                link_names=False,
            )
        except Exception as failure:
            if error_code(failure) in _UNCHANGEABLE:
                return Broken(f"Slack says {error_code(failure)}")
            verdict = judge(failure)
            if verdict is None:
                raise
            return verdict.outcome
        return Sent(message_id)

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        """Look for a delivery among what the channel was shown in the last day.

        One that is shown in part is `Again`: sending it adds the rest.
        """
        found = await self._traces(chat)
        shown = found.of(delivery)
        if shown:
            first = min(shown, key=lambda trace: trace.part)
            return Sent(shown[first]) if len(shown) == first.parts else Again("only a part of it is shown")
        return (
            Again("it is not shown") if found.are_all else Unknown("Slack does not say whether it is shown")
        )

    async def _show_all(self, chat: ChatId, posts: tuple[Post, ...], delivery: str) -> Outcome:
        if len(posts) == 1:
            return await self._show(chat, posts[0], Trace(delivery))
        shown = (await self._traces(chat)).of(delivery)
        parts = [Trace(delivery, part, len(posts)) for part in range(1, len(posts) + 1)]
        for trace, post in zip(parts, posts, strict=True):
            if trace in shown:
                continue
            if shown:
                await asyncio.sleep(self.pause)
            outcome = await self._show(chat, post, trace)
            if not isinstance(outcome, Sent):
                return outcome
            shown[trace] = outcome.message_id
        return Sent(shown[parts[0]])

    async def _show(self, chat: ChatId, post: Post, trace: Trace) -> Outcome:
        try:
            return await self._post(chat, post, trace)
        except Exception as failure:
            verdict = judge(failure)
            if verdict is None:
                raise
        if verdict.plainer and post.blocks:
            return await self._show(chat, post.plainer(), trace)
        if verdict.maybe_shown:
            await asyncio.sleep(self.pause)
            found = (await self._traces(chat)).posts.get(trace)
            return verdict.outcome if found is None else Sent(found)
        return verdict.outcome

    async def _post(self, chat: ChatId, post: Post, trace: Trace) -> Sent:
        answer = await self.connection.client.chat_postMessage(
            channel=chat.chat,
            text=post.text,
            blocks=list(post.blocks) or None,
            metadata=trace.metadata(),
            parse="none",
            link_names=False,
            unfurl_links=False,
            unfurl_media=False,
        )
        return Sent(str(part_of(answer, "ts")))

    async def _traces(self, chat: ChatId) -> Traces:
        return await traces(self.connection.client, chat.chat, self.now() // 1000 - _DAY_S)
