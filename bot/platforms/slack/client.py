"""The way to Slack's Web API: one client, and whom its token speaks for."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import Away, WrongServer

SLACK = "https://slack.com/api/"

UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What the library raises where Slack's answer has another shape than it trusts it to have."""

UNHEARD = (SlackApiError, aiohttp.ClientError, TimeoutError, OSError, *UNREADABLE)
"""All that a request raises when it brings no good answer."""

REFUSALS = {
    "invalid_auth": "no such token",
    "not_authed": "no token was given",
    "not_allowed_token_type": "it is of the wrong kind",
    "token_revoked": "it was revoked",
    "token_expired": "it has expired",
    "account_inactive": "its app was removed from the workspace, or the workspace is gone",
    "missing_scope": "it lacks a permission; install the app again from the manifest",
}
"""What Slack says of a token that will not work before somebody does something about it."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A token that Slack accepts: its client, the workspace's id and the bot's own user id there."""

    client: AsyncWebClient
    team: str
    bot_user: str

    async def close(self) -> None:
        """Let go of the network."""
        if self.client.session is not None:
            await self.client.session.close()


async def connect(bot_token: str, base_url: str = SLACK, *, patience: float = 10.0) -> Connection:
    """Ask Slack whom `bot_token` speaks for; whoever connects also closes.

    No request takes longer than `patience` seconds: a message and the look for it fit into a delivery's time.
    Raises `WrongServer` when Slack refuses the token and `Away` when it does not answer.
    """
    # A connection kept alive may be dead already when the next message leaves on it, and nobody could tell
    # whether that message is shown: each request has a connection of its own.
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True),
        timeout=aiohttp.ClientTimeout(total=patience, connect=patience / 2),
    )
    client = AsyncWebClient(
        bot_token, base_url, session=session, logger=muted(), retry_handlers=[], timeout=int(patience) or 1
    )
    try:
        answer = await client.auth_test()
        return Connection(client, str(part_of(answer, "team_id")), str(part_of(answer, "user_id")))
    except BaseException as error:
        await session.close()
        if isinstance(error, UNHEARD):
            raise refusal(error, "SLACK_BOT_TOKEN") from None
        raise


def refusal(error: Exception, setting: str) -> WrongServer | Away:
    """Say in one sentence, without the token, why Slack did not let the token in `setting` in."""
    code = error_code(error)
    if code in REFUSALS:
        return WrongServer(f"Slack refuses the token in {setting}: {REFUSALS[code]} ({code}).")
    return Away(f"Slack does not answer ({code or type(error).__name__}).")


def part_of(answer: AsyncSlackResponse, name: str) -> Any:
    """Return a part of an answer; `KeyError` where it is missing, for which the library gives None."""
    value = answer.get(name)
    if value is None:
        raise KeyError(name)
    return value


def error_code(error: Exception) -> str:
    """Return Slack's own word for a failure, or nothing if it said none."""
    data = getattr(error.response, "data", None) if isinstance(error, SlackApiError) else None
    return str(data.get("error", "")) if isinstance(data, dict) else ""


def muted() -> logging.Logger:
    """Return a logger that says nothing: Slack's libraries would write requests, and once signatures, to it.

    It belongs to no tree, so no setting elsewhere can open it.
    """
    # The libraries compare its level rather than ask whether it is enabled.
    logger = logging.Logger("slack", level=logging.CRITICAL + 1)  # noqa: LOG001 - the tree would reach it
    logger.disabled = True
    logger.propagate = False
    return logger
