"""python-telegram-bot as it comes: ``python -m bench.delivery_stock URL AT-ONCE COUNT``."""

from __future__ import annotations

import asyncio
import sys
from zoneinfo import ZoneInfo

from telegram import Bot, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.request import HTTPXRequest

from bench.delivery_stage import alert_of, private_chats
from bench.fake_bot_api import TOKEN
from bot.messages.compose import compose
from bot.platforms.telegram.render import render

_TEXTS = 60


async def main(url: str, at_once: int, count: int) -> None:
    """Send so many messages, so many at once, each to a chat of its own."""
    zone = ZoneInfo("Asia/Hong_Kong")
    alerts = [alert_of(f"{number:04}.HK") for number in range(1, _TEXTS + 1)]
    texts = [render(compose([each], zone))[0].html for each in alerts]
    request = HTTPXRequest(connection_pool_size=max(at_once, 1))
    async with Bot(TOKEN, base_url=f"{url}/bot", request=request) as bot:
        left = iter(enumerate(private_chats(count)))

        async def send() -> None:
            for number, chat in left:
                await bot.send_message(
                    chat_id=int(chat.chat),
                    text=texts[number % _TEXTS],
                    parse_mode=ParseMode.HTML,
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                )

        await asyncio.gather(*(send() for _ in range(at_once)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
