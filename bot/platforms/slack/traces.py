"""What a channel was shown, as the posts themselves tell: each carries the name of its delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.platforms.slack.client import UNHEARD, part_of

_KIND = "marketbell_delivery"
_LOOKED_THROUGH = 200


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
    """The posts that were found, by what they are, and whether these are all there are."""

    posts: dict[Trace, str]
    are_all: bool

    def of(self, delivery: str) -> dict[Trace, str]:
        """Return what is shown of one delivery."""
        return {trace: ts for trace, ts in self.posts.items() if trace.delivery == delivery}


async def traces(client: AsyncWebClient, channel: str, since: int) -> Traces:
    """Ask Slack what a channel was shown since a time in seconds; where it does not say, that is not all."""
    try:
        answer = await client.conversations_history(
            channel=channel, include_all_metadata=True, limit=_LOOKED_THROUGH, oldest=str(since)
        )
        messages: list[dict[str, Any]] = part_of(answer, "messages")
    except UNHEARD:
        return Traces({}, are_all=False)
    posts = {}
    for message in messages:
        trace = _read(message.get("metadata") or {})
        if trace is not None:
            posts[trace] = str(message["ts"])
    return Traces(posts, are_all=not answer.get("has_more"))


def _read(metadata: dict[str, Any]) -> Trace | None:
    payload = metadata.get("event_payload", {})
    if metadata.get("event_type") != _KIND or "delivery" not in payload:
        return None
    return Trace(str(payload["delivery"]), int(payload.get("part", 1)), int(payload.get("parts", 1)))
