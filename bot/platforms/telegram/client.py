"""A bot's connection to Telegram, tried before anything is built on it."""

from __future__ import annotations

import re

from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot.errors import Away, WrongServer
from bot.platforms.telegram.request import TOKEN_GOES_HERE, AiohttpRequest

BOT_API = "https://api.telegram.org"

_TOKEN = re.compile(r"([0-9]{1,20}):[A-Za-z0-9_-]+")


def bot_id(token: str) -> str:
    """Return the public id of the bot that `token` opens."""
    written = _TOKEN.fullmatch(token)
    if written is None:
        raise WrongServer(
            "TELEGRAM_TOKEN holds no token of a Telegram bot: "
            "copy the line that @BotFather gives, digits, a colon, then letters."
        )
    return written[1]


async def connect(token: str, base_url: str = BOT_API) -> Bot:
    """Return the bot that `token` opens, known to Telegram; close it with `shutdown`.

    Raises `WrongServer` for a token that is refused and `Away` when the server does not answer.
    """
    public = bot_id(token)
    server = base_url.rstrip("/")
    # The bot is given its public id for a token: it prints and logs what it was given.
    bot = Bot(
        public,
        base_url=lambda _: f"{server}/bot{TOKEN_GOES_HERE}",
        base_file_url=lambda _: f"{server}/file/bot{TOKEN_GOES_HERE}",
        request=AiohttpRequest(token),
        get_updates_request=AiohttpRequest(token),
    )
    try:
        await bot.initialize()
    except TelegramError as failure:
        await bot.shutdown()
        if isinstance(failure, InvalidToken):
            raise WrongServer(
                "Telegram refuses the token in TELEGRAM_TOKEN: ask @BotFather for the one that is valid now."
            ) from None
        raise Away(f"Telegram does not answer at {server}: {failure.message}.") from None
    except BaseException:
        await bot.shutdown()
        raise
    return bot
