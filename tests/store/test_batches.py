from __future__ import annotations

import asyncio
from pathlib import Path

from bot.errors import Away
from bot.store import pace
from bot.store.link import Link, connect
from bot.store.pace import Budget
from bot.store.server import embedded
from tests.cast import NOW

PLENTY = Budget(interval=1, burst=1000, reserved=0)


async def taken(link: Link, route: str, times: int) -> list[int]:
    asked = (pace.take(link, route, PLENTY, PLENTY.for_answers, NOW, each) for each in range(1, times + 1))
    return [each.granted for each in await asyncio.gather(*asked)]


async def commands(link: Link) -> dict[str, int]:
    """Return how often the server read from its clients, and how many scripts it ran."""
    said = await link.client.info("stats")
    ran = await link.client.info("commandstats")
    return {
        "reads": int(said["total_reads_processed"]),
        "scripts": int(ran.get("cmdstat_evalsha", {"calls": 0})["calls"]),
    }


async def test_scripts_that_are_run_at_one_time_leave_in_one_write_and_each_has_its_own_answer(
    link: Link,
) -> None:
    await taken(link, "telegram:1", 1)
    before = await commands(link)
    assert await taken(link, "telegram:2", 40) == list(range(1, 41))
    after = await commands(link)
    assert after["scripts"] - before["scripts"] == 40
    assert after["reads"] - before["reads"] <= 5


async def test_scripts_that_the_server_has_forgotten_are_taught_and_run_once(link: Link) -> None:
    await taken(link, "telegram:1", 3)
    await link.client.script_flush()
    assert await taken(link, "telegram:3", 5) == [1, 2, 3, 4, 5]
    left = await pace.take(link, "telegram:3", PLENTY, PLENTY.for_answers, NOW, 1000)
    assert left.granted == 1000 - 15


async def test_one_script_that_fails_fails_alone(link: Link) -> None:
    await link.client.set(link.keys.bucket("telegram:4"), "no bucket")
    good = pace.take(link, "telegram:5", PLENTY, PLENTY.for_answers, NOW, 2)
    bad = pace.take(link, "telegram:4", PLENTY, PLENTY.for_answers, NOW, 2)
    answers = await asyncio.gather(good, bad, return_exceptions=True)
    assert getattr(answers[0], "granted", None) == 2
    assert isinstance(answers[1], Away)


async def test_a_caller_that_is_cancelled_stops_no_other(link: Link) -> None:
    first = asyncio.create_task(taken(link, "telegram:6", 1))
    second = asyncio.create_task(taken(link, "telegram:7", 4))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == [1, 2, 3, 4]
    assert first.cancelled() or first.cancelling()


async def test_a_server_that_is_gone_is_said_to_each_who_asks(tmp_path: Path) -> None:
    with embedded(tmp_path) as place:
        link = await connect(place, "gone")
    answers = await asyncio.gather(*(taken(link, "telegram:8", 1) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in answers] == [Away] * 3
    await link.close()
