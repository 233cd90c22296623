"""What a channel was shown, as the posts themselves tell: each carries the name of its delivery."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.alerts.outcome import Again, Slow, Unknown
from bot.platforms.slack.client import REFUSALS, UNHEARD, error_code, part_of
from bot.platforms.slack.outcomes import judge

_KIND = "marketbell_delivery"
_A_PAGE = 200
_PAGES = 5
_WITHIN = 12.0
_UNTOLD_WAIT = 5_000


@dataclass(frozen=True, slots=True)
class Trace:
    """Which part of which delivery a post is. Most deliveries are one post."""

    delivery: str
    part: int = 1
    parts: int = 1

    def metadata(self) -> dict[str, Any]:
        """Write it as the metadata that Slack keeps with a post, unseen by its readers."""
        parts = {"part": self.part, "parts": self.parts} if self.parts > 1 else {}
        return {"event_type": _KIND, "event_payload": {"delivery": self.delivery, **parts}}


@dataclass(frozen=True, slots=True)
class Traces:
    """The posts that were found, by what they are, and whether these are all there are.

    Where they are not, `later` says that Slack may tell more when it is asked again.
    """

    posts: dict[Trace, str]
    are_all: bool
    later: bool = False

    def of(self, delivery: str) -> dict[Trace, str]:
        """Return what is shown of one delivery."""
        return {trace: ts for trace, ts in self.posts.items() if trace.delivery == delivery}


async def traces(client: AsyncWebClient, channel: str, since: int, delivery: str) -> Traces:
    """Ask Slack what a channel was shown since a time in seconds, the newest first, as far as `delivery`.

    It looks through a thousand posts at most, in a dozen seconds; a short wait that Slack asks for is waited.
    """
    posts: dict[Trace, str] = {}
    cursor = ""
    try:
        async with asyncio.timeout(_WITHIN):
            for _ in range(_PAGES):
                cursor = await _page(client, channel, since, cursor, posts)
                if not cursor:
                    return Traces(posts, are_all=True)
                if any(each.delivery == delivery and each.part == 1 for each in posts):
                    break
    except UNHEARD as failure:
        return Traces(posts, are_all=False, later=_may_tell_later(failure))
    return Traces(posts, are_all=False)


async def _page(
    client: AsyncWebClient, channel: str, since: int, cursor: str, posts: dict[Trace, str]
) -> str:
    """Add what one page holds to `posts`; return where the next begins, or nothing at the end."""
    answer = await _asked(client, channel, since, cursor)
    for message in part_of(answer, "messages"):
        trace = _read(message.get("metadata") or {})
        if trace is not None:
            posts[trace] = str(message["ts"])
    return str(answer["response_metadata"]["next_cursor"]) if answer.get("has_more") else ""


async def _asked(client: AsyncWebClient, channel: str, since: int, cursor: str) -> AsyncSlackResponse:
    ask = partial(
        client.conversations_history,
        channel=channel,
        cursor=cursor or None,
        include_all_metadata=True,
        limit=_A_PAGE,
        oldest=str(since),
    )
    try:
        return await ask()
    except SlackApiError as failure:
        verdict = judge(failure)
        if verdict is None or not isinstance(verdict.outcome, Slow):
            raise
        await asyncio.sleep((verdict.outcome.wait or _UNTOLD_WAIT) / 1000)
    return await ask()


def _may_tell_later(failure: Exception) -> bool:
    """Tell whether a look that failed is worth another: not where the bot lacks the permission to look."""
    verdict = judge(failure)
    passes = verdict is not None and isinstance(verdict.outcome, Slow | Again | Unknown)
    return passes and error_code(failure) not in REFUSALS


def _read(metadata: dict[str, Any]) -> Trace | None:
    payload = metadata.get("event_payload", {})
    if metadata.get("event_type") != _KIND or "delivery" not in payload:
        return None
    return Trace(str(payload["delivery"]), int(payload.get("part", 1)), int(payload.get("parts", 1)))
