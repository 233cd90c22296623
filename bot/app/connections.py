"""Connections to the platforms whose tokens are set, and the tasks that each of them needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.app.parts import Parts
from bot.errors import Away, SettingsError
from bot.pipeline.answering import Answering
from bot.ports import Sender

Made = TypeVar("Made")

_FIRST_S = 1.0
_LONGEST_S = 60.0
_REST_S, _REST_PART = 25.0, 0.8


@dataclass(frozen=True, slots=True)
class Connected:
    """One platform: what sends there, and what listens; whoever only sends loads nothing to listen with."""

    sender: Sender
    listen: Callable[[], Coroutine[Any, Any, None]]


@asynccontextmanager
async def telegram(parts: Parts) -> AsyncIterator[Connected]:
    """Connect to Telegram; raises `WrongServer` when the token is refused."""
    from bot.platforms.telegram.client import connect
    from bot.platforms.telegram.send import TelegramSender

    token = parts.secrets.telegram_token
    if token is None:
        raise SettingsError("TELEGRAM_TOKEN is not set: put the token that @BotFather gave you there.")
    bot = await _patiently(parts, lambda: connect(token, parts.settings.addresses.telegram))
    try:
        delivery = parts.settings.delivery
        # What is left of a long message is given up before all of it would be taken for unknown.
        within = min(_REST_S, _REST_PART * delivery.send)
        sender = TelegramSender(bot, parts.report, within=within, paid=delivery.telegram.paid)

        async def listen() -> None:
            from bot.platforms.telegram.listen import TelegramListener

            say = _answering(parts, sender).say
            desk = parts.desk((sender.route,))
            await TelegramListener(bot, desk, parts.book(), say, parts.report).run()

        yield Connected(sender, listen)
    finally:
        await bot.shutdown()


@asynccontextmanager
async def slack(parts: Parts) -> AsyncIterator[Connected]:
    """Connect to Slack; raises `WrongServer` when a token is refused."""
    from bot.platforms.slack.client import connect
    from bot.platforms.slack.send import SlackSender

    token, app_token = parts.secrets.slack_bot_token, parts.secrets.slack_app_token
    if token is None or app_token is None:
        raise SettingsError(
            "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are both needed: set them to the xoxb- and the xapp- token."
        )
    connection = await _patiently(parts, lambda: connect(token, parts.settings.addresses.slack))
    try:
        sender = SlackSender(connection, report=parts.report)

        async def listen() -> None:
            from bot.platforms.slack.listen import SlackListener

            say = _answering(parts, sender).say
            desk = parts.desk((sender.route,))
            await SlackListener(connection, app_token, desk, parts.book(), say, parts.report).run()

        yield Connected(sender, listen)
    finally:
        await connection.close()


def _answering(parts: Parts, sender: Sender) -> Answering:
    budget = parts.budget_of(sender.route)
    return Answering(parts.link, sender, budget, parts.pace_of, parts.clock, parts.report)


async def _patiently(parts: Parts, connect: Callable[[], Awaitable[Made]]) -> Made:
    """Connect, and go on trying while nobody answers there."""
    wait = _FIRST_S
    while True:
        try:
            return await connect()
        except Away as error:
            parts.report("a platform does not answer", why=str(error))
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_S)
