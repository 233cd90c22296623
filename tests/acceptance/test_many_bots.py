"""Several bots on one Redis: each sender serves the chats of the bot whose token it has."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from bot.chats.chat_id import ChatId
from bot.chats.subscription import EVERYTHING
from bot.clock import machine_time
from bot.pipeline.fan_out import FanOut
from bot.store import alerts as stored
from bot.store import chats, outbox
from bot.store.link import connect
from bot.store.server import embedded
from tests.acceptance.processes import addresses, running, settings, until
from tests.cast import alert
from tests.fakes.telegram import TOKEN, FakeTelegram

OTHER = f"{int(TOKEN.partition(':')[0]) + 1}:{TOKEN.partition(':')[2]}"
CHATS = range(5001, 5006)


async def test_a_sender_serves_the_chats_of_its_own_bot_and_no_others(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        place = stack.enter_context(embedded(tmp_path / "redis"))
        link = await connect(place, "live")
        stack.push_async_callback(link.close)
        bots: list[FakeTelegram] = []
        for number, token in enumerate((TOKEN, OTHER)):
            bots.append(await stack.enter_async_context(FakeTelegram(token=token)))
            folder = tmp_path / str(number)
            folder.mkdir()
            settings(folder, addresses(bots[-1]))
            environ = {
                "TELEGRAM_TOKEN": token,
                "REDIS_URL": f"unix://{place.socket}",
                "XDG_DATA_HOME": str(folder),
            }
            await stack.enter_async_context(running("sender", environ=environ, cwd=folder))
        names = [token.partition(":")[0] for token in (TOKEN, OTHER)]
        # The second bot has one chat more than the first, by a name that the first has as well.
        for chat in CHATS:
            await chats.subscribe(link, ChatId("telegram", names[0], str(chat)), EVERYTHING, 1)
        for chat in (*CHATS, 6001):
            await chats.subscribe(link, ChatId("telegram", names[1], str(chat)), EVERYTHING, 1)
        made = alert(4, raised=machine_time())
        await stored.raise_together(link, 1, "job", made.raised, [made])
        await FanOut(link, machine_time).work_off()

        async def all_are_sent() -> bool:
            return (await outbox.counts(link)).get("sent", 0) == 2 * len(CHATS) + 1

        await until(all_are_sent)
    for bot, told in zip(bots, (set(CHATS), {*CHATS, 6001}), strict=True):
        assert {chat for chat, shown in bot.messages.items() if shown} == told
        assert all(len(bot.texts(chat)) == 1 for chat in told)
