"""Messages on their way to a channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.alerts.outcome import Again, Broken, Outcome, Refused, Sent, Slow, Unknown
from bot.chats.chat_id import ChatId
from bot.clock import MachineTime, machine_time
from bot.messages.blocks import Message
from bot.platforms.slack.client import Connection, part_of
from bot.platforms.slack.outcomes import judge
from bot.platforms.slack.pictures import show_picture
from bot.platforms.slack.render import Post, render
from bot.platforms.slack.traces import Trace, Traces, traces

# What is older is no longer sent, so it need not be found.
_DAY_S = 24 * 3600
# What left just now, by clocks that need not agree.
_JUST_NOW_S = 3600
_UNTOLD_WAIT = 5_000


def _nothing(_said: str, **_facts: object) -> None:
    """Keep what is reported to oneself."""


@dataclass(slots=True)
class _Changes:
    """Until when, in machine time, Slack wants to change nothing: it counts changes by themselves."""

    held: int = 0


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
    _changes: _Changes = field(default_factory=_Changes, init=False)

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
        """Change a message that is shown; one that would need several posts is not changed.

        Slack takes about fifty changes a minute of a whole workspace, and messages by another count. So a
        change that comes too fast is `Again` and holds nothing but its own chat, and until Slack's wait is
        over no other change is asked for here.
        """
        posts = render(message)
        if len(posts) != 1:
            return Broken("it does not fit into the message that is shown")
        left = self._changes.held - self.now()
        if left > 0:
            return Again("Slack changes no message for now", left)
        outcome = await self._change(chat, message_id, posts[0])
        if isinstance(outcome, Slow):
            wait = outcome.wait or _UNTOLD_WAIT
            self._changes.held = self.now() + wait
            return Again(outcome.why, wait)
        return outcome

    async def find(self, chat: ChatId, delivery: str) -> Outcome:
        """Look for a delivery among what the channel was shown in the last day.

        One that is shown in part is `Again`: sending it adds the rest.
        """
        found = await self._traces(chat, delivery, _DAY_S)
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
        found = await self._traces(chat, delivery, _DAY_S)
        if found.later:
            return Again("Slack does not say how much of it is shown")
        shown = found.of(delivery)
        parts = [Trace(delivery, part, len(posts)) for part in range(1, len(posts) + 1)]
        posted = 0
        for trace, post in zip(parts, posts, strict=True):
            if trace in shown:
                continue
            if shown:
                await asyncio.sleep(self.pause)
            outcome = await self._show(chat, post, trace)
            if not isinstance(outcome, Sent):
                return outcome
            shown[trace] = outcome.message_id
            posted += 1
        return Sent(shown[parts[0]], max(1, posted))

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
            found = await self._traces(chat, trace.delivery, _JUST_NOW_S)
            if trace in found.posts:
                return Sent(found.posts[trace])
            if isinstance(verdict.outcome, Again) and not found.are_all:
                return Unknown(f"{verdict.outcome.why}, and does not say whether it is shown")
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

    async def _change(self, chat: ChatId, message_id: str, post: Post) -> Outcome:
        try:
            await self.connection.client.chat_update(
                channel=chat.chat,
                ts=message_id,
                text=post.text,
                blocks=list(post.blocks),
                parse="none",
                link_names=False,
            )
        except Exception as failure:
            verdict = judge(failure)
            if verdict is None:
                raise
            if verdict.plainer and post.blocks:
                return await self._change(chat, message_id, post.plainer())
            if isinstance(verdict.outcome, Refused):
                # It gets a message of its own, and what is said of that decides.
                return Broken(verdict.outcome.why)
            return verdict.outcome
        return Sent(message_id)

    async def _traces(self, chat: ChatId, delivery: str, back: int) -> Traces:
        return await traces(self.connection.client, chat.chat, self.now() // 1000 - back, delivery)
