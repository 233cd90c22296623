"""Senders of this release on what the first release left: what waited is sent once, in order."""

from __future__ import annotations

import re
from pathlib import Path

from redis.asyncio import Redis

from bot.clock import machine_time
from bot.store import alerts as stored
from bot.store import outbox
from bot.store.link import Link, connect
from bot.store.server import embedded
from tests.acceptance.processes import TOKENS, addresses, running, settings, until
from tests.fakes import telegram as fake_telegram
from tests.fakes.telegram import FakeTelegram
from tests.store.releases.scene import LAST
from tests.store.releases.stored import load
from tests.store.test_schema import RELEASES

BOT = fake_telegram.TOKEN.partition(":")[0]
ALICE, BOB, GROUP = 1001, 1002, -100500


def left_by_the_first(now: int) -> list[str]:
    """Return the first release's sample as if it had stopped a minute ago, and its bot were the tests'."""
    text = (RELEASES / "1.jsonl").read_text(encoding="utf-8").replace("telegram:77:", f"telegram:{BOT}:")
    text = text.replace('telegram:77"', f'telegram:{BOT}"').replace("telegram:77}", f"telegram:{BOT}}}")
    later = now - 60_000 - LAST
    moved = re.sub(r"\b1(?:69|70)\d{10}\b", lambda match: str(int(match[0]) + later), text)
    return moved.splitlines()


async def test_two_senders_that_start_at_once_on_older_data_send_what_waited_once_in_order(
    tmp_path: Path,
) -> None:
    async with FakeTelegram() as telegram:
        settings(tmp_path, addresses(telegram))
        with embedded(tmp_path / "redis") as place:
            raw = Redis(unix_socket_path=str(place.socket))
            await load(raw, left_by_the_first(machine_time()))
            await raw.aclose()
            environ = {
                "TELEGRAM_TOKEN": TOKENS["TELEGRAM_TOKEN"],
                "REDIS_URL": f"unix://{place.socket}",
                "XDG_DATA_HOME": str(tmp_path / "home"),
            }
            async with (
                running("sender", environ=environ, cwd=tmp_path) as one,
                running("sender", environ=environ, cwd=tmp_path) as other,
            ):
                link = await connect(place, "live")
                route = f"telegram:{BOT}"

                async def nothing_waits() -> bool:
                    return not (await outbox.backlog(link, [route]))[route] and bool(telegram.messages[ALICE])

                await until(nothing_waits)
                placed = {chat: await places(link, chat) for chat in (ALICE, BOB, f"{GROUP}:7")}
                await link.close()
                said = one.said + other.said
                assert [await each.stop() for each in (one, other)] == [0, 0]
    assert said.count("older data is brought over") == 1
    assert "Traceback" not in said
    # Each message once, in the order of the alerts; alerts that are one message have one place.
    for chat, shown in ((ALICE, ALICE), (BOB, BOB), (f"{GROUP}:7", GROUP)):
        assert placed[chat] == sorted(placed[chat])
        assert set(placed[chat]) == {each.message_id for each in telegram.messages[shown]}
    assert [len(placed[chat]) for chat in (ALICE, BOB, f"{GROUP}:7")] == [4, 1, 2]
    assert [call.code for call in telegram.journal if call.code == 429] == []


async def places(link: Link, chat: int | str) -> list[int]:
    """Return the message that each alert of those that waited stands in, in the order of the alerts."""
    name = f"telegram:{BOT}:{chat}"
    waited = (await stored.recent(link, 100))[3:7]
    states = [await link.client.hget(link.keys.ledger(each.fingerprint), name) for each in waited]
    sent = [state.split(" ")[1] for state in states if state is not None and state.startswith("sent ")]
    # Bob had the first of them before.
    return [int(each) for each in sent if int(each) != 105]
